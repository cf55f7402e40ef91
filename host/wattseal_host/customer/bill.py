"""The customer's side of a bill: from the stretch, the secrets and the documents to a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from wattseal.errors import Misuse, Refused
from wattseal.record import Record

from wattseal_host import linear
from wattseal_host.bundle import Bundle
from wattseal_host.customer.openings import Opener, Opening
from wattseal_host.customer.releases import Release, Releases
from wattseal_host.customer.rows import told_rows
from wattseal_host.customer.spy import FUSE_KW, Limit, Row, Slot, examine_bill, in_words, refuse
from wattseal_host.documents import Agreed, Enrolment, open_contract, open_enrolment
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
from wattseal_host.statement import Statement
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff, open_tariff
from wattseal_host.tariff.weights import weigh
from wattseal_host.trust import Trust
from wattseal_host.verify import Verdict, verify_bundle


@dataclass(frozen=True)
class Bill:
    """bundle and data: what goes to the provider; records: those billed, oldest first;
    openings: of their readings in that order, which stay at home; verdict: the customer's own,
    by the same verifier as everybody's; releases: the list with this bill in it, to be saved
    before the bundle leaves; disclosed: what it gives away by consent, in words."""

    bundle: Bundle
    data: bytes
    records: tuple[Record, ...]
    openings: list[Opening]
    verdict: Verdict
    releases: Releases
    disclosed: tuple[str, ...]


def make_bill(
    stretch: Stretch,
    opener: Opener,
    enrolment: str,
    contract: str,
    tariff: str | Sequence[str],
    trust: Trust,
    releases: Releases,
    *,
    fuse_kw: Fraction = FUSE_KW,
    consent: bool = False,
    full_resolution: bool = False,
    progress: Progress | None = None,
) -> Bill:
    """Bill exactly `stretch`. The documents are compact JWS; several tariffs where the contract
    changes from one to the next within the period, in order of time.

    Only the amount payable is released, its rounding proven; with `full_resolution` the fee F is
    opened instead, which a tariff of prices alone allows and which tells more.

    Documents are checked first, the tariff's offsets against this machine's time-zone data too;
    openings before anything is computed from them; what the bill would give away beside the
    earlier `releases`, before it is proven (findings refuse it, `disclosure-*`, unless `consent`);
    and the finished bundle, with the records' chain, by the verifier before it leaves. fuse_kw:
    the most the connection carries. Raises Refused or Malformed with the code of what is wrong.
    """
    enrolled, enrolment_jws = open_enrolment(enrolment, trust.providers)
    agreed, contract_jws = open_contract(contract, trust.providers)
    tokens = [tariff] if isinstance(tariff, str) else tariff
    tariffs = [open_tariff(token, trust.providers) for token in tokens]
    for prices, _ in tariffs:
        prices.zone.check_iana(prices.to_s)
    zone, rounding = prices.zone, prices.rounding
    first: Record = stretch.records[0]
    last: Record = stretch.records[-1]
    spans = agreed.tariffs_for(first.start_s, last.end_s)
    if [span.digest for span in spans] != [signed.digest for _, signed in tariffs]:
        raise Refused("contract-tariff", "the contract names other tariffs")
    openings = opener.open_stretch(stretch)
    values = [opening.value for opening in openings]
    pieces = [
        _Piece.of(prices, span, stretch, openings, enrolled)
        for (prices, _), span in zip(tariffs, spans, strict=True)
    ]
    limit = Limit.of_fuse(fuse_kw, enrolled.unit.exponent).raised_to(
        (opening.value, opening.length_s) for opening in openings
    )
    whole = Columns.of(stretch.records, openings, enrolled.channels).spans
    told = [(piece.span.digest, row) for piece in pieces for row in piece.told(whole)]
    rows = [row for _, row in told]
    findings = [
        finding
        for one in rows
        for finding in examine_bill(
            one, releases.billed(), limit, values, [*rows, *releases.disclosed()]
        )
    ]
    if not consent:
        refuse(findings, zone)
    statement = Statement(
        contract=contract_jws.digest,
        tariffs=tuple(span.digest for span in spans),
        meter=enrolled.meter,
        key=enrolled.key,
        from_s=first.start_s,
        to_s=last.end_s,
        before=first.previous,
        last=last.digest,
        currency=prices.currency,
        amount=rounding.apply(sum((p.segment.exact_minor for p in pieces), Fraction(0))),
    )
    if last.signature is None:
        raise Misuse("signature-missing", f"record {last.seq}")
    proof: LinearProof | CircuitProof
    if full_resolution:
        proof = _open(pieces, enrolled, statement, openings)
    else:
        proof = _prove(pieces, statement, progress)
    bundle = Bundle(
        enrolment=enrolment_jws.token,
        contract=contract_jws.token,
        tariffs=tuple(signed.token for _, signed in tariffs),
        statement=statement,
        proof=proof,
        bodies=tuple(record.body for record in stretch.records),
        hints=b"".join(stretch.hints),
        signature=last.signature,
    )
    data = bundle.write()
    verdict = verify_bundle(data, trust)
    if not verdict.accepted:
        raise Refused(verdict.code, verdict.detail)
    listed = releases
    for digest, one in told:
        listed = listed.with_release(
            Release(
                enrolment_jws.kid,
                digest,
                statement.currency,
                statement.amount,
                one,
                tuple(dict.fromkeys(finding.code for finding in findings)),
            )
        )
    words = tuple(dict.fromkeys(in_words(finding, zone) for finding in findings))
    return Bill(bundle, data, stretch.records, openings, verdict, listed, words)


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
class _Piece:
    """The part of a bill that one tariff is for. openings: of its records, in order."""

    span: Agreed
    segment: Segment
    stretch: Stretch
    openings: list[Opening]
    weights: list[int]
    columns: Columns

    @classmethod
    def of(
        cls,
        tariff: Tariff,
        span: Agreed,
        stretch: Stretch,
        openings: Sequence[Opening],
        enrolled: Enrolment,
    ) -> _Piece:
        """Refused `tariff-change` where a record lies across the beginning or the end."""
        inside = [i for i, r in enumerate(stretch.records) if span.from_s <= r.start_s < span.to_s]
        own = stretch.pick(inside)
        if not inside or (own.records[0].start_s, own.records[-1].end_s) != (
            span.from_s,
            span.to_s,
        ):
            raise Refused("tariff-change", f"no records from {span.from_s} to {span.to_s}")
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


def _open(
    pieces: Sequence[_Piece], enrolled: Enrolment, statement: Statement, openings: list[Opening]
) -> LinearProof:
    """The fee opened. Misuse `full-resolution` for several tariffs."""
    if len(pieces) > 1:
        raise Misuse("full-resolution", "of one tariff only")
    tariff, fee, weights = pieces[0].segment.tariff, pieces[0].segment.fee, pieces[0].weights
    assert fee is not None
    # Refuses what is not linear.
    tariff.amount(fee, enrolled.unit, statement.from_s, statement.to_s)
    return linear.prove(weights, [o.value for o in openings], [o.blinding for o in openings])


def _prove(
    pieces: Sequence[_Piece], statement: Statement, progress: Progress | None
) -> CircuitProof:
    segments = [piece.segment for piece in pieces]
    compiled = compile_bill(segments, statement.amount)
    points = [piece.stretch.commitments() for piece in pieces]
    names = list(pieces[0].columns.values)
    bits = segments[0].scene.bits
    instance = instance_of(
        compiled,
        segments[-1].tariff.rounding,
        statement,
        bits,
        lambda at: weighted_sum(points[at], pieces[at].weights),
        lambda at, channel: points[at][names.index(channel) :: len(names)],
    )
    hidden = []
    for at, source in compiled.inputs:
        piece = pieces[at]
        if source is None:
            opened = zip(piece.weights, piece.openings, strict=True)
            hidden.append(sum(p * o.blinding for p, o in opened))
        else:
            column = piece.columns.blindings[source.channel]
            hidden.append(sum(column[place] for place in source.places))
    return CircuitProof(bits, prove_bill(compiled, instance, hidden, progress))
