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
from wattseal_host.customer.spy import FUSE_KW, Limit, Row, examine_bill, in_words, refuse
from wattseal_host.documents import open_contract, open_enrolment
from wattseal_host.engine import weighted_sum
from wattseal_host.linear import LinearProof
from wattseal_host.proven_bill import (
    CircuitProof,
    Progress,
    bits_for,
    compile_bill,
    instance_of,
    magnitude_of,
    prove_bill,
)
from wattseal_host.statement import Statement
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff, open_tariff
from wattseal_host.tariff.scene import Scene
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
    tariff: str,
    trust: Trust,
    releases: Releases,
    *,
    fuse_kw: Fraction = FUSE_KW,
    consent: bool = False,
    full_resolution: bool = False,
    progress: Progress | None = None,
) -> Bill:
    """Bill exactly `stretch`. The documents are compact JWS.

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
    prices, tariff_jws = open_tariff(tariff, trust.providers)
    prices.zone.check_iana(prices.to_s)
    first: Record = stretch.records[0]
    last: Record = stretch.records[-1]
    if agreed.tariff_for(first.start_s, last.end_s) != tariff_jws.digest:
        raise Refused("contract-tariff", "the contract names another tariff")
    openings = opener.open_stretch(stretch)
    weights = weigh(prices, stretch.records, enrolled.channels)
    values = [opening.value for opening in openings]
    fee = sum(p * v for p, v in zip(weights, values, strict=True))
    row = Row.of_records(stretch.records, weights, fee)
    limit = Limit.of_fuse(fuse_kw, enrolled.unit.exponent).raised_to(
        (opening.value, opening.length_s) for opening in openings
    )
    columns = Columns.of(stretch.records, openings, enrolled.channels)
    scene = prices.scene(enrolled, columns.spans, bits_for(values), columns.values)
    rows = told_rows(prices, scene, row)
    findings = [
        finding
        for one in rows
        for finding in examine_bill(
            one, releases.billed(), limit, values, [*rows, *releases.disclosed()]
        )
    ]
    if not consent:
        refuse(findings, prices.zone)
    statement = Statement(
        contract=contract_jws.digest,
        tariffs=(tariff_jws.digest,),
        meter=enrolled.meter,
        key=enrolled.key,
        from_s=first.start_s,
        to_s=last.end_s,
        before=first.previous,
        last=last.digest,
        currency=prices.currency,
        amount=prices.rounding.apply(prices.exact_minor(fee, scene)),
    )
    if last.signature is None:
        raise Misuse("signature-missing", f"record {last.seq}")
    blindings = [opening.blinding for opening in openings]
    proof: LinearProof | CircuitProof
    if full_resolution:
        prices.amount(fee, enrolled.unit, first.start_s, last.end_s)  # refuses what is not linear
        proof = linear.prove(weights, values, blindings)
    else:
        proof = _prove(
            prices, scene, statement, stretch, weights, fee, blindings, columns, progress
        )
    bundle = Bundle(
        enrolment=enrolment_jws.token,
        contract=contract_jws.token,
        tariffs=(tariff_jws.token,),
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
    for one in rows:
        listed = listed.with_release(
            Release(
                enrolment_jws.kid,
                tariff_jws.digest,
                statement.currency,
                statement.amount,
                one,
                tuple(dict.fromkeys(finding.code for finding in findings)),
            )
        )
    told = tuple(dict.fromkeys(in_words(finding, prices.zone) for finding in findings))
    return Bill(bundle, data, stretch.records, openings, verdict, listed, told)


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


def _prove(
    tariff: Tariff,
    scene: Scene,
    statement: Statement,
    stretch: Stretch,
    weights: Sequence[int],
    fee: int,
    blindings: Sequence[int],
    columns: Columns,
    progress: Progress | None,
) -> CircuitProof:
    compiled = compile_bill(tariff, scene, magnitude_of(weights), fee, statement.amount)
    points = stretch.commitments()
    names = list(columns.values)
    instance = instance_of(
        compiled,
        tariff,
        statement,
        scene.bits,
        lambda: weighted_sum(points, weights),
        lambda channel: points[names.index(channel) :: len(names)],
    )
    hidden = []
    if compiled.linear:
        hidden.append(sum(p * r for p, r in zip(weights, blindings, strict=True)))
    for source in compiled.sources:
        hidden.append(sum(columns.blindings[source.channel][place] for place in source.places))
    return CircuitProof(scene.bits, prove_bill(compiled, instance, hidden, progress))
