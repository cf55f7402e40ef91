"""Prices from a CSV file: first column the slot's start, last column a price; a header line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from wattseal.errors import Misuse

from wattseal_host.decimals import NUMBER, read_decimal
from wattseal_host.files import read_bounded
from wattseal_host.localstamps import find_zone, local_text, moments, read_stamp

MAX_ROWS = 400_000


@dataclass(frozen=True)
class PriceList:
    """prices: start of a slot in UTC seconds -> price as written; slot_s: length of each slot."""

    zone: ZoneInfo
    slot_s: int
    prices: dict[int, Decimal]

    @classmethod
    def load(cls, path: Path, zone_name: str) -> PriceList:
        """Starts without an offset are local time of the zone, see `localstamps`.

        Every slot is as long as the shortest distance of two starts. Raises Misuse `prices-csv`
        with the line, `stamp`, `zone-unknown`; Unusable `file-*`.
        """
        zone = find_zone(zone_name)
        stamps, prices = [], []
        for line, row in _rows(path):
            if len(row) < 2:
                raise Misuse("prices-csv", f"{path} line {line}: a start and a price are needed")
            try:
                stamps.append(read_stamp(row[0]))
                prices.append(read_decimal(row[-1]))
            except Misuse as error:
                raise Misuse("prices-csv", f"{path} line {line}: {error.detail}") from error
        if len(stamps) < 2:
            raise Misuse("prices-csv", f"{path}: two rows at least are needed")
        if len({stamp.tzinfo is None for stamp in stamps}) == 2:
            raise Misuse("prices-csv", f"{path}: some starts have a UTC offset, others none")
        table = {
            at_s: price
            for starts, price in zip(moments(stamps, zone), prices, strict=True)
            for at_s in starts
        }
        starts = sorted(table)
        slot_s = min(after - before for before, after in pairwise(starts))
        for at_s in starts:
            if (at_s - starts[0]) % slot_s:
                where = local_text(at_s, zone)
                raise Misuse("prices-csv", f"{where} is off the grid of {slot_s} s slots")
        return cls(zone, slot_s, table)

    def series(self, from_s: int, to_s: int) -> tuple[int, list[Decimal]]:
        """(start of the first, prices) of the slots that meet from_s..to_s; others may lack.

        Raises Misuse `prices-gap` with the first slot that is not listed.
        """
        first_s = from_s - (from_s - min(self.prices)) % self.slot_s
        found = []
        for at_s in range(first_s, to_s, self.slot_s):
            if at_s not in self.prices:
                raise Misuse("prices-gap", f"no price from {local_text(at_s, self.zone)} on")
            found.append(self.prices[at_s])
        return first_s, found


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) below the header."""
    try:
        text = read_bounded(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Misuse("prices-csv", f"{path} is not UTF-8") from error
    reader = csv.reader(io.StringIO(text))
    try:
        header = next(reader, [])
        if header and NUMBER.fullmatch(header[-1].strip()):
            raise Misuse("prices-csv", f"{path} has no header line")
        for row in reader:
            if reader.line_num > MAX_ROWS:
                raise Misuse("prices-csv", f"{path}: more than {MAX_ROWS} lines")
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise Misuse("prices-csv", f"{path} line {reader.line_num}: {error}") from error
