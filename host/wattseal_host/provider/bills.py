"""The provider's check of a bill against its own ledger: of a bundle, or of a bill message."""

from __future__ import annotations

from contextlib import ExitStack

from wattseal.errors import Malformed, Misuse, Refused

from wattseal_host import bill_message, joint, linear, wide_message
from wattseal_host.case import Part, conclude_all
from wattseal_host.documents import Enrolment
from wattseal_host.keys import fingerprint
from wattseal_host.ledger import Ledger
from wattseal_host.linear import LinearProof, Settle
from wattseal_host.proven_bill import CircuitProof
from wattseal_host.provider.archive import Archive
from wattseal_host.provider.on_ledger import LedgerReadings
from wattseal_host.statement import AnyStatement, JointStatement, Metered
from wattseal_host.trust import Trust
from wattseal_host.verdict import Verdict, judged
from wattseal_host.verify import verify_bundle

ON_LEDGER = ("record form", "chain", "record signatures", "points on the curve", "sums of points")


def is_message(data: bytes) -> bool:
    """Whether these bytes mean to be a bill message of any version."""
    return bill_message.is_bill_message(data) or wide_message.is_wide(data)


def check_bill(
    data: bytes,
    trust: Trust,
    ledger: Ledger,
    settle: Settle = linear.settle,
    archive: Archive | None = None,
) -> Verdict:
    """Verify a bundle, and that its records are the ledger's own.

    archive: whose documents hold; a bundle by a replacement that was signed before the archive's
    own is refused `replacement-superseded`, one by a contract that is not in it
    `contract-unknown`.

    A bundle that verifies but differs from the ledger is refused `ledger-differs`: the meter
    has signed two chains, or the ledger has not come that far. (Digests at both ends decide it:
    a digest speaks for every record before it.)
    """
    verdict = verify_bundle(data, trust, settle)
    if verdict.statement is None:
        return verdict
    stretches = verdict.statement.stretches
    for number, said in enumerate(stretches, 1):
        try:
            with ledger.view(said.meter) as view:
                ended = number < len(stretches)
                held = LedgerReadings(view, said.from_s, said.to_s, ended)
        except (Refused, Misuse) as error:
            return verdict.refused("ledger-differs", error.detail)
        if (held.before, held.last) != (said.before, said.last):
            return verdict.refused("ledger-differs", "the ledger holds other records of it")
    if archive is not None:
        try:
            _check_papers(verdict.statement, archive)
        except (Malformed, Refused) as error:
            return verdict.refused(error.code, error.detail)
    return verdict


def _check_papers(said: AnyStatement, archive: Archive) -> None:
    """What the provider once signed is good by itself: it has to be what is on file now."""
    for one in said.stretches:
        archive.contract(archive.enrolment(one.meter), one.contract)
    if isinstance(said, JointStatement):
        for one, digest in zip(said.stretches, said.replacements, strict=False):
            if archive.replacement(one.meter)[1] != digest:
                raise Refused("replacement-superseded", one.meter.hex())


def check_message(
    data: bytes, archive: Archive, ledger: Ledger, settle: Settle = linear.settle
) -> Verdict:
    """Verify a bill message (`wattseal-bill/…`) by the provider's documents and its ledger.

    What `verdict.on_ledger` names was checked when the records arrived, and not again.
    """
    return judged(lambda verdict: _verify(data, archive, ledger, verdict, settle))


def _verify(
    data: bytes, archive: Archive, ledger: Ledger, verdict: Verdict, settle: Settle
) -> AnyStatement:
    with verdict.stage("form"):
        wide = wide_message.is_wide(data)
        meters = wide_message.read_meters(data) if wide else [bill_message.read_meter(data)]
    with verdict.stage("documents"):
        verdict.keys = {"provider": fingerprint(archive.public)}
        enrolments = [archive.enrolment(meter) for meter in meters]
        for number, enrolment in enumerate(enrolments, 1):
            name = "meter" if number == 1 else f"meter {number}"
            verdict.keys[name] = fingerprint(enrolment.key)
        found = [archive.replacement(meter) for meter in meters[:-1]]
        links, digests = [link for link, _ in found], tuple(digest for _, digest in found)
        said, proof = _read(data, enrolments, digests)
        verdict.claimed = said
        contracts = [
            archive.contract(enrolment, one.contract)
            for enrolment, one in zip(enrolments, said.stretches, strict=True)
        ]
        tariffs = [archive.tariff(digest) for digest in said.tariffs]
        joint.check_papers(list(zip(enrolments, contracts, strict=True)), links)
    with ExitStack() as stack:
        with verdict.stage("records"):
            held = [
                _readings(ledger, enrolment, one, number < len(meters), stack)
                for number, (enrolment, one) in enumerate(
                    zip(enrolments, said.stretches, strict=True), 1
                )
            ]
            verdict.records, verdict.on_ledger = sum(one.records for one in held), ON_LEDGER
            parts = [
                Part(enrolment, contract, one.contract, readings)
                for enrolment, contract, one, readings in zip(
                    enrolments, contracts, said.stretches, held, strict=True
                )
            ]
            if len(parts) > 1:
                verdict.notes = joint.check_course(parts, links)
        return conclude_all(verdict, parts, digests, tariffs, said.tariffs, proof, said, settle)


def _read(
    data: bytes, enrolments: list[Enrolment], links: tuple[bytes, ...]
) -> tuple[AnyStatement, LinearProof | CircuitProof]:
    keys = [enrolment.key for enrolment in enrolments]
    if wide_message.is_wide(data):
        return wide_message.read(data, keys, links)
    bill = bill_message.read(data, keys[0])
    return bill.statement, bill.proof


def _readings(
    ledger: Ledger, enrolment: Enrolment, said: Metered, ended: bool, stack: ExitStack
) -> LedgerReadings:
    try:
        view = stack.enter_context(ledger.view(enrolment.meter))
    except Misuse as error:
        raise Refused("meter-unknown", enrolment.meter.hex()) from error
    if view.enrolment != enrolment:
        raise Refused("meter-differs", enrolment.meter.hex())
    return LedgerReadings(view, said.from_s, said.to_s, ended)
