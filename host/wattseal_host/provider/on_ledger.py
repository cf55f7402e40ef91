"""Readings of a period as the ledger's prefix sums give them, for any linear tariff.

With S(t) the sum of all commitments before t and p_i the price from t_i to t_(i+1), summation by
parts gives Σ p·C = Σ p_i·(S(t_(i+1)) - S(t_i)) = Σ (p_(i-1) - p_i)·S(t_i). So only the moments
t_i at which the price changes are looked up; a record in which it changes has a price of its
own, and its two ends are such moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from wattseal.errors import Refused

from wattseal_host.engine import Point, points_from_bytes
from wattseal_host.ledger import Anchor, Ledger
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import prices_over


class LedgerReadings:
    """See `case.Readings`. records: how many the period has, events included."""

    def __init__(self, ledger: Ledger, meter: bytes, from_s: int, to_s: int) -> None:
        """Raises Refused `period-incomplete` unless records fill from_s..to_s exactly."""
        first, last = ledger.anchors(meter, [from_s, to_s])
        if not from_s == first.end_s < last.end_s == to_s:
            raise Refused("period-incomplete", f"no records from {from_s} to {to_s}")
        self._ledger, self._meter = ledger, meter
        self._first, self._last = first, last
        self._points: list[Point | None] = []
        self.from_s, self.to_s = from_s, to_s
        self.before, self.last = first.digest, last.digest
        self.records = last.seq - first.seq

    def weigh(self, tariff: Tariff, channels: Sequence[str]) -> tuple[int, list[int]]:
        if self.from_s < tariff.from_s or self.to_s > tariff.to_s:
            raise Refused("tariff-period", f"{self.from_s} to {self.to_s}")
        changes = {
            time_s
            for channel in channels
            for time_s in tariff.steps(channel).changes(self.from_s, self.to_s)
        }
        ends = self._record_ends(sorted(changes))
        spans = pairwise(anchor.end_s for anchor in ends)
        prices = prices_over(tariff, channels, list(spans))
        counts = (after.readings - before.readings for before, after in pairwise(ends))
        magnitude = sum(
            count * abs(price) for count, row in zip(counts, prices, strict=True) for price in row
        )
        nothing = (0,) * len(channels)
        scalars: list[int] = []
        sums: list[bytes] = []
        for anchor, before, after in zip(ends, [nothing, *prices], [*prices, nothing], strict=True):
            if before != after:
                scalars += [p - q for p, q in zip(before, after, strict=True)]
                sums.append(anchor.sums)
        self._points = points_from_bytes(b"".join(sums))
        return magnitude, scalars

    def points(self) -> Sequence[Point | None]:
        return self._points

    def _record_ends(self, times: Sequence[int]) -> list[Anchor]:
        """The period's beginning and end, each of the times at which a record ends, and both
        ends of every record that one of the times falls into; ascending."""
        found = {self.from_s: self._first, self.to_s: self._last}
        inside = []
        for time_s, anchor in zip(times, self._ledger.anchors(self._meter, times), strict=True):
            found[anchor.end_s] = anchor
            if anchor.end_s != time_s:
                inside.append(anchor.start_s)
        for anchor in self._ledger.anchors(self._meter, inside) if inside else ():
            found[anchor.end_s] = anchor
        return [found[end_s] for end_s in sorted(found)]
