"""The provider's check of a bill: the verdict anybody reaches, and its own ledger besides."""

from __future__ import annotations

from wattseal.errors import Misuse, Refused

from wattseal_host.bundle import Bundle
from wattseal_host.ledger import Ledger
from wattseal_host.trust import Trust
from wattseal_host.verify import Verdict, verify_bundle


def check_bill(data: bytes, trust: Trust, ledger: Ledger) -> Verdict:
    """Verify a bundle, and that its records are the ledger's own.

    A bundle that verifies but differs from the ledger is refused `ledger-differs`: the meter
    has signed two chains, or the ledger has not come that far.
    """
    verdict = verify_bundle(data, trust)
    if verdict.statement is None:
        return verdict
    statement = verdict.statement
    try:
        stretch = ledger.period(statement.meter, statement.from_s, statement.to_s)
        if tuple(record.body for record in stretch.records) != Bundle.read(data).bodies:
            raise Refused("ledger-differs", "the ledger holds other records of this period")
    except (Refused, Misuse) as error:
        return Verdict(
            code="ledger-differs",
            detail=error.detail,
            keys=verdict.keys,
            checks=verdict.checks,
            records=verdict.records,
        )
    return verdict
