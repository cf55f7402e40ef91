"""Collecting into a ledger: from where it stopped, in batches, each verified and committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from wattseal.errors import Refused

from wattseal_host.collect.itself import MeterSelf
from wattseal_host.collect.place import Place
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger

BATCH = 64
Progress = Callable[[int, int], None]


class Port(Protocol):
    """What collecting needs of a port: `UtilityPort` and `CustomerPort` have it."""

    place: Place

    def itself(self) -> MeterSelf: ...

    def fetch(self, from_seq: int, count: int) -> Iterable[bytes]: ...


def collect(
    ledger: Ledger,
    port: Port,
    progress: Progress | None = None,
    accept_new: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    itself: MeterSelf | None = None,
) -> int:
    """Read everything new from a port; by how many records the ledger grew meanwhile.

    progress: told of that growth after every batch, of one that failed in the middle too.
    itself: what the meter just said of itself, where the caller asked already.

    A meter the ledger does not know is added as it describes itself: its key is what its
    records are verified under, and trust in the key is the verifier's business. What the ledger
    has of a meter never changes, whatever the meter says.

    Raises PortError when the link fails (what came before it is stored), Refused or Malformed
    for a record that does not verify (kept among the rejects), and Refused for a meter that is
    not what it was: `meter-replaced` (see `Ledger.arrive`), `meter-wiped` or `meter-forked`
    (it signed two histories that differ from the first record, or from a later one, on; the
    evidence is in the ledger), `log-rewound` or `boot-rewound` (its records or its boot counter
    are fewer than the ledger has seen), `log-gap` (it no longer has what the ledger lacks).
    """
    itself = itself or port.itself()
    ledger.arrive(str(port.place), itself.configuration, accept_new)
    compare_histories(ledger, port, itself)
    check_progress(ledger, itself)
    meter = itself.meter
    start_seq = at_seq = ledger.next_seq(meter)
    while at_seq < itself.next_seq and not stopping():
        try:
            _read_batch(ledger, port, meter, at_seq, min(BATCH, itself.next_seq - at_seq))
        finally:
            reached_seq = ledger.next_seq(meter)
            if progress is not None:
                progress(reached_seq - start_seq, itself.next_seq - start_seq)
        if reached_seq == at_seq:
            raise PortError("port-answer", f"other records than those from {at_seq}")
        at_seq = reached_seq
    return at_seq - start_seq


def compare_histories(ledger: Ledger, port: Port, itself: MeterSelf) -> None:
    """Whether the newest record that both have is one; if not, find where the histories part.

    Both are hash chains: once different, different ever after, so a bisection finds the place.
    Appending the meter's record of that place leaves the evidence in the ledger and raises.
    """
    meter = itself.meter

    def differs(seq: int) -> bool:
        return _read(port, seq) not in (None, ledger.sealed_at(meter, seq))

    shared = min(ledger.next_seq(meter), itself.next_seq)
    if shared <= itself.oldest_seq or not differs(shared - 1):
        return
    low, high = itself.oldest_seq, shared - 1
    while low < high:
        middle = (low + high) // 2
        if differs(middle):
            high = middle
        else:
            low = middle + 1
    other = _read(port, high)
    if other is not None:
        ledger.append(meter, [other], port.place.kind)


def check_progress(ledger: Ledger, itself: MeterSelf) -> None:
    """Refuse a meter that has less than the ledger has seen of it, or not what it lacks."""
    last = ledger.last(itself.meter)
    next_seq = 0 if last is None else last.seq + 1
    if itself.next_seq < next_seq:
        detail = f"the meter has {itself.next_seq} records, the ledger {next_seq}"
        raise Refused("log-rewound", detail)
    if last is not None and itself.boot is not None and itself.boot < last.boot:
        detail = f"the meter counts {itself.boot} boots, its record {last.seq} {last.boot}"
        raise Refused("boot-rewound", detail)
    if itself.oldest_seq > next_seq:
        raise Refused("log-gap", f"the meter keeps nothing before {itself.oldest_seq}")


def _read(port: Port, seq: int) -> bytes | None:
    return next(iter(port.fetch(seq, 1)), None)


def _read_batch(ledger: Ledger, port: Port, meter: bytes, at_seq: int, count: int) -> None:
    """Append what comes; when the link breaks in the middle, what came before."""
    came: list[bytes] = []
    try:
        for data in port.fetch(at_seq, count):
            came.append(data)
    except PortError:
        if came:
            ledger.append(meter, came, port.place.kind)
        raise
    if not came:
        raise Refused("log-gap", f"the meter has no record {at_seq}")
    ledger.append(meter, came, port.place.kind)
