"""The meter's mailbox for exports: its registers, and the codes of their results."""

from __future__ import annotations

from dataclasses import dataclass

from wattseal.errors import Malformed
from wattseal.export import CHUNK_ITEMS

from wattseal_host.export.items import MAX_RECORDS

BYTES = 192
MAX_CHUNKS = 2 * MAX_RECORDS // CHUNK_ITEMS + 1  # an item for every reading of two channels
MANIFEST, REQUEST, SHARE, CONFIRMATION = 1, 2, 3, 4  # kinds of messages
NONE, ASKED, PIN, ANSWERED, SERVING, SERVED = range(6)  # states
IN_HAND, APPROVED = 2, 15  # results: still being judged; of an applet
_FINE = (0, 1, IN_HAND, APPROVED)
CODES = {
    3: "applet-bad", 4: "applet-bad", 5: "applet-unknown", 6: "export-scope", 7: "export-empty",
    8: "meter-busy", 9: "export-over", 10: "export-pin", 11: "export-late", 12: "export-declined",
    13: "export-refused", 14: "export-withdrawn", 16: "meter-memory",
}  # fmt: skip


@dataclass(frozen=True)
class Mailbox:
    """result: of the newest message. Where an export ended before its end, state and session are
    zero and the result says why."""

    state: int
    result: int
    session: bytes
    chunks: int
    ready: int
    share: bytes
    confirmation: bytes
    signature: bytes

    @property
    def code(self) -> str:
        """Of the result, "" where it is fine."""
        return "" if self.result in _FINE else CODES.get(self.result, "export-refused")


def read(data: bytes) -> Mailbox:
    """Raises Malformed `mailbox`."""
    if len(data) != BYTES:
        raise Malformed("mailbox")
    state, result, chunks = _number(data[:2]), _number(data[2:4]), _number(data[20:24])
    if state > SERVED or chunks > MAX_CHUNKS:
        raise Malformed("mailbox")
    return Mailbox(
        state,
        result,
        data[4:20],
        chunks,
        _number(data[24:28]),
        data[28:93],
        data[94:126],
        data[126:190],
    )


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
