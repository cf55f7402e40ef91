"""The append-only log of sealed records: segment files of fixed slots, old ones compact.

Record `seq` is slot seq % 96 of the file log/<seq // 96>, so one seek finds it. A slot is

    length u16 | sealed record | zeros | CRC-32 of all before it

Segments the utility has collected, and where room is short others too, are made compact
(`archive`): their records are computed anew when they are read, in the same bytes. Only compact
segments are ever dropped, oldest first.

Before a record goes into the log it goes into the file live/newest (seq u32, then a slot). So a
slot at the log's end that no longer reads back is made good, and an append that was cut is
completed: what was once signed under a number stays the only record of that number.
"""

from binascii import crc32

from micropython import const
from wattseal.errors import Misuse, Refused
from wattseal.record import MAX_SEALED_BYTES

from meter.storage import LIVE

SEGMENT_RECORDS = const(96)  # compact, with one channel, they are just below a block of flash
_SLOT_BYTES = const(220)
_CRC_BYTES = const(4)
_SEGMENT_BYTES = const(21120)
_RESERVE_BLOCKS = const(24)  # free when a segment of 6 begins: what is free shares the wear
_LEAST_BLOCKS = const(4)  # without them not even old segments can be made compact
_FOLDER = "log"
_NEWEST = "live/newest"


