"""Compact segments: what of a record cannot be computed, and the way back to the same bytes.

A record is public and sealed: of its bytes only the commitments, the ciphertexts and an event's
payload are new; its number, place in time, epoch and boot follow from the records before, the
digest of the record before from these themselves, and the signature, which is deterministic
(SPEC.md 3.5), from the key. A compact segment takes the place of the file log/<segment>:

    form u8 = 0xC1 | meter 16 | digest before 32 | seq, start_s, epoch, boot, interval_s u32 each |
    exponent i8 | channel set u8 | records | digest of the last record 32

    record: kind + 4 if the boot changes + 16 * flags, u8 | boot u32 if it changes |
            length_s u32 in an outage | commitments and ciphertexts, or event u8, size u8, payload

A record is 39 bytes with one channel and 77 with two. What comes out is what went in: nothing is
given back before the whole segment has led to the digest at its end.
"""

from micropython import const
from wattseal.errors import Refused
from wattseal.record import EVENT, INTERVAL, OUTAGE, PAIRED, body_digest

FORM = const(0xC1)
HEAD_BYTES = const(71)
BOOT_CHANGES = const(4)
_CHANNEL_BYTES = const(38)
_MASK = 0xFFFFFFFF  # so that a spoilt segment leads to a wrong digest, and not astray


def _u32(data, at):
    return int.from_bytes(data[at : at + 4], "big")


class Thread:
    """What the next record of a segment follows from; `head` is the file's beginning."""

    def __init__(self, head):
        self._meter = head[1:17]
        self.previous = head[17:49]
        self._seq = _u32(head, 49)
        self._start_s = _u32(head, 53)
        self._epoch = _u32(head, 57)
        self._boot = _u32(head, 61)
        self._interval_s = _u32(head, 65)
        self._unit = head[69:71]

    def body(self, read):
        """Return the next record's body; `read` gives its so many next bytes. The thread goes on,
        and `previous` is then this body's digest."""
        lead = read(1)[0]
        kind = lead & 3
        if lead & BOOT_CHANGES:
            self._boot = _u32(read(4), 0)
        length_s = 0
        epoch = self._epoch
        if kind == EVENT:
            told = read(2)
            told += read(told[1])
            if told[0] == PAIRED:
                self._epoch = _u32(told, 2)
        else:
            length_s = self._interval_s if kind == INTERVAL else _u32(read(4), 0)
            told = read(_CHANNEL_BYTES * (1 if self._unit[1] == 1 else 2))
        numbers = b""
        for number in (epoch, self._boot, self._seq, self._start_s, length_s):
            numbers += number.to_bytes(4, "big")
        body = (
            bytes([1, kind]) + self._meter + numbers + bytes([lead >> 4]) + self._unit + told
            + self.previous
        )
        self.previous = body_digest(body)
        self._seq = (self._seq + 1) & _MASK
        self._start_s = (self._start_s + length_s) & _MASK
        return body


def entry(record, boot):
    """Return what a compact segment keeps of a Record that follows one of this boot."""
    lead = record.kind | record.flags << 4
    data = b""
    if record.boot != boot:
        lead |= BOOT_CHANGES
        data = record.boot.to_bytes(4, "big")
    if record.kind == OUTAGE:
        data += record.length_s.to_bytes(4, "big")
    return bytes([lead]) + data + record.body[41:-32]


class Archive:
    """One compact segment of so many records. Refused `log-damaged` unless they lead to the digest
    at its end."""

    def __init__(self, storage, path, count):
        self._storage = storage
        self.path = path
        with storage.open(path) as file:
            self._rewind(file)
            for _ in range(count):
                self._next(file)
            if self._thread.previous != file.read(33):
                raise Refused("log-damaged")
            self._rewind(file)

    def _rewind(self, file):
        file.seek(0)
        self._thread = Thread(file.read(HEAD_BYTES))
        self._at = HEAD_BYTES
        self._index = 0

    def _next(self, file):
        self._index += 1
        return self._thread.body(file.read)

    def body(self, index):
        """Return (the body of the record at an index, its digest); cheapest in ascending order."""
        with self._storage.open(self.path) as file:
            if index < self._index:
                self._rewind(file)
            file.seek(self._at)
            while self._index < index:
                self._next(file)
            body = self._next(file)
            self._at = file.tell()
        return body, self._thread.previous
