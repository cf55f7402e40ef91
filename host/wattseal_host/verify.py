"""The verifier: from a bundle's bytes and named trust to a verdict. Pure; no files, no network.

Stages, in order: form, documents, records, tariff, proof, statement. The first that fails gives
the verdict its stable code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from wattseal.chain import Chain, Config, verify_stretch
from wattseal.errors import Malformed, Refused
from wattseal.record import Record, decode_body

from wattseal_host import jws, linear
from wattseal_host.bundle import Bundle, split_hints
from wattseal_host.documents import Contract, Enrolment
from wattseal_host.engine import Point, decode_commitment
from wattseal_host.errors import Unusable
from wattseal_host.keys import fingerprint
from wattseal_host.statement import Statement
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import weigh
from wattseal_host.trust import Trust

ACCEPTED = "accepted"


@dataclass
class Verdict:
    """accepted; code: "accepted" or why not; detail: for people.

    statement: what was proven (None unless accepted); keys: fingerprints of the provider's and
    the meter's key as the bundle claims them, for the trust file; checks: (stage, milliseconds)
    of the stages that passed; records: how many were in the stretch.
    """

    accepted: bool = False
    code: str = ""
    detail: str = ""
    statement: Statement | None = None
    keys: dict[str, str] = field(default_factory=dict)
    checks: list[tuple[str, float]] = field(default_factory=list)
    records: int = 0

    @property
    def amount(self) -> str | None:
        """The amount payable in major units, e.g. "12.34"; None unless accepted."""
        if self.statement is None:
            return None
        return self.statement.currency.major(self.statement.amount)


@dataclass(frozen=True)
class Documents:
    """The verified documents of a bundle and the digests they go by."""

    enrolment: Enrolment
    contract: Contract
    contract_digest: bytes
    tariff: Tariff
    tariff_digest: bytes


def verify_bundle(data: bytes, trust: Trust) -> Verdict:
    """Judge a bundle. Raises Unusable if `data` is no bundle; never anything else."""
    verdict = Verdict()
    try:
        verdict.statement = _verify(data, trust, verdict)
    except Unusable:
        raise
    except (Malformed, Refused) as error:
        verdict.code, verdict.detail = error.code, error.detail
        return verdict
    verdict.accepted, verdict.code = True, ACCEPTED
    return verdict


def _verify(data: bytes, trust: Trust, verdict: Verdict) -> Statement:
    with _stage(verdict, "form"):
        bundle = Bundle.read(data)
        claimed = bundle.statement
    with _stage(verdict, "documents"):
        documents = _check_documents(bundle, trust, verdict)
    enrolment, tariff = documents.enrolment, documents.tariff
    with _stage(verdict, "records"):
        verdict.records = len(bundle.bodies)
        records = _check_records(bundle, enrolment)
    with _stage(verdict, "tariff"):
        from_s, to_s = records[0].start_s, records[-1].end_s
        if documents.contract.tariff_for(from_s, to_s) != documents.tariff_digest:
            raise Refused("contract-tariff", "the contract names another tariff")
        weights = weigh(tariff, records, enrolment.channels)
    with _stage(verdict, "proof"):
        linear.check(bundle.proof, weights, _commitments(records, bundle.hints))
    with _stage(verdict, "statement"):
        fee = bundle.proof.fee
        recomputed = Statement(
            contract=documents.contract_digest,
            tariffs=(documents.tariff_digest,),
            meter=enrolment.meter,
            key=enrolment.key,
            from_s=from_s,
            to_s=to_s,
            before=records[0].previous,
            last=records[-1].digest,
            currency=tariff.currency,
            amount=tariff.amount(fee, enrolment.unit, from_s, to_s),
        )
        claimed.check_equal(recomputed)
    return claimed


@contextmanager
def _stage(verdict: Verdict, name: str) -> Iterator[None]:
    started = perf_counter()
    yield
    verdict.checks.append((name, (perf_counter() - started) * 1000))


def _check_documents(bundle: Bundle, trust: Trust, verdict: Verdict) -> Documents:
    if len(bundle.tariffs) != 1:
        raise Refused("tariff-count", "one tariff to a bill")
    enrolment_jws = jws.parse(bundle.enrolment, jws.ENROLMENT)
    contract_jws = jws.parse(bundle.contract, jws.CONTRACT)
    tariff_jws = jws.parse(bundle.tariffs[0], jws.TARIFF)
    enrolment = Enrolment.read(enrolment_jws.payload)
    verdict.keys = {"provider": enrolment_jws.kid, "meter": fingerprint(enrolment.key)}
    if enrolment.key not in trust.meters or not any(
        fingerprint(key) == enrolment_jws.kid for key in trust.providers
    ):
        shown = ", ".join(f"{who} {key}" for who, key in verdict.keys.items())
        raise Refused("untrusted-keys", shown)
    provider = jws.check_signature(enrolment_jws, trust.providers)
    # One provider signs all three: a contract of another one is not this meter's.
    jws.check_signature(contract_jws, [provider])
    jws.check_signature(tariff_jws, [provider])
    contract = Contract.read(contract_jws.payload)
    if contract.meter != enrolment.meter:
        raise Refused("contract-meter", contract.meter.hex())
    tariff = Tariff.read(tariff_jws.payload)
    return Documents(enrolment, contract, contract_jws.digest, tariff, tariff_jws.digest)


def _check_records(bundle: Bundle, enrolment: Enrolment) -> list[Record]:
    config = Config(enrolment.interval_s, enrolment.unit.exponent, enrolment.channel_set)
    if decode_body(bundle.bodies[0]).seq == 0:
        chain = Chain(enrolment.key, config)
    else:
        chain = Chain(enrolment.key, config, previous=bundle.statement.before)
    records: list[Record] = verify_stretch(bundle.bodies, bundle.signature, chain)
    # An event at the period's last second belongs to the next one: one stretch to a period.
    if not records[-1].channels:
        raise Refused("period-end", "the last record is an event")
    return records


def _commitments(records: list[Record], hints: bytes) -> list[Point]:
    compressed = [commitment for record in records for commitment, _ in record.channels]
    split = split_hints(hints, len(compressed))
    return [decode_commitment(c, y) for c, y in zip(compressed, split, strict=True)]
