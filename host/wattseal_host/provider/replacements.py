"""One meter in the place of another: both chains checked, then the link signed."""

from __future__ import annotations

from wattseal.errors import Misuse, Refused
from wattseal.record import decode_sealed

from wattseal_host import jws
from wattseal_host.ledger import Ledger
from wattseal_host.provider.office import Office
from wattseal_host.replacement import Replacement


def replace(
    office: Office, ledger: Ledger, meter: bytes, successor: bytes, from_s: int | None = None
) -> jws.Signed:
    """Sign that one meter goes on where another one's chain ended, and is billed from its beginning
    or from from_s on.

    Both must be enrolled, and the ledger hold the end of the one and the beginning of the other,
    where they were verified. Raises Misuse `meter-not-enrolled`, `meter-empty`; Refused as
    `Replacement.check`, and `replacement-begin` where none of its records begins at from_s.
    """
    enrolled = {known.meter for known in office.enrolments()}
    for one in (meter, successor):
        if one not in enrolled:
            raise Misuse("meter-not-enrolled", one.hex())
    last = ledger.last(meter)
    first = ledger.sealed_at(successor, 0)
    if last is None or first is None:
        raise Misuse("meter-empty", "the ledger has no records of it")
    if from_s is not None and not ledger.between(successor, from_s, from_s + 1).records:
        raise Refused("replacement-begin", f"no record begins at {from_s}")
    link = Replacement.of(last, successor, from_s)
    link.check(last, decode_sealed(first))
    return office.link(link)
