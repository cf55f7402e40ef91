"""Accepting bills: those that verify are booked in the provider's ledger, or refused there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wattseal.errors import Refused

from wattseal_host.ledger import Ledger
from wattseal_host.verdict import Verdict


def book_all(
    ledger: Ledger, verdicts: Sequence[Verdict], new_contract: bool = False
) -> list[Verdict]:
    """What becomes of each, in the order given: of the accepted ones `Ledger.book` notes the
    earliest period first, all in one transaction, and the refused stay as they are."""
    result = list(verdicts)
    proven = [
        (at, verdict.statement)
        for at, verdict in enumerate(verdicts)
        if verdict.accepted and verdict.statement is not None
    ]
    proven.sort(key=lambda one: one[1].from_s)
    booked = ledger.book([said for _, said in proven], new_contract)
    for (at, _), found in zip(proven, booked, strict=True):
        if isinstance(found, Refused):
            result[at] = verdicts[at].refused(found.code, found.detail)
        else:
            result[at] = replace(verdicts[at], notes=found)
    return result
