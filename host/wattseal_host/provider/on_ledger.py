"""Readings of a period as the ledger's prefix sums give them, for any linear tariff.

With S(t) the sum of all commitments before t and p_i the price from t_i to t_(i+1), summation by
parts gives Σ p·C = Σ p_i·(S(t_(i+1)) - S(t_i)) = Σ (p_(i-1) - p_i)·S(t_i). So only the moments
t_i at which the price changes are looked up; a record in which it changes has a price of its
own, and its two ends are such moments.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from wattseal.errors import Refused

from wattseal_host.engine import Point, differences, points_from_bytes
from wattseal_host.errors import Unusable
from wattseal_host.ledger import Course, View
from wattseal_host.ledger.cells import SUM_BYTES
from wattseal_host.proven_bill import magnitude_of
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import prices_over


class LedgerReadings:
    """See `case.Readings`; good as long as the view is. records: how many the period has, events
    included."""

    def __init__(self, view: View, from_s: int, to_s: int, ended: bool = False) -> None:
        """Raises Refused `period-incomplete` unless records fill from_s..to_s exactly.

        ended: the events at to_s belong to it too, as they do where the chain is closed there.
        """
        first, last = view.anchors([from_s, to_s + ended])
        if not from_s == first.end_s < last.end_s == to_s:
            raise Refused("period-incomplete", f"no records from {from_s} to {to_s}")
        self._view, self._first, self._last = view, first, last
        self._points: list[Point | None] = []
        self._weighed: list[tuple[list[int], list[int]]] = []
        self._course: Course | None = None
        self.from_s, self.to_s = from_s, to_s
        self.before, self.last = first.digest, last.digest
        self.records = last.seq - first.seq
        self.first_seq, self.closed = first.seq + 1, ended and view.is_closed(last)

    def part(self, from_s: int, to_s: int) -> LedgerReadings:
        try:
            return LedgerReadings(self._view, from_s, to_s)
        except Refused as error:
            raise Refused("tariff-change", error.detail) from error

    def weigh(self, tariff: Tariff, channels: Sequence[str]) -> tuple[int, list[int]]:
        if self.from_s < tariff.from_s or self.to_s > tariff.to_s:
            raise Refused("tariff-period", f"{self.from_s} to {self.to_s}")
        changes = {
            time_s
            for channel in channels
            for time_s in tariff.steps(channel).changes(self.from_s, self.to_s)
        }
        ends = self._record_ends(sorted(changes))
        counts = [after - before for before, after in pairwise(ends.readings)]
        prices = prices_over(tariff, channels, list(pairwise(ends.end_s)))
        sums = points_from_bytes(b"".join(ends.sums))
        magnitude = 0
        scalars: list[int] = []
        self._points = []
        self._weighed = []
        for channel in range(len(channels)):
            column = [price[channel] for price in prices]
            magnitude += sum([n * abs(p) for n, p in zip(counts, column, strict=True)])
            self._weighed.append((column, counts))
            scalars += [p - q for p, q in zip([0, *column], [*column, 0], strict=True)]
            self._points += sums[channel :: len(channels)]
        return magnitude, scalars

    def points(self) -> Sequence[Point | None]:
        return self._points

    def extent(self) -> tuple[int, int]:
        ends = [magnitude_of(prices, counts) for prices, counts in self._weighed]
        return sum(low for low, _ in ends), sum(high for _, high in ends)

    def spans(self) -> list[tuple[int, int]]:
        ends = self._each()
        return list(pairwise(ends.end_s))

    def column(self, channel: int) -> list[Point]:
        """Each commitment as the difference of two sums."""
        width = len(self._first.sums) // SUM_BYTES
        sums = points_from_bytes(b"".join(self._each().sums))[channel::width]
        return differences(sums)

    def _each(self) -> Course:
        """The period's beginning, and every record that is no event."""
        if self._course is None:
            course = self._view.course(self._first, self._last)
            counted = zip(course.readings, course.readings[1:], strict=False)
            places = [at for at, (before, after) in enumerate(counted, 1) if after > before]
            self._course = course.pick([0, *places])
        return self._course

    def _record_ends(self, times: list[int]) -> Course:
        """The period's beginning and end, each of the times (ascending) at which a record ends,
        and both ends of every record that one of the times falls into; ascending."""
        # Nearly as many times as records cost less by reading all records in their order.
        if self.records <= len(times) + len(times) // 2:
            course = self._view.course(self._first, self._last)
            places = [bisect_left(course.start_s, time_s) - 1 for time_s in times]
            if [course.end_s[at] for at in places] == times:
                return course.pick([0, *places, len(course.end_s) - 1])
        found = {self.from_s: self._first, self.to_s: self._last}
        inside = []
        for time_s, anchor in zip(times, self._view.anchors(times), strict=True):
            found[anchor.end_s] = anchor
            if anchor.end_s != time_s:
                inside.append(anchor.start_s)
        for anchor in self._view.anchors(inside) if inside else ():
            found[anchor.end_s] = anchor
        ends = [found[end_s] for end_s in sorted(found)]
        if (ends[0].end_s, ends[-1].end_s) != (self.from_s, self.to_s):
            raise Unusable("ledger-damaged", "records out of their order in time")
        return Course(
            tuple(anchor.start_s for anchor in ends),
            tuple(anchor.end_s for anchor in ends),
            tuple(anchor.readings for anchor in ends),
            tuple(anchor.sums for anchor in ends),
        )
