"""A table for spreadsheets: one row a record (FORMATS.md 16.1)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from wattseal_host.customer.formats.gather import Gathered

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_table(gathered: Gathered, zone: ZoneInfo) -> bytes:
    """UTF-8, comma and CR LF as RFC 4180 has it. Energy in kWh, another measure as it is."""
    channels = gathered.enrolment.channels
    energy = gathered.enrolment.unit.name == "Wh"
    measure = "kWh" if energy else gathered.enrolment.unit.name
    text = io.StringIO()
    writer = csv.writer(text)
    heading = ["start_utc", "end_utc", "start_local", "end_local", "seconds"]
    heading += [f"{channel}_{measure}" for channel in channels]
    writer.writerow(map(safe, [*heading, "flags"]))
    for readings in gathered.records():
        start_s, end_s = readings[0].start_s, readings[0].end_s
        values = [reading.value.scaleb(-3) if energy else reading.value for reading in readings]
        flags = sorted({flag for reading in readings for flag in reading.flags})
        row = [_utc(start_s), _utc(end_s), _local(start_s, zone), _local(end_s, zone)]
        row += [str(end_s - start_s), *(f"{value:f}" for value in map(_plain, values))]
        writer.writerow(map(safe, [*row, " ".join(flags)]))
    return text.getvalue().encode("utf-8")


def safe(cell: str) -> str:
    """A cell no spreadsheet takes for a formula: text after an apostrophe if it looks like one."""
    return f"'{cell}" if cell.startswith(_RISKY) else cell


def _plain(value: Decimal) -> Decimal:
    """Without zeros at its end that say nothing of how it was measured."""
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _local(at_s: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_s, zone).isoformat()
