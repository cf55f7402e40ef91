"""The provider's check of a bill against its own ledger: of a bundle, or of a bill message."""

from __future__ import annotations

from contextlib import ExitStack

from wattseal.errors import Misuse, Refused

from wattseal_host import bill_message, linear
from wattseal_host.case import conclude
from wattseal_host.keys import fingerprint
from wattseal_host.ledger import Ledger
from wattseal_host.linear import Settle
from wattseal_host.provider.archive import Archive
from wattseal_host.provider.on_ledger import LedgerReadings
from wattseal_host.statement import Statement
from wattseal_host.trust import Trust
from wattseal_host.verdict import Verdict, judged
from wattseal_host.verify import verify_bundle

ON_LEDGER = ("record form", "chain", "record signatures", "points on the curve", "sums of points")


def check_bill(
    data: bytes, trust: Trust, ledger: Ledger, settle: Settle = linear.settle
) -> Verdict:
    """Verify a bundle, and that its records are the ledger's own.

    A bundle that verifies but differs from the ledger is refused `ledger-differs`: the meter
    has signed two chains, or the ledger has not come that far. (Digests at both ends decide it:
    a digest speaks for every record before it.)
    """
    verdict = verify_bundle(data, trust, settle)
    said = verdict.statement
    if said is None:
        return verdict
    try:
        with ledger.view(said.meter) as view:
            held = LedgerReadings(view, said.from_s, said.to_s)
    except (Refused, Misuse) as error:
        return verdict.refused("ledger-differs", error.detail)
    if (held.before, held.last) != (said.before, said.last):
        return verdict.refused("ledger-differs", "the ledger holds other records of this period")
    return verdict


def check_message(
    data: bytes, archive: Archive, ledger: Ledger, settle: Settle = linear.settle
) -> Verdict:
    """Verify a bill message (`wattseal-bill/1`) by the provider's documents and its ledger.

    What `verdict.on_ledger` names was checked when the records arrived, and not again.
    """
    return judged(lambda verdict: _verify(data, archive, ledger, verdict, settle))


def _verify(
    data: bytes, archive: Archive, ledger: Ledger, verdict: Verdict, settle: Settle
) -> Statement:
    with verdict.stage("form"):
        meter = bill_message.read_meter(data)
    with verdict.stage("documents"):
        enrolment = archive.enrolment(meter)
        verdict.keys = {
            "provider": fingerprint(archive.public),
            "meter": fingerprint(enrolment.key),
        }
        bill = bill_message.read(data, enrolment.key)
        said = bill.statement
        documents = archive.documents(enrolment, said.contract, said.tariffs[0])
    with ExitStack() as stack:
        with verdict.stage("records"):
            try:
                view = stack.enter_context(ledger.view(meter))
            except Misuse as error:
                raise Refused("meter-unknown", meter.hex()) from error
            if view.enrolment != enrolment:
                raise Refused("meter-differs", meter.hex())
            readings = LedgerReadings(view, said.from_s, said.to_s)
            verdict.records, verdict.on_ledger = readings.records, ON_LEDGER
        return conclude(verdict, documents, readings, bill.proof, said, settle)
