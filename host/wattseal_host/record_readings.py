"""Readings from the records of a bundle themselves (see `case.Readings`)."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Refused
from wattseal.record import CLOSED, Record

from wattseal_host.bundle import split_hints
from wattseal_host.engine import HINT_BYTES, Point, decode_commitment
from wattseal_host.proven_bill import magnitude_of
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import weigh


class RecordReadings:
    """Of verified records, oldest first. hints: y of every commitment."""

    def __init__(self, records: list[Record], hints: bytes) -> None:
        self._records, self._hints = records, hints
        self.from_s, self.to_s = records[0].start_s, records[-1].end_s
        self.before, self.last = records[0].previous, records[-1].digest
        self.first_seq, self.closed = records[0].seq, records[-1].event == CLOSED
        self._weights: list[int] = []
        self._points: list[Point] = []

    def part(self, from_s: int, to_s: int) -> RecordReadings:
        widths = [len(record.channels) for record in self._records]
        split_hints(self._hints, sum(widths))
        inside = [i for i, r in enumerate(self._records) if from_s <= r.start_s < to_s]
        filled = [self._records[i] for i in inside if widths[i]]
        if not filled or (filled[0].start_s, filled[-1].end_s) != (from_s, to_s):
            raise Refused("tariff-change", f"no records from {from_s} to {to_s}")
        first, last = inside[0], inside[-1] + 1
        hints = self._hints[HINT_BYTES * sum(widths[:first]) : HINT_BYTES * sum(widths[:last])]
        return RecordReadings(self._records[first:last], hints)

    def weigh(self, tariff: Tariff, channels: Sequence[str]) -> tuple[int, list[int]]:
        self._weights = weigh(tariff, self._records, channels)
        return sum(map(abs, self._weights)), self._weights

    def extent(self) -> tuple[int, int]:
        return magnitude_of(self._weights)

    def spans(self) -> list[tuple[int, int]]:
        return [(record.start_s, record.end_s) for record in self._records if record.channels]

    def column(self, channel: int) -> list[Point]:
        width = max(len(record.channels) for record in self._records)
        return self.points()[channel::width]

    def points(self) -> list[Point]:
        if self._points:
            return self._points
        compressed = [commitment for record in self._records for commitment, _ in record.channels]
        hints = split_hints(self._hints, len(compressed))
        self._points = [decode_commitment(c, y) for c, y in zip(compressed, hints, strict=True)]
        return self._points
