"""One meter in the place of another: both chains checked, then the link signed."""

from __future__ import annotations

from wattseal.errors import Misuse
from wattseal.record import decode_sealed

from wattseal_host import jws
from wattseal_host.ledger import Ledger
from wattseal_host.provider.office import Office
from wattseal_host.replacement import Replacement


def replace(office: Office, ledger: Ledger, meter: bytes, successor: bytes) -> jws.Signed:
    """Sign that one meter goes on where another one's chain ended.

    Both must be enrolled, and the ledger hold the end of the one and the beginning of the other,
    where they were verified. Raises Misuse `meter-not-enrolled`, `meter-empty`; Refused as
    `Replacement.check`.
    """
    enrolled = {known.meter for known in office.enrolments()}
    for one in (meter, successor):
        if one not in enrolled:
            raise Misuse("meter-not-enrolled", one.hex())
    last = ledger.last(meter)
    first = ledger.sealed_at(successor, 0)
    if last is None or first is None:
        raise Misuse("meter-empty", "the ledger has no records of it")
    link = Replacement.of(last, successor)
    link.check(last, decode_sealed(first))
    return office.link(link)
