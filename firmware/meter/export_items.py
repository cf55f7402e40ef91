"""What an export's chunks hold: keys of blocks, and openings of sums (SPEC.md 8.3)."""

import asyncio

from wattseal.export import BLOCK, CHUNK_ITEMS, SUM, item
from wattseal.keytree import BLOCK_RECORDS, block_key
from wattseal.p256 import N, encode_scalar
from wattseal.record import IMPORT, decode_body

from meter.begins import begins

_AT_ONCE = 4  # records between two chances for the rest of the meter


class Items:
    """The items of an export: found by their numbers, so that a chunk can be made again."""

    def __init__(self, desk, plan):
        self._log = desk.log
        self._openings = desk.hall.openings
        self._keys = desk.keys
        self._plan = plan
        reads = plan.reads
        both = desk.public.channel_set != IMPORT
        self._channels = [channel for channel in ((0, 1) if both else (0,)) if reads >> channel & 1]
        first, end = plan.first, plan.end
        self._at = (plan.start_s, first)  # where a time was found last
        if plan.granularity_s:
            span_s = plan.end_s - plan.start_s
            count = -(-span_s // plan.granularity_s) * len(self._channels)
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
        plan = self._plan
        channels = len(self._channels)
        if plan.granularity_s:
            granule, at = divmod(index, channels)
            start_s = plan.start_s + granule * plan.granularity_s
            first = self._begins(start_s)
            end = min(self._begins(start_s + plan.granularity_s), plan.end)
            self._at = (start_s, first)  # where the next channel begins, too
            return await self._sum(self._channels[at], first, end)
        begin, blocks = self._blocks
        if blocks:
            head = (begin - plan.first) * channels
            if head <= index < head + blocks:
                block = begin // BLOCK_RECORDS + index - head
                keys = self._keys
                key = block_key(keys.epoch_secret, keys.meter, keys.epoch, block)
                return item(BLOCK, 0, BLOCK_RECORDS, block * BLOCK_RECORDS, 0, key)
            if index >= head:
                index += blocks * (BLOCK_RECORDS * channels - 1)
        seq, at = divmod(index, channels)
        return await self._sum(self._channels[at], plan.first + seq, plan.first + seq + 1)

    def _begins(self, time_s):
        known_s, seq = self._at
        return begins(self._log, time_s, seq if known_s <= time_s else self._plan.first)

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
