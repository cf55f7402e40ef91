"""The customer's side of a bill: from the stretch, the secrets and the documents to a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from wattseal.errors import Misuse, Refused
from wattseal.record import Record

from wattseal_host import joint, jws
from wattseal_host.billed import billed_by
from wattseal_host.bundle import Bundle
from wattseal_host.case import Part
from wattseal_host.customer.openings import Opener, Opening
from wattseal_host.customer.releases import Release, Releases
from wattseal_host.customer.shares import Columns, Share, open_fee, prove_amount
from wattseal_host.customer.spy import FUSE_KW, Finding, Limit, examine_bill, in_words, refuse
from wattseal_host.documents import Contract, Enrolment, open_contract, open_enrolment
from wattseal_host.joint_bundle import AnyBundle, JointBundle, MeterRecords
from wattseal_host.linear import LinearProof
from wattseal_host.proven_bill import CircuitProof, Progress
from wattseal_host.record_readings import RecordReadings
from wattseal_host.replacement import Replacement, open_replacement
from wattseal_host.statement import AnyStatement, JointStatement, Metered, statement_over
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff, open_tariff
from wattseal_host.trust import Trust
from wattseal_host.verify import Verdict, verify_bundle


@dataclass(frozen=True)
class Bill:
    """bundle and data: what goes to the provider; records: those billed, oldest first;
    openings: of their readings in that order, which stay at home; verdict: the customer's own,
    by the same verifier as everybody's; releases: the list with this bill in it, to be saved
    before the bundle leaves; disclosed: what it gives away by consent, in words."""

    bundle: AnyBundle
    data: bytes
    records: tuple[Record, ...]
    openings: list[Opening]
    verdict: Verdict
    releases: Releases
    disclosed: tuple[str, ...]


@dataclass(frozen=True)
class MeterPart:
    """One meter of a bill: exactly the records to be billed, what opens them, and its papers
    (compact JWS)."""

    stretch: Stretch
    opener: Opener
    enrolment: str
    contract: str


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
    tokens = [tariff] if isinstance(tariff, str) else tariff
    return make_joint_bill(
        [MeterPart(stretch, opener, enrolment, contract)],
        [],
        tokens,
        trust,
        releases,
        fuse_kw=fuse_kw,
        consent=consent,
        full_resolution=full_resolution,
        progress=progress,
    )


def make_joint_bill(
    parts: Sequence[MeterPart],
    replacements: Sequence[str],
    tariffs: Sequence[str],
    trust: Trust,
    releases: Releases,
    *,
    fuse_kw: Fraction = FUSE_KW,
    consent: bool = False,
    full_resolution: bool = False,
    progress: Progress | None = None,
) -> Bill:
    """As `make_bill`, over meters in each other's place, in order of time.

    Of each but the last the stretch ends with the CLOSED event; replacements: the provider's
    documents between them. A tariff that holds on both sides bills both as one period.
    """
    papers = _Papers.of(parts, replacements, tariffs, trust)
    zone, rounding = papers.tariffs[-1].zone, papers.tariffs[-1].rounding
    records = tuple(record for part in parts for record in part.stretch.records)
    stretch = Stretch(records, tuple(hints for part in parts for hints in part.stretch.hints))
    metered = papers.course(parts)
    spans = billed_by(
        [(c, one.from_s, one.to_s) for c, one in zip(papers.contracts, metered, strict=True)]
    )
    if tuple(span.digest for span in spans) != papers.digests:
        raise Refused("contract-tariff", "the contract names other tariffs")
    openings = [opening for part in parts for opening in part.opener.open_stretch(part.stretch)]
    enrolled = papers.enrolments[0]
    shares = [
        Share.of(prices, span, stretch, openings, enrolled)
        for prices, span in zip(papers.tariffs, spans, strict=True)
    ]
    limit = Limit.of_fuse(fuse_kw, enrolled.unit.exponent).raised_to(
        (opening.value, opening.length_s) for opening in openings
    )
    findings = _findings(shares, records, openings, enrolled, releases, limit)
    if not consent:
        refuse(findings, zone)
    amount = rounding.apply(sum((one.segment.exact_minor for one in shares), Fraction(0)))
    links = tuple(link.digest for link in papers.link_jws)
    currency = papers.tariffs[-1].currency
    statement = statement_over(metered, links, papers.digests, currency, amount)
    proof: LinearProof | CircuitProof
    if full_resolution:
        proof = open_fee(shares, enrolled, statement, openings)
    else:
        proof = prove_amount(shares, statement, progress)
    bundle = _bundle(parts, papers, statement, proof, tariffs)
    data = bundle.write()
    verdict = verify_bundle(data, trust)
    if not verdict.accepted:
        raise Refused(verdict.code, verdict.detail)
    listed = releases
    codes = tuple(dict.fromkeys(finding.code for finding in findings))
    whole = Columns.of(records, openings, enrolled.channels).spans
    for share in shares:
        for row in share.told(whole):
            listed = listed.with_release(
                Release(papers.kid, share.span.digest, statement.currency, amount, row, codes)
            )
    words = tuple(dict.fromkeys(in_words(finding, zone) for finding in findings))
    return Bill(bundle, data, records, openings, verdict, listed, words)


@dataclass(frozen=True)
class _Papers:
    """The documents of a bill, checked. kid: fingerprint of their signer; digests: of tariffs."""

    kid: str
    enrolments: list[Enrolment]
    contracts: list[Contract]
    contract_digests: list[bytes]
    links: list[Replacement]
    link_jws: list[jws.Signed]
    tariffs: list[Tariff]
    digests: tuple[bytes, ...]

    @classmethod
    def of(
        cls,
        parts: Sequence[MeterPart],
        replacements: Sequence[str],
        tariffs: Sequence[str],
        trust: Trust,
    ) -> _Papers:
        enrolments = [open_enrolment(part.enrolment, trust.providers) for part in parts]
        contracts = [open_contract(part.contract, trust.providers) for part in parts]
        links = [open_replacement(token, trust.providers) for token in replacements]
        priced = [open_tariff(token, trust.providers) for token in tariffs]
        for prices, _ in priced:
            prices.zone.check_iana(prices.to_s)
        meters = [
            (enrolment, contract)
            for (enrolment, _), (contract, _) in zip(enrolments, contracts, strict=True)
        ]
        if len(parts) > 1:
            joint.check_papers(meters, [link for link, _ in links])
        return cls(
            enrolments[0][1].kid,
            [enrolment for enrolment, _ in enrolments],
            [contract for contract, _ in contracts],
            [signed.digest for _, signed in contracts],
            [link for link, _ in links],
            [signed for _, signed in links],
            [prices for prices, _ in priced],
            tuple(signed.digest for _, signed in priced),
        )

    def course(self, parts: Sequence[MeterPart]) -> list[Metered]:
        """What the statement says of each meter. Misuse `signature-missing`; Refused as
        `joint.check_course` where they do not follow each other."""
        found = []
        for at, part in enumerate(parts):
            last = part.stretch.records[-1]
            if last.signature is None:
                raise Misuse("signature-missing", f"record {last.seq}")
            readings = RecordReadings(list(part.stretch.records), b"".join(part.stretch.hints))
            one = Part(self.enrolments[at], self.contracts[at], self.contract_digests[at], readings)
            found.append(one)
        if len(parts) > 1:
            joint.check_course(found, self.links)
        return [one.metered for one in found]


def _findings(
    shares: Sequence[Share],
    records: Sequence[Record],
    openings: Sequence[Opening],
    enrolled: Enrolment,
    releases: Releases,
    limit: Limit,
) -> list[Finding]:
    """What becomes derivable from this bill beside what was told before."""
    whole = Columns.of(records, openings, enrolled.channels).spans
    rows = [row for share in shares for row in share.told(whole)]
    values = [opening.value for opening in openings]
    beside, known = [*rows, *releases.disclosed()], releases.known()
    return [
        finding
        for row in rows
        for finding in examine_bill(row, releases.billed(), limit, values, beside, known)
    ]


def _bundle(
    parts: Sequence[MeterPart],
    papers: _Papers,
    statement: AnyStatement,
    proof: LinearProof | CircuitProof,
    tokens: Sequence[str],
) -> AnyBundle:
    stretches = [
        MeterRecords(
            part.enrolment,
            part.contract,
            tuple(record.body for record in part.stretch.records),
            b"".join(part.stretch.hints),
            part.stretch.records[-1].signature or b"",
        )
        for part in parts
    ]
    if isinstance(statement, JointStatement):
        links = tuple(link.token for link in papers.link_jws)
        return JointBundle(tuple(tokens), links, tuple(stretches), statement, proof)
    (one,) = stretches
    return Bundle(
        enrolment=one.enrolment,
        contract=one.contract,
        tariffs=tuple(tokens),
        statement=statement,
        proof=proof,
        bodies=one.bodies,
        hints=one.hints,
        signature=one.signature,
    )
