"""A stretch of a meter's records as the host works on it: consecutive, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wattseal.chain import Chain, Config
from wattseal.errors import Refused
from wattseal.record import CLOSED, Record, decode_sealed

from wattseal_host.engine import HINT_BYTES, Point, decode_commitment, find_hint


def hints_of(record: Record) -> bytes:
    """y of each of a record's commitments, 32 bytes each; b"" for an event."""
    return b"".join(find_hint(commitment) for commitment, _ in record.channels)


def points_of(record: Record, hints: bytes) -> list[Point]:
    """A record's commitments, import first; [] for an event. Malformed `point-*`."""
    return [
        decode_commitment(compressed, hints[at * HINT_BYTES : (at + 1) * HINT_BYTES])
        for at, (compressed, _) in enumerate(record.channels)
    ]


def chain_before(first: Record, key: bytes, interval_s: int) -> Chain:
    """The chain of the meter with this key (33 bytes) as it stood before a record, for who has
    none before it: its links and the signature on the last one hold fast what follows."""
    config = Config(interval_s, first.exponent, first.channel_set)
    return Chain(key, config, previous=first.previous if first.seq else None)


@dataclass(frozen=True)
class Stretch:
    """records: sealed (with signatures); hints: for each record what `hints_of` gives."""

    records: tuple[Record, ...]
    hints: tuple[bytes, ...]

    @classmethod
    def from_sealed(cls, sealed: Iterable[bytes]) -> Stretch:
        """From sealed records' bytes, hints computed. Raises Malformed `record-*`, `point-*`."""
        records = tuple(decode_sealed(data) for data in sealed)
        return cls(records, tuple(hints_of(record) for record in records))

    def period(self, from_s: int, to_s: int) -> Stretch:
        """The records of from_s <= t < to_s, events at from_s included and at to_s left out.

        So consecutive periods share no record and leave none over. Raises Refused
        `period-incomplete` unless readings fill the period from its first second to its last.
        """
        inside = [i for i, r in enumerate(self.records) if from_s <= r.start_s < to_s]
        if (
            not inside
            or self.records[inside[0]].start_s != from_s
            or self.records[inside[-1]].end_s != to_s
        ):
            raise Refused("period-incomplete", f"no records from {from_s} to {to_s}")
        return self.pick(inside)

    def to_the_end(self, from_s: int) -> Stretch:
        """The records from from_s on, of a chain that is closed; the CLOSED event is the last.

        Raises Refused `meter-open` where the newest record is another one, `period-incomplete`.
        """
        if not self.records or self.records[-1].event != CLOSED:
            raise Refused("meter-open", "the newest record does not close the chain")
        inside = [i for i, r in enumerate(self.records) if from_s <= r.start_s]
        if self.records[inside[0]].start_s != from_s:
            raise Refused("period-incomplete", f"no records from {from_s}")
        return self.pick(inside)

    def pick(self, places: Iterable[int]) -> Stretch:
        """Some of the records, by their places here, in the order given."""
        chosen = tuple(places)
        return Stretch(tuple(self.records[i] for i in chosen), tuple(self.hints[i] for i in chosen))

    def commitments(self) -> list[Point]:
        """Every commitment, record by record, import before export."""
        return [
            point
            for record, hints in zip(self.records, self.hints, strict=True)
            for point in points_of(record, hints)
        ]
