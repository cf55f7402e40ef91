"""The customer's side of a bill: from the stretch, the secrets and the documents to a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from wattseal.errors import Misuse, Refused
from wattseal.record import Record

from wattseal_host import linear
from wattseal_host.bundle import Bundle
from wattseal_host.customer.openings import Opener, Opening
from wattseal_host.customer.releases import Release, Releases
from wattseal_host.customer.spy import FUSE_KW, Limit, Row, examine_bill, in_words, refuse
from wattseal_host.documents import open_contract, open_enrolment
from wattseal_host.statement import Statement
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import open_tariff
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
) -> Bill:
    """Bill exactly `stretch`. The documents are compact JWS.

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
    row = Row.of_records(
        stretch.records, weights, sum(p * v for p, v in zip(weights, values, strict=True))
    )
    limit = Limit.of_fuse(fuse_kw, enrolled.unit.exponent).raised_to(
        (opening.value, opening.length_s) for opening in openings
    )
    findings = examine_bill(row, releases.rows(), limit, values)
    if not consent:
        refuse(findings, prices.zone)
    proof = linear.prove(weights, values, [opening.blinding for opening in openings])
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
        amount=prices.amount(proof.fee, enrolled.unit, first.start_s, last.end_s),
    )
    if last.signature is None:
        raise Misuse("signature-missing", f"record {last.seq}")
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
    release = Release(
        enrolment_jws.kid,
        tariff_jws.digest,
        statement.currency,
        statement.amount,
        row,
        tuple(finding.code for finding in findings),
    )
    listed = releases.with_release(release)
    told = tuple(dict.fromkeys(in_words(finding, prices.zone) for finding in findings))
    return Bill(bundle, data, stretch.records, openings, verdict, listed, told)
