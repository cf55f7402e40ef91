"""What the customer hands over of a period: asked of the meter, checked, written to a file."""

from __future__ import annotations

from collections.abc import Callable

from wattseal.errors import Refused
from wattseal.record import decode_sealed

from wattseal_host.collect.customer import HISTORY_CHUNK, CustomerPort
from wattseal_host.portal import handed


def hand_over(
    port: CustomerPort, from_s: int, to_s: int, progress: Callable[[float, float], None]
) -> tuple[bytes, handed.Handed]:
    """The file's bytes and what a recipient will read in it: the records within from_s..to_s
    which the meter can open, those of its current epoch.

    Raises Refused `handover-empty` where there are none, or what the recipient would.
    """
    itself = port.itself()
    told = port.status().get("epoch")
    records = []
    openings: dict[tuple[int, int], tuple[int, int]] = {}
    for at_seq in range(itself.oldest_seq, itself.next_seq, HISTORY_CHUNK):
        wanted = [
            record
            for record in map(decode_sealed, port.history(at_seq))
            if record.epoch == told and from_s <= record.start_s and record.end_s <= to_s
        ]
        if any(record.channels for record in wanted):
            first = wanted[0].seq
            for opening in port.openings(first, wanted[-1].seq - first + 1):
                openings[opening.seq, opening.channel] = opening.value, opening.blinding
        records += wanted
        progress(at_seq, itself.next_seq)
    if not any(record.channels for record in records):
        raise Refused("handover-empty", "no reading of this epoch in the period")
    places = [(r.seq, channel) for r in records for channel in range(len(r.channels))]
    if any(place not in openings for place in places):
        raise Refused("handover-opening", "the meter did not open every record")
    last = records[-1].signature
    assert last is not None  # decode_sealed has it
    data = handed.write(
        itself.configuration,
        [record.body for record in records],
        last,
        [openings[place] for place in places],
    )
    return data, handed.read(data, itself.configuration.meter)
