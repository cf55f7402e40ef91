"""What the demo's household draws, and when: a load's own dates or new ones, in local time."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from wattseal.errors import Misuse
from wattseal_hil.loads import Load, ProfileLoad, SlotLoad

from wattseal_host.decimals import read_decimal
from wattseal_host.files import read_bounded
from wattseal_host.localstamps import local_text, moments, read_stamp

PROFILE_START = "2026-01-01"


@dataclass(frozen=True)
class Draw:
    """A load and the period from_s..to_s to bill, whole local days long."""

    load: Load
    from_s: int
    to_s: int


def plan(path: Path | None, start: str | None, days: int, zone: ZoneInfo) -> Draw:
    """The load of a CSV (start,kwh), or the standard profile from 2026 on, for `days` local days.

    Starts are local time of the zone. With `start` the CSV's slots follow each other from that
    local date on, whatever their own dates. Raises Misuse `load-csv`, `load-gap`, `load-short`,
    `start`; LoadError `load-range`; Unusable `file-*`.
    """
    if path is None:
        from_s = _local(PROFILE_START if start is None else start, zone)
        return Draw(ProfileLoad(), from_s, _days_later(from_s, days, zone))
    stamps, energies_wh = _read(path)
    if start is None:
        found = moments(stamps, zone)
        if any(len(both) == 2 for both in found):
            raise Misuse("load-gap", f"{path}: an hour that comes twice is listed once")
        starts = [at_s for (at_s, *_) in found]
    else:
        first, from_s = stamps[0], _local(start, zone)
        starts = [from_s + int((stamp - first).total_seconds()) for stamp in stamps]
    slot_s = starts[1] - starts[0]
    for number, at_s in enumerate(starts):
        if slot_s <= 0 or at_s != starts[0] + number * slot_s:
            raise Misuse("load-gap", f"{path}: row {number + 1} breaks the slots' grid")
    load = SlotLoad(starts[0], slot_s, energies_wh)
    to_s = _days_later(starts[0], days, zone)
    if to_s > load.end_s:
        raise Misuse("load-short", f"{path} ends {local_text(load.end_s, zone)}")
    return Draw(load, starts[0], to_s)


def _read(path: Path) -> tuple[list[datetime], list[float]]:
    try:
        reader = csv.reader(io.StringIO(read_bounded(path).decode("utf-8-sig")))
        if next(reader, None) != ["start", "kwh"]:
            raise Misuse("load-csv", f"{path}: the header must be 'start,kwh'")
        rows = [row for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misuse("load-csv", f"{path}: {error}") from error
    stamps, energies_wh = [], []
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise Misuse("load-csv", f"{path}: row {number} has not two fields")
        try:
            stamps.append(read_stamp(row[0]))
            energies_wh.append(float(read_decimal(row[1])) * 1000)
        except Misuse as error:
            raise Misuse("load-csv", f"{path}: row {number}: {error.detail}") from error
    if len(stamps) < 2 or len({stamp.tzinfo is None for stamp in stamps}) == 2:
        raise Misuse("load-csv", f"{path}: two rows at least, and all with a UTC offset or none")
    return stamps, energies_wh


def _local(text: str, zone: ZoneInfo) -> int:
    try:
        moment = read_stamp(text)
    except Misuse as error:
        raise Misuse("start", error.detail) from error
    if moment.year > 2090:
        raise Misuse("start", f"{text[:40]} is too late")
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _days_later(from_s: int, days: int, zone: ZoneInfo) -> int:
    """The same local time of day so many days later: 23 or 25 hours are one day."""
    local = datetime.fromtimestamp(from_s, UTC).astimezone(zone).replace(tzinfo=None)
    return int((local + timedelta(days=days)).replace(tzinfo=zone).timestamp())
