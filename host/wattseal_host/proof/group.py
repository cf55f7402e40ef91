"""The group of the argument system, and the vectors of generators in it.

Prover and verifier know a group by this interface only. There is one in use, P-256 as the
protocol package has it; the tests bring tiny ones, in which everything can be tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

from gmpy2 import mpz
from wattseal import p256
from wattseal.errors import Misuse
from wattseal.generators import H

from wattseal_host.engine import points_from_bytes, points_to_bytes
from wattseal_host.proof import buckets, generators, workers
from wattseal_host.proof.jobs import STORE, Job

Point = Any  # an element; None is the identity
_SHARED = 4096  # points from which on all processes work together


class Vectors(Protocol):
    """G_0 … G_(n-1) and H_0 … H_(n-1)."""

    def exp(
        self, g: Sequence[int], h: Sequence[int], points: Sequence[Point], scalars: Sequence[int]
    ) -> Point:
        """Σ g_i G_i + Σ h_i H_i + Σ scalars_j points_j; at most n of g and of h."""

    def fold(self, g: Sequence[int], h: Sequence[int]) -> Vectors:
        """The vectors Σ_b g_b G_(b*m + j) and Σ_b h_b H_(b*m + j), m = n / len(g)."""


class Group(Protocol):
    """order: prime; G, H: of the commitments v*G + r*H; Q: of the inner product; digest:
    stands for all generators."""

    order: Any
    G: Point
    H: Point
    point_bytes: int
    scalar_bytes: int

    @property
    def Q(self) -> Point: ...

    @property
    def digest(self) -> bytes: ...

    def encode(self, point: Point) -> bytes:
        """Misuse `point-identity`."""

    def decode(self, data: bytes) -> Point:
        """Malformed `point-*`."""

    def vectors(self, n: int) -> Vectors: ...

    def exp(self, points: Sequence[Point], scalars: Sequence[int]) -> Point: ...


class _P256:
    order = mpz(p256.N)
    point_bytes = p256.POINT_BYTES
    scalar_bytes = p256.SCALAR_BYTES
    G = (mpz(p256.G[0]), mpz(p256.G[1]))
    H = (mpz(H[0]), mpz(H[1]))

    @property
    def Q(self) -> Point:
        return generators.point_q()

    @property
    def digest(self) -> bytes:
        return generators.digest()

    def encode(self, point: Point) -> bytes:
        return bytes(p256.encode_point(point))

    def decode(self, data: bytes) -> Point:
        return p256.decode_point(data, mpz)

    def exp(self, points: Sequence[Point], scalars: Sequence[int]) -> Point:
        return buckets.multi_exp(points, scalars)

    def vectors(self, n: int) -> Vectors:
        _make_levels(n)
        return _Originals(n)


P256: Group = _P256()


def _make_levels(n: int) -> None:
    """Have the first n generators in memory; what the cache lacks is made by all processes."""
    while len(STORE) < n:
        level = len(STORE).bit_length()
        if level > generators.MAX_LEVEL:
            raise Misuse("circuit-too-large")
        found = generators.read_level(level)
        if found is None:
            start, stop = generators.level_range(level)
            spans: list[Job] = [
                ("hash", (name, first, last))
                for first, last in _split(start, stop, workers.processes() if level > 8 else 1)
                for name in "GH"
            ]
            made = {job[1]: b"" for job in spans}
            step = workers.processes()
            for at in range(0, len(spans), step):
                results = workers.perform_all(spans[at : at + step])
                for job, data in zip(spans[at : at + step], results, strict=True):
                    made[job[1]] = data
            found = tuple(  # type: ignore[assignment]
                points_from_bytes(b"".join(made[key] for key in made if key[0] == name))
                for name in "GH"
            )
            assert found is not None
            generators.write_level(level, *found)
        STORE.extend(*found)


def _split(start: int, stop: int, pieces: int) -> list[tuple[int, int]]:
    """start <= i < stop in about equal consecutive pieces, none empty."""
    pieces = max(1, min(pieces, stop - start))
    bounds = [start + (stop - start) * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(bounds))


class _Spans:
    """What original and folded vectors have in common: where a worker finds a span of them."""

    n: int

    def source(self, name: str, start: int, stop: int) -> Any:
        raise NotImplementedError

    def exp(
        self, g: Sequence[int], h: Sequence[int], points: Sequence[Point], scalars: Sequence[int]
    ) -> Point:
        used = max(len(g), len(h))
        pieces = workers.processes() if 2 * used + len(points) >= _SHARED else 1
        extra = _split(0, len(points), pieces) if points else []
        jobs: list[Job] = []
        for index, (start, stop) in enumerate(_split(0, used, pieces)):
            parts = [
                (self.source(name, start, start + len(some)), _plain(some))
                for name, some in (("G", g[start:stop]), ("H", h[start:stop]))
                if any(some)
            ]
            if index < len(extra):
                first, last = extra[index]
                parts.append((points_to_bytes(points[first:last]), _plain(scalars[first:last])))
            jobs.append(("exponentiate", (parts,)))
        sums = [points_from_bytes(data)[0] for data in workers.perform_all(jobs)]
        return sums[0] if len(sums) == 1 else buckets.multi_exp(sums, [1] * len(sums))

    def fold(self, g: Sequence[int], h: Sequence[int]) -> Vectors:
        width = self.n // len(g)
        pieces = workers.processes() if self.n >= _SHARED else 1
        folded = []
        for name, weights in (("G", g), ("H", h)):
            jobs: list[Job] = []
            for start, stop in _split(0, width, pieces):
                rows = [
                    self.source(name, row * width + start, row * width + stop)
                    for row in range(len(weights))
                ]
                jobs.append(("fold", (rows, _plain(weights))))
            folded.append(b"".join(workers.perform_all(jobs)))
        return _Folded(width, *folded)


def _plain(scalars: Sequence[int]) -> list[int]:
    return [int(scalar) for scalar in scalars]


class _Originals(_Spans):
    def __init__(self, n: int) -> None:
        self.n = n

    def source(self, name: str, start: int, stop: int) -> Any:
        return name, start, stop


class _Folded(_Spans):
    """Folded vectors; one that is the identity has no place in a job: 64 zero bytes do."""

    def __init__(self, n: int, g: bytes, h: bytes) -> None:
        self.n, self._bytes = n, {"G": g, "H": h}

    def source(self, name: str, start: int, stop: int) -> Any:
        return self._bytes[name][64 * start : 64 * stop]
