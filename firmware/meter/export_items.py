"""What an export's chunks hold: keys of blocks, and openings of sums (SPEC.md 8.3)."""

import asyncio

from wattseal.export import BLOCK, CHUNK_ITEMS, SUM, item
from wattseal.keytree import BLOCK_RECORDS, block_key
from wattseal.p256 import N, encode_scalar
from wattseal.record import IMPORT, decode_body

_AT_ONCE = 4  # records between two chances for the rest of the meter


def begins(log, time_s, lowest):
    """Return the first sequence number from `lowest` on whose record begins at a time or later.

    log.count if there is none. OSError where the log cannot be read there.
    """
    highest = log.count
    while lowest < highest:
        middle = (lowest + highest) // 2
        body = log.body(middle)
        if not body:
            raise OSError("log")
        if int.from_bytes(body[30:34], "big") < time_s:
            lowest = middle + 1
        else:
            highest = middle
    return lowest


class Items:
    """The items of an export: found by their numbers, so that a chunk can be made again."""

    def __init__(self, desk, export):
        self._log = desk.log
        self._openings = desk.hall.openings
        self._keys = desk.keys
        self._export = export
        reads = export.manifest.reads
        both = desk.public.channel_set != IMPORT
        self._channels = [channel for channel in ((0, 1) if both else (0,)) if reads >> channel & 1]
        first, end = export.first, export.end
        self._at = (export.start_s, first)  # where a time was found last
        if export.granularity_s:
            span_s = export.end_s - export.start_s
            count = -(-span_s // export.granularity_s) * len(self._channels)
        else:
            whole = len(self._channels) == (2 if both else 1)
            begin = first + -first % BLOCK_RECORDS
            blocks = (end - begin) // BLOCK_RECORDS if whole and end > begin else 0
            self._blocks = (begin, blocks)
            singles = end - first - blocks * BLOCK_RECORDS
            count = singles * len(self._channels) + blocks
        self._count = count
        self.chunks = -(-count // CHUNK_ITEMS)

    async def chunk(self, number):
        """Return the items of a chunk, concatenated."""
        data = b""
        first = number * CHUNK_ITEMS
        for index in range(first, min(first + CHUNK_ITEMS, self._count)):
            data += await self._item(index)
            await asyncio.sleep(0)
        return data

    async def _item(self, index):
        export = self._export
        channels = len(self._channels)
        if export.granularity_s:
            granule, at = divmod(index, channels)
            start_s = export.start_s + granule * export.granularity_s
            first = self._begins(start_s)
            end = min(self._begins(start_s + export.granularity_s), export.end)
            self._at = (start_s, first)  # where the next channel begins, too
            return await self._sum(self._channels[at], first, end)
        begin, blocks = self._blocks
        if blocks:
            head = (begin - export.first) * channels
            if head <= index < head + blocks:
                block = begin // BLOCK_RECORDS + index - head
                keys = self._keys
                key = block_key(keys.epoch_secret, keys.meter, keys.epoch, block)
                return item(BLOCK, 0, BLOCK_RECORDS, block * BLOCK_RECORDS, 0, key)
            if index >= head:
                index += blocks * (BLOCK_RECORDS * channels - 1)
        seq, at = divmod(index, channels)
        return await self._sum(self._channels[at], export.first + seq, export.first + seq + 1)

    def _begins(self, time_s):
        known_s, seq = self._at
        return begins(self._log, time_s, seq if known_s <= time_s else self._export.first)

    async def _sum(self, channel, first, end):
        total = 0
        blinding = 0
        for seq in range(first, end):
            body = self._log.body(seq)
            if not body:
                raise OSError("log")
            record = decode_body(body)
            if record.channels:
                total += self._openings.reading(record, channel)[0]
                blinding += self._openings.blinding(record.boot, seq, channel)
            if seq % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return item(SUM, channel, end - first, first, total, encode_scalar(blinding % N))
