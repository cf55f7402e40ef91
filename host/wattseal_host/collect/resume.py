"""Collecting into a ledger: from where it stopped, in batches, each verified and committed."""

from __future__ import annotations

from collections.abc import Callable

from wattseal.errors import Refused

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.ledger import Ledger

BATCH = 64
Progress = Callable[[int, int], None]


def collect_utility(ledger: Ledger, port: UtilityPort, progress: Progress | None = None) -> int:
    """Read everything new from a utility port; how many records were new.

    A meter the ledger does not know is added as it describes itself: its key is what its
    records are verified under, and trust in the key is the verifier's business.
    """
    meter = port.identity()
    status = port.status()
    ledger.add_meter(meter)
    if status.oldest_seq > ledger.next_seq(meter.meter):
        raise Refused("log-gap", f"the meter keeps nothing before {status.oldest_seq}")
    return _collect(ledger, meter.meter, "utility", port.fetch, status.next_seq, progress)


def collect_customer(ledger: Ledger, port: CustomerPort, progress: Progress | None = None) -> int:
    """The same from a customer port, by its history."""
    itself = port.identity()
    ledger.add_meter(itself.configuration)
    return _collect(ledger, itself.meter, "customer", port.history, itself.next_seq, progress)


def _collect(
    ledger: Ledger,
    meter: bytes,
    source: str,
    fetch: Callable[[int, int], list[bytes]],
    end_seq: int,
    progress: Progress | None,
) -> int:
    start_seq = at_seq = ledger.next_seq(meter)
    if end_seq < start_seq:
        raise Refused("log-rewound", f"the meter has {end_seq} records, the ledger {start_seq}")
    while at_seq < end_seq:
        batch = fetch(at_seq, min(BATCH, end_seq - at_seq))
        if not batch:
            raise Refused("log-gap", f"the meter has no record {at_seq}")
        at_seq += ledger.append(meter, batch, source)
        if progress is not None:
            progress(at_seq - start_seq, end_seq - start_seq)
    return at_seq - start_seq
