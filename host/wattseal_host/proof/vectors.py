"""Vectors of scalars mod the group's order, in gmpy2 integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gmpy2 import invert, mpz


def powers(base: int, count: int, order: int) -> list[Any]:
    """base^0 … base^(count - 1)."""
    result = []
    power = mpz(1)
    for _ in range(count):
        result.append(power)
        power = power * base % order
    return result


def dot(a: Sequence[int], b: Sequence[int], order: int) -> Any:
    """<a, b>."""
    return sum((x * y for x, y in zip(a, b, strict=True)), mpz(0)) % order


def inverse(value: int, order: int) -> Any:
    """1/value for value != 0 mod the prime order."""
    return invert(mpz(value), order)


def fold_scalars(a: Sequence[int], low: int, high: int, order: int) -> list[Any]:
    """a_low * low + a_high * high over the two halves of a."""
    half = len(a) // 2
    return [(x * low + y * high) % order for x, y in zip(a[:half], a[half:], strict=True)]


def challenge_products(challenges: Sequence[int], order: int) -> list[Any]:
    """s_b = Π_r u_r^(±1) for 0 <= b < 2^k: + where the bit of b is set, first challenge highest.

    These are the weights with which the b-th block of generators enters the folded ones. The
    inverses are the same list backwards.
    """
    products = [mpz(1)]
    for challenge in challenges:
        inverted = inverse(challenge, order)
        products = [s * u % order for s in products for u in (inverted, challenge)]
    return products
