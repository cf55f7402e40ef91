"""Which of a customer's meters a period is over, and what of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattseal.errors import Misuse, Refused
from wattseal.record import CLOSED

from wattseal_host.customer.store import Secrets
from wattseal_host.ledger import Ledger
from wattseal_host.stretch import Stretch


def stretches_over(
    ledger: Ledger,
    meters: Sequence[Secrets],
    begins: Mapping[bytes, int],
    from_s: int,
    to_s: int,
) -> list[tuple[Secrets, Stretch]]:
    """The meters of a period with their records in it, in order of time.

    meters: every one of the customer's, in order of time; begins: of a meter that came after
    another, from when it is billed (`Replacement.from_s`), if that is not its ORIGIN. A meter
    closed at or before from_s has no part in it, nor has one that begins at or after to_s. The
    first stretch begins at from_s.
    Refused `period-incomplete` unless what there is fills the period up to the replacements.
    """
    found: list[tuple[Secrets, Stretch]] = []
    for held in meters:
        try:
            last = ledger.last(held.meter)
        except Misuse:
            continue  # the ledger never met it
        if last is None:
            continue
        begin_s = from_s
        if found:
            origin = ledger.between(held.meter, 0, to_s).records
            if not origin:
                continue
            begin_s = begins.get(held.meter, origin[0].start_s)
        closed = last.event == CLOSED
        if (closed and last.start_s <= from_s) or begin_s >= to_s:
            continue
        if closed and last.start_s < to_s:
            whole = ledger.between(held.meter, begin_s, last.start_s + 1)
            found.append((held, whole.to_the_end(begin_s)))
        elif held is not meters[-1] and last.end_s <= from_s:
            continue
        else:
            found.append((held, ledger.period(held.meter, begin_s, to_s)))
            break
    if not found or found[-1][1].records[-1].end_s != to_s:
        raise Refused("period-incomplete", f"no records from {from_s} to {to_s}")
    return found
