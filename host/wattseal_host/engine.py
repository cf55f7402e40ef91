"""The seam between the host and the protocol's arithmetic: the same code on gmpy2 integers.

There is no second curve. Coordinates become `mpz` once, when a point is decoded, and everything
computed from them stays `mpz`. HMAC keeps the state after its key, which MicroPython cannot.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import gcd

from gmpy2 import invert, mpz
from wattseal import comb_tables, p256
from wattseal.commitment import opens_all
from wattseal.errors import Malformed, Refused
from wattseal.fixed_base import G_BASE, H_BASE
from wattseal.multi_exp import add_pairs, multi_exp
from wattseal.multi_exp import running_sums as _running_sums

p256.INVERSES[mpz] = invert
comb_tables.hold()

Point = tuple[mpz, mpz]
HINT_BYTES = 32
_BLOCK_BYTES = 64  # of SHA-256
_IDENTITY = bytes(64)  # (0, 0) is not on the curve


def decode_commitment(compressed: bytes, hint: bytes) -> Point:
    """The point of 33 compressed bytes and its y in 32; Malformed `point-*` otherwise."""
    point: Point = p256.decode_point_hinted(compressed, hint, mpz)
    return point


def find_hint(compressed: bytes) -> bytes:
    """The 32 bytes of y of 33 compressed bytes (a square root); Malformed `point-*`."""
    return bytes(p256.encode_hint(p256.decode_point(compressed, mpz)))


def points_to_bytes(points: Sequence[Point | None]) -> bytes:
    """x and y in 32 bytes each, point by point; zeros for the identity. For our own storage."""
    return b"".join(
        _IDENTITY if p is None else int(p[0]).to_bytes(32, "big") + int(p[1]).to_bytes(32, "big")
        for p in points
    )


def points_from_bytes(data: bytes) -> list[Point | None]:
    """The inverse of `points_to_bytes`. Nothing is checked: never for bytes of others."""
    number = mpz.from_bytes
    numbers = [number(data[at : at + 32], "big") for at in range(0, len(data), 32)]
    return [(x, y) if y else None for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def running_sums(start: Point | None, points: Sequence[Point | None]) -> list[Point | None]:
    """start + points[0] + … + points[i], for each i."""
    sums: list[Point | None] = _running_sums(start, points)
    return sums


def differences(sums: Sequence[Point | None]) -> list[Point]:
    """sums[i + 1] - sums[i] for each i. Raises Malformed `point-identity` where two are equal."""
    pairs = list(pairwise(sums))
    if any(before == after or after is None for before, after in pairs):
        raise Malformed("point-identity")
    prime = mpz(p256.P)
    whole = [(before, after) for before, after in pairs if before is not None]
    found = iter(add_pairs([a for _, a in whole], [p256.negate(b) for b, _ in whole], prime))
    return [after if before is None else next(found) for before, after in pairs]  # type: ignore


def weighted_sum(points: Sequence[Point | None], weights: Sequence[int]) -> Point | None:
    """Σ weights[i] * points[i]; None is the identity. Public weights only (variable time)."""
    # Taxes and round prices leave the weights a common factor: it is applied once, at the end.
    common = gcd(*weights)
    if common > 1:
        weights = [weight // common for weight in weights]
    total: Point | None = multi_exp(points, weights)
    return total if common <= 1 else multi_exp([total], [common])


def commitment_to(value: int, blinding: int) -> Point | None:
    """value * G + blinding * H for any integers (taken mod the group order)."""
    total: Point | None = p256.add(
        G_BASE.multiply(mpz(value % p256.N)), H_BASE.multiply(mpz(blinding % p256.N))
    )
    return total


def check_openings(
    points: Sequence[Point], values: Sequence[int], blindings: Sequence[int]
) -> None:
    """Every (value, blinding) opens its commitment, in one batch with fresh random weights.

    Raises Refused `opening-false`.
    """
    if not opens_all(points, values, blindings, secrets.token_bytes(32)):
        raise Refused("opening-false")


def keyed_hmac(key: bytes) -> Callable[..., bytes]:
    """HMAC-SHA-256 of parts under a key of 64 bytes at most, whose two blocks are hashed once."""
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in padded]))
    outer = hashlib.sha256(bytes([byte ^ 0x5C for byte in padded]))

    def mac(*parts: bytes) -> bytes:
        inside, outside = inner.copy(), outer.copy()
        inside.update(b"".join(parts))
        outside.update(inside.digest())
        return outside.digest()

    return mac
