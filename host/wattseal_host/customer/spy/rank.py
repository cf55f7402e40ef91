"""Test (a): does some combination of the releases speak of a few consecutive slots alone?

It does for a window W exactly when rank(A) - rank(A without W's columns) > 0. Exact, over the
rationals; and quick: the columns before a window span one of a nested chain of at most rank(A)
spaces, and so do those after it, so that few ranks are ever computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gmpy2 import mpq

from wattseal_host.customer.spy.rows import WINDOW_SLOTS, Row

Span = tuple[int, int]


def telling_windows(rows: Sequence[Row]) -> list[Span]:
    """(from_s, to_s) of the shortest windows of at most 8 slots that the rows tell of alone."""
    places = _columns(rows)
    starts = sorted(places)
    columns = [places[start_s][1] for start_s in starts]
    before = _Chain(columns)
    after = _Chain(columns[::-1])
    rank = before.ranks[-1]
    count = len(starts)
    known: dict[tuple[int, int], bool] = {}

    def tells(at: int, width: int) -> bool:
        pair = before.ranks[at], after.ranks[max(0, count - at - width)]
        if rank in pair:
            return False
        if pair not in known:
            left, right = pair
            rest = _rank_of([*before.vectors[:left], *after.vectors[:right]])
            known[pair] = rest < rank
        return known[pair]

    widest = min(WINDOW_SLOTS, count)
    if not any(tells(at, widest) for at in range(count - widest + 1)):
        return []
    for width in range(1, widest + 1):
        found = [at for at in range(count - width + 1) if tells(at, width)]
        if found:
            return [(starts[at], places[starts[at + width - 1]][0]) for at in found]
    return []


def _columns(rows: Sequence[Row]) -> dict[int, tuple[int, list[tuple[int, ...]]]]:
    """start_s -> (end_s, column vectors), one vector for each reading of the slot."""
    entries: dict[int, tuple[int, list[list[int]]]] = {}
    for number, row in enumerate(rows):
        for slot in row.slots:
            _, vectors = entries.setdefault(slot.start_s, (slot.end_s, []))
            while len(vectors) < len(slot.weights):
                vectors.append([0] * len(rows))
            for vector, weight in zip(vectors, slot.weights, strict=False):
                vector[number] = weight
    return {
        start_s: (end_s, [tuple(vector) for vector in vectors])
        for start_s, (end_s, vectors) in entries.items()
    }


class _Echelon:
    """A growing space: `add` says whether a vector was new to it."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, list[mpq]]] = []

    def add(self, vector: Sequence[int]) -> bool:
        rest = [mpq(value) for value in vector]
        for pivot, row in self._rows:
            factor = rest[pivot]
            if factor:
                rest = [a - factor * b for a, b in zip(rest, row, strict=True)]
        for pivot, value in enumerate(rest):
            if value:
                self._rows.append((pivot, [a / value for a in rest]))
                return True
        return False


class _Chain:
    """vectors: a basis in the order of the slots; ranks[i]: of the first i slots' columns."""

    def __init__(self, columns: Iterable[Sequence[tuple[int, ...]]]) -> None:
        space = _Echelon()
        seen: set[tuple[int, ...]] = set()
        self.vectors: list[tuple[int, ...]] = []
        self.ranks = [0]
        for vectors in columns:
            for vector in vectors:
                if vector not in seen:
                    seen.add(vector)
                    # A space as large as a vector is long takes in everything.
                    if len(self.vectors) < len(vector) and space.add(vector):
                        self.vectors.append(vector)
            self.ranks.append(len(self.vectors))


def _rank_of(vectors: Iterable[Sequence[int]]) -> int:
    space = _Echelon()
    return sum(space.add(vector) for vector in vectors)
