"""What an export's items open of the sealed records, and the check of all of it.

Nothing is taken on trust: the records are the meter's by chain and signature, and every value opens
the commitments it is of.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from wattseal import export, keytree
from wattseal.chain import verify_stretch
from wattseal.commitment import unmask_reading
from wattseal.errors import Malformed, Refused
from wattseal.p256 import N
from wattseal.record import Record, decode_sealed

from wattseal_host.documents import Enrolment
from wattseal_host.engine import (
    Point,
    commitment_to,
    decode_commitment,
    find_hint,
    weighted_sum,
)
from wattseal_host.stretch import chain_before

MAX_RECORDS = 60_000
MAX_VALUE = 2**32


class Item(NamedTuple):
    """kind: export.BLOCK (secret: the key of the block of records from `seq` on) or export.SUM
    (total and secret: the sums of values and of blindings of so many `records` from `seq` on)."""

    kind: int
    channel: int
    records: int
    seq: int
    total: int
    secret: bytes

    @classmethod
    def all_of(cls, data: bytes) -> list[Item]:
        """Raises Malformed `export-item`."""
        if not data or len(data) % export.ITEM_BYTES:
            raise Malformed("export-item")
        return [
            cls(*export.decode_item(data[at : at + export.ITEM_BYTES]))
            for at in range(0, len(data), export.ITEM_BYTES)
        ]


class Opened(NamedTuple):
    """The value of a channel over the records first .. first + records - 1, and of how many of
    them with a reading it is the sum; blinding: the sum of theirs."""

    channel: int
    first: int
    records: int
    readings: int
    start_s: int
    end_s: int
    value: int
    blinding: int


class Checked(NamedTuple):
    """records: of the whole stretch, verified; opened: in order of time and channel."""

    records: tuple[Record, ...]
    opened: tuple[Opened, ...]

    def agrees(self, meter: Enrolment) -> None:
        """Raises Refused `export-unit` where what the meter's port or a relay says of its unit and
        channels, which nobody signed, is not what the sealed records say."""
        if not meter.is_as_sealed(self.records[0]):
            raise Refused("export-unit")


def check(
    items: Sequence[Item],
    sealed: Sequence[bytes],
    key: bytes,
    start_s: int,
    end_s: int,
    granularity_s: int,
    interval_s: int,
) -> Checked:
    """The items' openings, each checked against the sealed records.

    sealed: consecutive records, at least from the first to the last that an item names. key: the
    meter's. Raises Refused `chain-…`, `export-scope` (something that was not asked for),
    `export-records` (an item of other records), `export-twice`, `export-empty`, `export-opening`.
    """
    records = verified(sealed, key, interval_s)
    first = records[0].seq
    found: list[Opened] = []
    points: list[list[Point]] = []
    seen: set[tuple[int, int]] = set()
    for item in items:
        if item.kind == export.SUM and _is_nothing(item, records):
            continue
        part = records[max(0, item.seq - first) : max(0, item.seq - first + item.records)]
        if len(part) != item.records or not part or part[0].seq != item.seq:
            raise Refused("export-records", f"record {item.seq}")
        for record in part:
            if not start_s <= record.start_s < end_s:
                raise Refused("export-scope", f"record {record.seq}")
        if item.kind == export.BLOCK:
            if granularity_s or item.seq % keytree.BLOCK_RECORDS:
                raise Refused("export-scope", f"block of record {item.seq}")
            opened = [one for record in part for one in _of_block(record, item.secret)]
        else:
            opened = [_of_sum(part, item)]
        for one in opened:
            for seq in range(one.first, one.first + one.records):
                if (seq, one.channel) in seen:
                    raise Refused("export-twice", f"record {seq}")
                seen.add((seq, one.channel))
            within = records[one.first - first : one.first - first + one.records]
            points.append(_commitments(within, one.channel))
        found += opened
    if not found:
        raise Refused("export-empty")
    _check_sums(points, found)
    return Checked(records, tuple(sorted(found, key=lambda one: (one.start_s, one.channel))))


def verified(sealed: Sequence[bytes], key: bytes, interval_s: int) -> tuple[Record, ...]:
    """Consecutive records, by their links and the meter's signature on the last. Raises Refused
    `export-records` for none or too many, `chain-…`; Malformed `record-…`."""
    if not 0 < len(sealed) <= MAX_RECORDS:
        raise Refused("export-records", "none, or too many")
    records = [decode_sealed(data) for data in sealed]
    first, signature = records[0], records[-1].signature
    assert signature is not None  # decode_sealed has it
    chain = chain_before(first, key, interval_s)
    return tuple(verify_stretch([record.body for record in records], signature, chain))


def _is_nothing(item: Item, records: Sequence[Record]) -> bool:
    """A sum over a granule in which no reading begins; Refused `export-opening` if it is of any
    amount all the same."""
    at = item.seq - records[0].seq
    if at < 0 or any(record.channels for record in records[at : at + item.records]):
        return False
    if at + item.records > len(records):
        return False
    if item.total or any(item.secret):
        raise Refused("export-opening", f"record {item.seq}")
    return True


def _of_block(record: Record, key: bytes) -> list[Opened]:
    found = []
    for channel, (_, cipher) in enumerate(record.channels):
        place = (record.meter, record.boot, record.seq, channel)
        value, _ = unmask_reading(cipher, keytree.pad(key, *place))
        blinding = keytree.blinding(key, *place)
        found.append(
            Opened(channel, record.seq, 1, 1, record.start_s, record.end_s, value, blinding)
        )
    return found


def _of_sum(part: Sequence[Record], item: Item) -> Opened:
    whole = [record for record in part if item.channel < len(record.channels)]
    blinding = int.from_bytes(item.secret, "big")
    if not whole or blinding >= N or item.total >= MAX_VALUE * len(whole):
        raise Refused("export-opening", f"record {item.seq}")
    return Opened(
        item.channel, item.seq, item.records, len(whole), whole[0].start_s, whole[-1].end_s,
        item.total, blinding,
    )  # fmt: skip


def _commitments(part: Sequence[Record], channel: int) -> list[Point]:
    return [
        decode_commitment(record.channels[channel][0], find_hint(record.channels[channel][0]))
        for record in part
        if record.channels
    ]


def _check_sums(points: Sequence[Sequence[Point]], opened: Sequence[Opened]) -> None:
    """All at once, each weighted with 128 fresh random bits: a false one passes once in 2^128."""
    weights = [1 + secrets.randbits(128) for _ in opened]
    everything = [point for run in points for point in run]
    spread = [weight for run, weight in zip(points, weights, strict=True) for _ in run]
    value = sum(weight * one.value for weight, one in zip(weights, opened, strict=True))
    blinding = sum(weight * one.blinding for weight, one in zip(weights, opened, strict=True))
    if weighted_sum(everything, spread) != commitment_to(value, blinding):
        raise Refused("export-opening")
