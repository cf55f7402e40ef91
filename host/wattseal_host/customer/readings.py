"""Readings for the customer: from a ledger with the secret alone, or as the meter tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wattseal.errors import Refused

from wattseal_host.collect.customer import HISTORY_CHUNK, CustomerPort
from wattseal_host.customer.openings import Opening, check_all
from wattseal_host.customer.store import Secrets
from wattseal_host.ledger import Ledger
from wattseal_host.stretch import Stretch


def from_ledger(ledger: Ledger, secrets: Secrets, from_s: int, to_s: int) -> list[Opening]:
    """Openings of every record within from_s..to_s whose epoch's secret is held, checked."""
    stretch = ledger.between(secrets.meter, from_s, to_s)
    ours = [i for i, r in enumerate(stretch.records) if not r.channels or r.epoch in secrets.epochs]
    return secrets.opener().open_stretch(stretch.pick(ours))


def from_port(
    port: CustomerPort,
    secrets: Secrets,
    from_s: int,
    to_s: int,
    progress: Callable[[float, float], None],
) -> list[Opening]:
    """Openings the meter tells of its current epoch within from_s..to_s, checked; see
    `parts_from_port`."""
    parts = parts_from_port(port, secrets, from_s, to_s, progress)
    return [opening for _, openings in parts for opening in openings]


def parts_from_port(
    port: CustomerPort,
    secrets: Secrets,
    from_s: int,
    to_s: int,
    progress: Callable[[float, float], None],
) -> Iterator[tuple[Stretch, list[Opening]]]:
    """Some records at a time, oldest first, with all their openings.

    Each is checked against the commitment of the sealed record in the meter's history. Raises
    Refused `meter-pinned` when another meter answers, `opening-false`.
    """
    itself = port.itself()
    if itself.configuration.key != secrets.key:
        raise Refused("meter-pinned", f"the meter paired is {secrets.meter.hex()}")
    current = max(secrets.epochs)
    for at_seq in range(itself.oldest_seq, itself.next_seq, HISTORY_CHUNK):
        sealed = port.history(at_seq)
        stretch = Stretch.from_sealed(sealed)
        wanted = [
            i
            for i, record in enumerate(stretch.records)
            if record.channels
            and record.epoch == current
            and from_s <= record.start_s
            and record.end_s <= to_s
        ]
        if wanted:
            chosen = stretch.pick(wanted)
            yield chosen, _ask(port, chosen)
        progress(at_seq + len(sealed), itself.next_seq)


def _ask(port: CustomerPort, stretch: Stretch) -> list[Opening]:
    first, last = stretch.records[0].seq, stretch.records[-1].seq
    by_place = {(told.seq, told.channel): told for told in port.openings(first, last - first + 1)}
    openings = []
    for record in stretch.records:
        for channel in range(len(record.channels)):
            told = by_place.get((record.seq, channel))
            if told is None:
                raise Refused("opening-false", f"none for record {record.seq}")
            openings.append(
                Opening(
                    record.seq,
                    channel,
                    record.start_s,
                    record.length_s,
                    told.value,
                    told.hidden_flags,
                    told.blinding,
                )
            )
    check_all(stretch, openings)
    return openings
