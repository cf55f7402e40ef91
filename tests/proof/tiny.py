"""A tiny group for the argument system: a curve of prime order on which everything can be tried.

Textbook affine addition and double-and-add; nothing of the protocol's arithmetic is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from gmpy2 import mpz
from wattseal.errors import Malformed, Misuse

Point = tuple[int, int] | None


class TinyCurve:
    """y^2 = x^3 + a x + b over F_p; all its points are a group of prime `order`."""

    point_bytes = 3
    scalar_bytes = 2

    def __init__(self, p: int, a: int, b: int) -> None:
        self.p, self.a, self.b = p, a, b
        roots: dict[int, list[int]] = {}
        for y in range(p):
            roots.setdefault(y * y % p, []).append(y)
        curve = ((x, y) for x in range(p) for y in roots.get((x * x * x + a * x + b) % p, ()))
        self.points: list[Point] = [None, *curve]
        self.order: Any = mpz(len(self.points))
        self.G: Point = self._hash("G")
        self.H: Point = self._hash("H")
        self.Q: Point = self._hash("Q")
        self.digest = hashlib.sha256(f"{p} {a} {b}".encode()).digest()

    def _hash(self, name: str) -> Point:
        """Some point that is not the identity, by name."""
        wide = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
        return self.points[1 + wide % (len(self.points) - 1)]

    def add(self, left: Point, right: Point) -> Point:
        if left is None or right is None:
            return right if left is None else left
        p, (x1, y1), (x2, y2) = self.p, left, right
        if x1 == x2 and (y1 + y2) % p == 0:
            return None
        if left == right:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, p) % p
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, p) % p
        x3 = (slope * slope - x1 - x2) % p
        return x3, (slope * (x1 - x3) - y1) % p

    def multiply(self, scalar: int, point: Point) -> Point:
        total: Point = None
        for bit in f"{int(scalar % self.order):b}":
            total = self.add(total, total)
            if bit == "1":
                total = self.add(total, point)
        return total

    @cached_property
    def logarithms(self) -> dict[Point, int]:
        """Of every point, to the base G: nobody is bound to anything in so small a group."""
        found, point = {}, None
        for k in range(int(self.order)):
            found[point] = k
            point = self.add(point, self.G)
        return found

    def commit(self, value: int, blinding: int) -> Point:
        return self.exp([self.G, self.H], [value, blinding])

    def exp(self, points: Sequence[Point], scalars: Sequence[int]) -> Point:
        total: Point = None
        for point, scalar in zip(points, scalars, strict=True):
            total = self.add(total, self.multiply(scalar, point))
        return total

    def encode(self, point: Point) -> bytes:
        if point is None:
            raise Misuse("point-identity")
        return bytes([2 + point[1] % 2]) + int(point[0]).to_bytes(2, "big")

    def decode(self, data: bytes) -> Point:
        for point in self._by_bytes.get(bytes(data), ()):
            return point
        raise Malformed("point-not-on-curve")

    @cached_property
    def _by_bytes(self) -> dict[bytes, list[Point]]:
        return {self.encode(point): [point] for point in self.points[1:]}

    def vectors(self, n: int) -> TinyVectors:
        return TinyVectors(
            self, [self._hash(f"G{i}") for i in range(n)], [self._hash(f"H{i}") for i in range(n)]
        )


class TinyVectors:
    def __init__(self, curve: TinyCurve, g: list[Point], h: list[Point]) -> None:
        self.curve, self.g, self.h = curve, g, h

    def exp(
        self, g: Sequence[int], h: Sequence[int], points: Sequence[Point], scalars: Sequence[int]
    ) -> Point:
        bases = [*self.g[: len(g)], *self.h[: len(h)], *points]
        return self.curve.exp(bases, [*g, *h, *scalars])

    def fold(self, g: Sequence[int], h: Sequence[int]) -> TinyVectors:
        width = len(self.g) // len(g)
        rows = range(len(g))
        exp = self.curve.exp
        return TinyVectors(
            self.curve,
            [exp([self.g[b * width + j] for b in rows], g) for j in range(width)],
            [exp([self.h[b * width + j] for b in rows], h) for j in range(width)],
        )
