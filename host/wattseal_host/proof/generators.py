"""The vector generators G_i and H_i, by hashing to the curve, made as they are needed.

    G_i = hash_to_curve(GENERATOR_VECTOR_G || i, GENERATOR_DST), i in 4 bytes; H_i and Q alike

They come in levels: level 0 is index 0, level k the indices 2^(k-1) to 2^k - 1. A level is made
once (about 0.1 ms a point) and kept in the user's cache with a checksum; a damaged or missing
file is made anew. Whoever can write into the user's cache can also alter the program.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from gmpy2 import mpz, powmod
from wattseal import p256
from wattseal.hash_to_curve import hash_to_field
from wattseal.hashing import sha256
from wattseal.labels import GENERATOR_DST
from wattseal.multi_exp import add_pairs

from wattseal_host.engine import points_from_bytes, points_to_bytes
from wattseal_host.files import write_atomic
from wattseal_host.proof import labels
from wattseal_host.proof.buckets import Point

MAX_LEVEL = 20
_Z = p256.P - 10
_MESSAGES = {"G": labels.GENERATOR_VECTOR_G, "H": labels.GENERATOR_VECTOR_H}


def cache_directory() -> Path:
    """`$XDG_CACHE_HOME/wattseal/generators-1`, or below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "wattseal" / "generators-1"


def level_range(level: int) -> tuple[int, int]:
    """First index and end of a level."""
    return (1 << level) >> 1, 1 << level


def hash_points(name: str, start: int, stop: int) -> list[Point]:
    """The generators named "G" or "H" of the indices start <= i < stop."""
    prefix = _MESSAGES[name]
    return hash_many([prefix + index.to_bytes(4, "big") for index in range(start, stop)])


def hash_many(messages: list[bytes]) -> list[Point]:
    """`wattseal.hash_to_curve` of each message, with shared inversions."""
    fields = [
        mpz(element) for message in messages for element in hash_to_field(message, GENERATOR_DST, 2)
    ]
    mapped = _map_many(fields)
    sums: list[Point] = add_pairs(mapped[::2], mapped[1::2], mpz(p256.P))
    return sums


def _map_many(elements: list[mpz]) -> list[Point]:
    """`wattseal.hash_to_curve.map_to_curve` of each element."""
    prime = mpz(p256.P)
    zu2s = [_Z * u * u % prime for u in elements]
    tv1s = [(zu2 * zu2 + zu2) % prime for zu2 in zu2s]
    inverses = iter(p256.batch_inverse([tv1 for tv1 in tv1s if tv1], prime))
    minus_b_over_a = (prime - p256.B) * p256.inverse(mpz(p256.A), prime) % prime
    exceptional = p256.B * p256.inverse(mpz(_Z * p256.A), prime) % prime
    points = []
    for u, zu2, tv1 in zip(elements, zu2s, tv1s, strict=True):
        x = minus_b_over_a * (1 + next(inverses)) % prime if tv1 else exceptional
        y = _square_root(x, prime)
        if y is None:
            x = zu2 * x % prime
            y = _square_root(x, prime)
        assert y is not None  # one of the two is a square
        points.append((x, y if (u & 1) == (y & 1) else prime - y))
    return points


def _square_root(x: mpz, prime: mpz) -> mpz | None:
    square = ((x * x - 3) * x + p256.B) % prime
    root = powmod(square, (prime + 1) >> 2, prime)
    return root if root * root % prime == square else None


@cache
def point_q() -> Point:
    """Q, the base of the inner product."""
    return hash_many([labels.GENERATOR_Q])[0]


def digest() -> bytes:
    """32 bytes that stand for all generators: they follow from these names."""
    return bytes(
        sha256(
            labels.GENERATORS,
            bytes([len(GENERATOR_DST)]),
            GENERATOR_DST,
            *(labels.GENERATOR_VECTOR_G, b"\0", labels.GENERATOR_VECTOR_H, b"\0"),
            *(p256.encode_point(point) for point in (p256.G, _h(), point_q())),
        )
    )


def _h() -> tuple[int, int]:
    from wattseal.generators import H

    return H


def read_level(level: int) -> tuple[list[Point], list[Point]] | None:
    """A level's G and H from the cache; None if the file is missing or damaged."""
    try:
        data = _file(level).read_bytes()
    except OSError:
        return None
    start, stop = level_range(level)
    if len(data) != 32 + 2 * 64 * (stop - start) or data[:32] != _checksum(level, data[32:]):
        return None
    points = [point for point in points_from_bytes(data[32:]) if point is not None]
    return points[: stop - start], points[stop - start :]


def write_level(level: int, g: list[Point], h: list[Point]) -> None:
    """Keep a level; a cache that cannot be written is no error, only slow."""
    body = points_to_bytes([*g, *h])
    try:
        _file(level).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(_file(level), _checksum(level, body) + body)
    except OSError:
        return


def _file(level: int) -> Path:
    return cache_directory() / f"level-{level:02d}"


def _checksum(level: int, body: bytes) -> bytes:
    return bytes(sha256(labels.CACHE, digest(), bytes([level]), body))
