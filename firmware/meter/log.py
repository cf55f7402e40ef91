"""The append-only log of sealed records: segment files of fixed slots.

Record `seq` is slot seq % 32 of the file log/<seq // 32>, so one seek finds it. A slot is

    length u16 | sealed record | zeros | CRC-32 of all before it

`append` returns once the slot is on flash and only then counts it: nothing that reads the log
can see a record a power cut might take back.
"""

from binascii import crc32

from micropython import const
from wattseal.errors import Misuse
from wattseal.record import MAX_SEALED_BYTES

SEGMENT_RECORDS = const(32)  # the records of one block key
_SLOT_BYTES = const(220)
_CRC_BYTES = const(4)
_FOLDER = "log"


class Log:
    """The log on a storage; opening it repairs a torn tail.

    count     records so far, which is the next sequence number
    oldest    first sequence number still kept
    newest    the newest sealed record's bytes, b"" while there is none
    intact    False if a segment is missing or short, or an old slot did not read back
    """

    def __init__(self, storage, keep_segments=220):
        self._storage = storage
        self._keep_segments = keep_segments
        self.count = 0
        self.oldest = 0
        self.newest = b""
        self.intact = True
        self.recover()

    def recover(self):
        """Find the end of the log on flash; cut off what no completed append left there.

        At boot, and after an append that failed.
        """
        segments = []
        for name in self._storage.names(_FOLDER):
            if len(name) == 5 and name.isdigit():
                segments.append(int(name))
        count = 0
        while segments and not count:
            count = self._recover_segment(segments[-1])
            if not count:
                self._storage.remove(_path(segments.pop()))
        if not segments:
            return
        last = segments[-1]
        self.oldest = segments[0] * SEGMENT_RECORDS
        self.count = last * SEGMENT_RECORDS + count
        self.newest = self._slot(last, count - 1)
        self.intact = segments == list(range(segments[0], last + 1)) and all(
            self._storage.size(_path(segment)) == SEGMENT_RECORDS * _SLOT_BYTES
            for segment in segments[:-1]
        )

    def _recover_segment(self, segment):
        """Return how many slots of the last segment stand, after removing a torn tail."""
        path = _path(segment)
        size = self._storage.size(path)
        count = size // _SLOT_BYTES
        while count and not self._slot(segment, count - 1):
            count -= 1
        if count and size != count * _SLOT_BYTES:
            self._storage.shorten(path, count * _SLOT_BYTES)
        return count

    def _slot(self, segment, index):
        """Return the sealed record in a slot, b"" if its CRC does not fit."""
        slot = self._storage.read_at(_path(segment), index * _SLOT_BYTES, _SLOT_BYTES)
        length = int.from_bytes(slot[:2], "big")
        crc = int.from_bytes(slot[-_CRC_BYTES:], "big")
        if len(slot) < _SLOT_BYTES or crc32(slot[:-_CRC_BYTES]) != crc:
            return b""
        return slot[2 : 2 + length]

    def append(self, sealed):
        """Write the next record; durable on return.

        OSError if the flash fails: then `recover`, and look at `count` before trying again, for
        the record may have reached the flash all the same.
        """
        if not 0 < len(sealed) <= MAX_SEALED_BYTES:
            raise Misuse("record-length")
        segment, index = divmod(self.count, SEGMENT_RECORDS)
        if index == 0:
            self._make_room(segment)
        slot = len(sealed).to_bytes(2, "big") + sealed
        slot += bytes(_SLOT_BYTES - _CRC_BYTES - len(slot))
        self._storage.append(_path(segment), slot + crc32(slot).to_bytes(_CRC_BYTES, "big"))
        self.count += 1
        self.newest = sealed

    def _make_room(self, segment):
        """Before a new segment: drop the oldest while more than the segments kept exist."""
        while segment - self.oldest // SEGMENT_RECORDS >= self._keep_segments:
            self._storage.remove(_path(self.oldest // SEGMENT_RECORDS))
            self.oldest += SEGMENT_RECORDS

    def read(self, seq):
        """Return the sealed record with a sequence number, b"" if it is not kept or not whole."""
        if not self.oldest <= seq < self.count:
            return b""
        if seq == self.count - 1:
            return self.newest
        segment, index = divmod(seq, SEGMENT_RECORDS)
        try:
            sealed = self._slot(segment, index)
        except OSError:
            sealed = b""
        if not sealed:
            self.intact = False
        return sealed


def _path(segment):
    return f"{_FOLDER}/{segment:05d}"