class Log:
    """The log on a storage; opening it completes or makes good its end.

    count      records so far, which is the next sequence number
    oldest     first sequence number still kept
    newest     the newest sealed record's bytes, b"" while there is none
    intact     False if a segment is missing or short, or an old record did not read back
    damaged    True if records at the end are lost: then nothing may be sealed, ever
    collected  so many records the utility says it has
    sign       function of a digest: signs records read from compact segments. None: such a record
               has no signature yet, and only `body` gives it
    """

    def __init__(self, storage, reserve_blocks=_RESERVE_BLOCKS):
        self._storage = storage
        self._reserve_blocks = reserve_blocks
        self.count = 0
        self.oldest = 0
        self.newest = b""
        self.intact = True
        self.damaged = False
        self.collected = 0
        self.sign = None
        self._archive = None
        self._signed = (-1, b"")  # the last record signed anew
        self._roomy = -1  # the segment there is room for
        storage.folder(_FOLDER)
        storage.folder(LIVE)
        self.recover()

    def recover(self):
        """Find the end of the log on flash, complete an append that was cut, make good a slot.

        At boot, and after an append that failed. OSError if the flash fails.
        """
        first, last, files, compact, size, short = self._survey()
        count = 0
        if files:
            count = last * SEGMENT_RECORDS + size // _SLOT_BYTES
            if size % _SLOT_BYTES:
                self._storage.shorten(_path(last), size // _SLOT_BYTES * _SLOT_BYTES)
            self.oldest = first * SEGMENT_RECORDS
        self._whole = max(first, 0) + compact  # the first segment that is not compact
        self.intact = not files or (
            files == last + 1 - first and short == (size < _SEGMENT_BYTES)
        )
        spare = self._storage.read(_NEWEST)
        seq = int.from_bytes(spare[:4], "big")
        spare = _sealed(spare[4:])
        self.count = count
        self.newest = self._slot(count - 1) if count else b""
        if spare and seq == count:
            self._put(spare)
        elif spare and seq == count - 1 and not self.newest:
            self._storage.shorten(_path(last), (count - 1) % SEGMENT_RECORDS * _SLOT_BYTES)
            self.count -= 1
            self._put(spare)
        elif (spare and seq > count) or (count and not self.newest):
            self.damaged = True
            self.intact = False
            while self.count and not self.newest:
                self.count -= 1
                self.newest = self._slot(self.count - 1) if self.count else b""

    def _survey(self):
        """Look at the segments. Return (first, last, how many, how many compact, bytes of the
        last, how many neither compact nor full)."""
        first = last = size = -1
        files = compact = short = 0
        torn = []
        for name, length in self._storage.sizes(_FOLDER):
            segment = int(name)
            if length < _SLOT_BYTES:
                torn.append(segment)
                continue
            files += 1
            if first < 0 or segment < first:
                first = segment
            if segment > last:
                last, size = segment, length
            if length < _SEGMENT_BYTES:
                if self._is_compact(segment):
                    compact += 1
                else:
                    short += 1
        for segment in torn:
            if segment > last:
                # A cut left a new file without content.
                self._storage.remove(_path(segment))
            else:
                files += 1
                short += 1
        return first, last, files, compact, size, short

    def _is_compact(self, segment):
        # `archive.FORM`. A whole segment begins with the high byte of a length: 0.
        return self._storage.read_at(_path(segment), 0, 1) == b"\xc1"

    def _slot(self, seq):
        """Return the sealed record in a slot of a segment that is whole, b"" if it is spoilt."""
        segment, index = divmod(seq, SEGMENT_RECORDS)
        return _sealed(self._storage.read_at(_path(segment), index * _SLOT_BYTES, _SLOT_BYTES))

    def append(self, sealed):
        """Write the next record; durable on return.

        OSError if the flash fails: then `recover`, and look at `count` before trying again, for
        the record may have reached the flash all the same. Refused `log-damaged`.
        """
        if not 0 < len(sealed) <= MAX_SEALED_BYTES:
            raise Misuse("record-length")
        if self.damaged:
            raise Refused("log-damaged")
        self._storage.replace(_NEWEST, self.count.to_bytes(4, "big") + _slot_of(sealed))
        self._put(sealed)

    def failing(self):
        """Tell whether the flash refused the last write."""
        return self._storage.failed

    def _put(self, sealed):
        self._storage.append(_path(self.count // SEGMENT_RECORDS), _slot_of(sealed))
        self.count += 1
        self.newest = sealed

    def read(self, seq):
        """Return the sealed record with a sequence number, b"" if it is not kept or not whole."""
        if seq == self.count - 1:
            return self.newest
        if seq == self._signed[0]:
            return self._signed[1]
        data, digest = self._find(seq)
        if digest and self.sign:
            data += self.sign(digest)
            self._signed = (seq, data)
            return data
        return b"" if digest else data

    def body(self, seq):
        """Return a record's body, b"" as `read`. Cheaper where the record is compact."""
        if seq == self.count - 1:
            return self.newest[:-64]
        data, digest = self._find(seq)
        return data if digest else data[:-64]

    def _find(self, seq):
        """Return (sealed record, b""), or (body, its digest) out of a compact segment."""
        if not self.oldest <= seq < self.count:
            return b"", b""
        segment, index = divmod(seq, SEGMENT_RECORDS)
        data = digest = b""
        try:
            data = self._slot(seq)
            if not data and self._is_compact(segment):
                data, digest = self._unfold(segment, index)
        except (OSError, IndexError, Refused):
            self._archive = None
        if not data:
            self.intact = False
        return data, digest

    def _unfold(self, segment, index):
        path = _path(segment)
        if not self._archive or self._archive.path != path:
            from meter.archive import Archive

            self._archive = Archive(self._storage, path, SEGMENT_RECORDS)
        return self._archive.body(index)

    def tidy_steps(self, interval_s, secret, urgent=False):
        """Generate None between pieces of work: make collected segments compact, and room for the
        segment to come; `urgent`: for the next record. OSError if the flash fails; then it is to
        be done again."""
        if urgent:
            self._roomy = -1
        blocks = _LEAST_BLOCKS if urgent else self._reserve_blocks
        while not self.damaged:
            segment = self.count // SEGMENT_RECORDS
            # The newest record stays in a slot, where `recover` looks for it.
            full = (self.count - 1) // SEGMENT_RECORDS - self._whole
            if full > 0 and self.collected >= (self._whole + 1) * SEGMENT_RECORDS:
                yield from self._compact(interval_s, secret)
            elif self._roomy == segment:
                return
            elif self._storage.free_blocks() >= blocks:
                self._roomy = segment
            elif full > 0:
                yield from self._compact(interval_s, secret)
            elif not self.drop():
                if self.count % SEGMENT_RECORDS:
                    self._roomy = segment  # other files fill the flash
                return

    def relieve(self):
        """At boot: drop what may be dropped if the flash is so full that nothing can be written."""
        while self._storage.free_blocks() < _LEAST_BLOCKS and self.drop():
            pass

    def drop(self):
        """Drop the oldest segment, if it is compact. Return whether it was."""
        if self.oldest >= self._whole * SEGMENT_RECORDS:
            return False
        self._storage.remove(_path(self.oldest // SEGMENT_RECORDS))
        self.oldest += SEGMENT_RECORDS
        self._archive = None
        return True

    def _compact(self, interval_s, secret):
        from meter.once import once

        segment = self._whole
        if not self._is_compact(segment):
            # One with a record that does not read back stays whole, and is passed over.
            yield from once(
                "compact", "compact_steps", self, self._storage, segment * SEGMENT_RECORDS,
                SEGMENT_RECORDS, _path(segment), interval_s, secret,
            )
        self._whole = segment + 1


def _path(segment):
    return f"{_FOLDER}/{segment:05d}"


def _slot_of(sealed):
    slot = len(sealed).to_bytes(2, "big") + sealed
    slot += bytes(_SLOT_BYTES - _CRC_BYTES - len(slot))
    return slot + crc32(slot).to_bytes(_CRC_BYTES, "big")


def _sealed(slot):
    """Return the sealed record in a slot's bytes, b"" if its CRC does not fit."""
    crc = int.from_bytes(slot[-_CRC_BYTES:], "big")
    if len(slot) != _SLOT_BYTES or crc32(slot[:-_CRC_BYTES]) != crc:
        return b""
    return slot[2 : 2 + int.from_bytes(slot[:2], "big")]
