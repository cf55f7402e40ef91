"""What a process can be asked to do with points: the same functions here and in the workers.

A job is (name, arguments); arguments and results are ints and bytes, so that they travel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wattseal_host.engine import points_from_bytes, points_to_bytes
from wattseal_host.proof import buckets, folding
from wattseal_host.proof.buckets import Point
from wattseal_host.proof.generators import hash_points, level_range, read_level

Job = tuple[str, tuple[Any, ...]]


class Store:
    """The vector generators a process has in memory, by name "G" and "H"."""

    def __init__(self) -> None:
        self._vectors: dict[str, list[Point]] = {"G": [], "H": []}

    def extend(self, g: list[Point], h: list[Point]) -> None:
        self._vectors["G"] += g
        self._vectors["H"] += h

    def __len__(self) -> int:
        return len(self._vectors["G"])

    def span(self, name: str, start: int, stop: int) -> list[Point]:
        """Generators start <= i < stop; levels that are not in memory come from the cache."""
        while len(self) < stop:
            found = load(len(self).bit_length())
            self.extend(*found)
        return self._vectors[name][start:stop]


def load(level: int) -> tuple[list[Point], list[Point]]:
    """A level from the cache, or made here if the cache does not have it."""
    found = read_level(level)
    if found is None:
        start, stop = level_range(level)
        found = hash_points("G", start, stop), hash_points("H", start, stop)
    return found


STORE = Store()


def exponentiate(parts: list[tuple[Any, list[int]]]) -> bytes:
    """Σ scalar * point over parts (source, scalars); a source is a span of generators
    (name, start, stop) or points in bytes. 64 bytes, zeros for the identity."""
    points: list[Point | None] = []
    scalars: list[int] = []
    for source, some in parts:
        points += points_from_bytes(source) if isinstance(source, bytes) else STORE.span(*source)
        scalars += some
    return points_to_bytes([buckets.multi_exp(points, scalars)])


def fold(rows: list[Any], weights: list[int]) -> bytes:
    """`folding.fold` of rows given as sources."""
    return points_to_bytes(folding.fold([_points(source) for source in rows], weights))


def _points(source: Any) -> list[Point]:
    if isinstance(source, bytes):
        return [point for point in points_from_bytes(source) if point is not None]
    return STORE.span(*source)


def hash_span(name: str, start: int, stop: int) -> bytes:
    """Generators start <= i < stop, made anew."""
    return points_to_bytes(hash_points(name, start, stop))


_FUNCTIONS: dict[str, Callable[..., bytes]] = {
    "exponentiate": exponentiate,
    "fold": fold,
    "hash": hash_span,
}


def perform(job: Job) -> bytes:
    """Do a job in this process."""
    name, arguments = job
    return _FUNCTIONS[name](*arguments)
