"""What of a bill each tariff is for: readings, weights and blindings, on the customer's side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattseal.errors import Misuse, Refused
from wattseal.record import Record

from wattseal_host import linear
from wattseal_host.billed import Billed
from wattseal_host.customer.openings import Opening
from wattseal_host.customer.rows import told_rows
from wattseal_host.customer.spy import Row, Slot
from wattseal_host.documents import Enrolment
from wattseal_host.engine import weighted_sum
from wattseal_host.linear import LinearProof
from wattseal_host.proven_bill import (
    CircuitProof,
    Progress,
    Segment,
    bits_for,
    compile_bill,
    instance_of,
    magnitude_of,
    prove_bill,
)
from wattseal_host.statement import AnyStatement
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import weigh


@dataclass(frozen=True)
class Columns:
    """spans: of the records that are no events; values, blindings: of each channel, in order."""

    spans: list[tuple[int, int]]
    values: dict[str, list[int]]
    blindings: dict[str, list[int]]

    @classmethod
    def of(
        cls, records: Sequence[Record], openings: Sequence[Opening], channels: Sequence[str]
    ) -> Columns:
        spans = [(record.start_s, record.end_s) for record in records if record.channels]
        step = len(channels)
        values = {name: [o.value for o in openings[i::step]] for i, name in enumerate(channels)}
        blinds = {name: [o.blinding for o in openings[i::step]] for i, name in enumerate(channels)}
        return cls(spans, values, blinds)


@dataclass(frozen=True)
class Share:
    """The part of a bill that one tariff is for. openings: of its records, in order."""

    span: Billed
    segment: Segment
    stretch: Stretch
    openings: list[Opening]
    weights: list[int]
    columns: Columns

    @classmethod
    def of(
        cls,
        tariff: Tariff,
        span: Billed,
        stretch: Stretch,
        openings: Sequence[Opening],
        enrolled: Enrolment,
    ) -> Share:
        """Refused `tariff-change` where a record lies across the beginning or the end."""
        inside = [i for i, r in enumerate(stretch.records) if span.from_s <= r.start_s < span.to_s]
        own = stretch.pick(inside)
        for _, from_s, to_s in span.pieces:
            held = [r for r in own.records if from_s <= r.start_s < to_s]
            if not held or (held[0].start_s, held[-1].end_s) != (from_s, to_s):
                raise Refused("tariff-change", f"no records from {from_s} to {to_s}")
        opened = [o for o in openings if span.from_s <= o.start_s < span.to_s]
        weights = weigh(tariff, own.records, enrolled.channels)
        fee = sum(p * o.value for p, o in zip(weights, opened, strict=True))
        columns = Columns.of(own.records, opened, enrolled.channels)
        # What is said of the readings' size is said of the whole bill.
        bits = bits_for([opening.value for opening in openings])
        scene = tariff.scene(enrolled, columns.spans, bits, columns.values)
        segment = Segment(tariff, scene, magnitude_of(weights), fee)
        return cls(span, segment, own, opened, weights, columns)

    def told(self, spans: Sequence[tuple[int, int]]) -> list[Row]:
        """See `told_rows`; the rows have weights, of 0, for all the records of the bill."""
        fee = self.segment.fee
        assert fee is not None
        row = Row.of_records(self.stretch.records, self.weights, fee)
        rows = told_rows(self.segment.tariff, self.segment.scene, row)
        nothing = (0,) * len(row.slots[0].weights)
        before = [Slot(a, b - a, nothing) for a, b in spans if b <= self.span.from_s]
        after = [Slot(a, b - a, nothing) for a, b in spans if a >= self.span.to_s]
        return [Row((*before, *one.slots, *after), one.fee) for one in rows]


def open_fee(
    shares: Sequence[Share], enrolled: Enrolment, statement: AnyStatement, openings: list[Opening]
) -> LinearProof:
    """The fee opened. Misuse `full-resolution` for several tariffs."""
    if len(shares) > 1:
        raise Misuse("full-resolution", "of one tariff only")
    tariff, fee, weights = shares[0].segment.tariff, shares[0].segment.fee, shares[0].weights
    assert fee is not None
    # Refuses what is not linear.
    tariff.amount(fee, enrolled.unit, statement.from_s, statement.to_s)
    return linear.prove(weights, [o.value for o in openings], [o.blinding for o in openings])


def prove_amount(
    shares: Sequence[Share], statement: AnyStatement, progress: Progress | None
) -> CircuitProof:
    segments = [share.segment for share in shares]
    compiled = compile_bill(segments, statement.amount)
    points = [share.stretch.commitments() for share in shares]
    names = list(shares[0].columns.values)
    bits = segments[0].scene.bits
    instance = instance_of(
        compiled,
        segments[-1].tariff.rounding,
        statement,
        bits,
        lambda at: weighted_sum(points[at], shares[at].weights),
        lambda at, channel: points[at][names.index(channel) :: len(names)],
    )
    hidden = []
    for at, source in compiled.inputs:
        share = shares[at]
        if source is None:
            opened = zip(share.weights, share.openings, strict=True)
            hidden.append(sum(p * o.blinding for p, o in opened))
        else:
            column = share.columns.blindings[source.channel]
            hidden.append(sum(column[place] for place in source.places))
    return CircuitProof(bits, prove_bill(compiled, instance, hidden, progress))
