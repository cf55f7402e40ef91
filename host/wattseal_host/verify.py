"""The verifier: from a bundle's bytes and named trust to a verdict. Pure; no files, no network.

Stages, in order: form, documents, records, tariff, proof, statement. The first that fails gives
the verdict its stable code.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.chain import Config, verify_stretch
from wattseal.errors import Refused
from wattseal.record import Record, decode_body

from wattseal_host import joint, jws, linear, replacement
from wattseal_host.bundle import Bundle
from wattseal_host.case import Documents, Part, conclude, conclude_all
from wattseal_host.documents import Contract, Enrolment
from wattseal_host.joint_bundle import JointBundle, read_any
from wattseal_host.keys import fingerprint
from wattseal_host.linear import Settle
from wattseal_host.record_readings import RecordReadings
from wattseal_host.replacement import Replacement
from wattseal_host.signatures import SignedChain
from wattseal_host.statement import AnyStatement
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust
from wattseal_host.verdict import ACCEPTED, Verdict, judged

__all__ = ["ACCEPTED", "Verdict", "verify_bundle"]


def verify_bundle(data: bytes, trust: Trust, settle: Settle = linear.settle) -> Verdict:
    """Judge a bundle. Raises Unusable if `data` is no bundle; never anything else.

    With another `settle` than the usual one, the verdict holds if the equation given to it does.
    """
    return judged(lambda verdict: _verify(data, trust, verdict, settle))


def _verify(data: bytes, trust: Trust, verdict: Verdict, settle: Settle) -> AnyStatement:
    with verdict.stage("form"):
        bundle = read_any(data)
        verdict.claimed = bundle.statement
    if isinstance(bundle, JointBundle):
        return _verify_joint(bundle, trust, verdict, settle)
    with verdict.stage("documents"):
        documents = _check_documents(bundle, trust, verdict)
    with verdict.stage("records"):
        verdict.records = len(bundle.bodies)
        before = bundle.statement.before
        records = _check_records(documents.enrolment, bundle.bodies, bundle.signature, before)
        # An event at the period's last second belongs to the next one: one stretch to a period.
        if not records[-1].channels:
            raise Refused("period-end", "the last record is an event")
        readings = RecordReadings(records, bundle.hints)
    return conclude(verdict, documents, readings, bundle.proof, bundle.statement, settle)


def _verify_joint(
    bundle: JointBundle, trust: Trust, verdict: Verdict, settle: Settle
) -> AnyStatement:
    with verdict.stage("documents"):
        meters, provider = _check_meters(bundle, trust, verdict)
        tariff_jws = [jws.parse(token, jws.TARIFF) for token in bundle.tariffs]
        link_jws = [replacement.parse(token) for token in bundle.replacements]
        for signed in (*tariff_jws, *link_jws):
            jws.check_signature(signed, [provider])
        links = [Replacement.read(signed.payload, signed.kind) for signed in link_jws]
        joint.check_papers([(enrolment, contract) for enrolment, contract, _ in meters], links)
        tariffs = [Tariff.read(signed.payload) for signed in tariff_jws]
    with verdict.stage("records"):
        verdict.records = sum(len(one.bodies) for one in bundle.stretches)
        if len(bundle.statement.stretches) != len(bundle.stretches):
            raise Refused("statement-stretches", f"{len(bundle.stretches)} are in the bundle")
        parts = []
        claimed = zip(meters, bundle.stretches, bundle.statement.stretches, strict=True)
        for (enrolment, contract, digest), one, said in claimed:
            records = _check_records(enrolment, one.bodies, one.signature, said.before)
            readings = RecordReadings(records, one.hints)
            parts.append(Part(enrolment, contract, digest, readings))
        if not records[-1].channels:
            raise Refused("period-end", "the last record is an event")
        verdict.notes = joint.check_course(parts, links)
    return conclude_all(
        verdict,
        parts,
        tuple(signed.digest for signed in link_jws),
        tariffs,
        tuple(signed.digest for signed in tariff_jws),
        bundle.proof,
        bundle.statement,
        settle,
    )


def _check_meters(
    bundle: JointBundle, trust: Trust, verdict: Verdict
) -> tuple[list[tuple[Enrolment, Contract, bytes]], bytes]:
    """(enrolment, contract and its digest of each meter, the one provider's key)."""
    meters = []
    provider: bytes | None = None
    for number, one in enumerate(bundle.stretches, 1):
        enrolment_jws = jws.parse(one.enrolment, jws.ENROLMENT)
        contract_jws = jws.parse(one.contract, jws.CONTRACT)
        enrolment = Enrolment.read(enrolment_jws.payload)
        name = "meter" if number == 1 else f"meter {number}"
        expected = _expected(enrolment, enrolment_jws.kid, name, trust, verdict)
        if provider not in (None, expected):
            raise Refused("untrusted-keys", "the meters are not one provider's")
        provider = jws.check_signature(enrolment_jws, [expected])
        jws.check_signature(contract_jws, [provider])
        contract = _own_contract(contract_jws, enrolment)
        meters.append((enrolment, contract, contract_jws.digest))
    assert provider is not None
    return meters, provider


def _check_documents(bundle: Bundle, trust: Trust, verdict: Verdict) -> Documents:
    enrolment_jws = jws.parse(bundle.enrolment, jws.ENROLMENT)
    contract_jws = jws.parse(bundle.contract, jws.CONTRACT)
    tariff_jws = [jws.parse(token, jws.TARIFF) for token in bundle.tariffs]
    enrolment = Enrolment.read(enrolment_jws.payload)
    expected = _expected(enrolment, enrolment_jws.kid, "meter", trust, verdict)
    provider = jws.check_signature(enrolment_jws, [expected])
    # One provider signs all of them: a contract of another one is not this meter's.
    jws.check_signature(contract_jws, [provider])
    for signed in tariff_jws:
        jws.check_signature(signed, [provider])
    contract = _own_contract(contract_jws, enrolment)
    tariffs = tuple(Tariff.read(signed.payload) for signed in tariff_jws)
    digests = tuple(signed.digest for signed in tariff_jws)
    return Documents(enrolment, contract, contract_jws.digest, tariffs, digests)


def _expected(enrolment: Enrolment, kid: str, name: str, trust: Trust, verdict: Verdict) -> bytes:
    """The key of the provider that is trusted with a meter, if it is the signer's."""
    verdict.keys = {**verdict.keys, "provider": kid, name: fingerprint(enrolment.key)}
    expected = trust.provider_of(enrolment.key)
    if expected is None or fingerprint(expected) != kid:
        shown = ", ".join(f"{who} {key}" for who, key in verdict.keys.items())
        raise Refused("untrusted-keys", shown)
    return expected


def _own_contract(signed: jws.Signed, enrolment: Enrolment) -> Contract:
    contract = Contract.read(signed.payload)
    if contract.meter != enrolment.meter:
        raise Refused("contract-meter", contract.meter.hex())
    return contract


def _check_records(
    enrolment: Enrolment, bodies: Sequence[bytes], signature: bytes, before: bytes
) -> list[Record]:
    config = Config(enrolment.interval_s, enrolment.unit.exponent, enrolment.channel_set)
    if decode_body(bodies[0]).seq == 0:
        chain = SignedChain(enrolment.key, config)
    else:
        chain = SignedChain(enrolment.key, config, previous=before)
    records: list[Record] = verify_stretch(bodies, signature, chain)
    return records
