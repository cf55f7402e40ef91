"""Where a chain says that an applet's approval ended."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.events import GIVEN
from wattseal.record import APPLET, PAIRED, Record


def find(records: Sequence[Record], digest: bytes) -> tuple[int, int] | None:
    """(UTC seconds, sequence number) of the last event that ended it: it was withdrawn, or whoever
    lives there paired anew. None where it stands, or where nothing is said of it."""
    gone: tuple[int, int] | None = None
    for record in records:
        if record.event == PAIRED:
            gone = record.start_s, record.seq
        elif record.event == APPLET and record.payload[1:] == digest:
            gone = None if record.payload[0] == GIVEN else (record.start_s, record.seq)
    return gone
