"""Time stamps of data files: local wall-clock time, with the hours that come twice or never.

A stamp with a UTC offset says its moment itself. One without is local time of a named zone:
a local hour that comes twice (autumn) may be listed twice, in the order it came, or once, and
then stands for both; one that never comes (spring) must not be listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from wattseal.errors import Misuse


def find_zone(name: str) -> ZoneInfo:
    """An IANA zone; Misuse `zone-unknown`."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise Misuse("zone-unknown", name) from error


def read_stamp(text: str) -> datetime:
    """A date, or a date and time in whole seconds, of 1971 to 2105, in ISO 8601; Misuse `stamp`."""
    try:
        stamp = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Misuse("stamp", f"{text[:40]!r} is no ISO 8601 date or time") from error
    if not 1971 <= stamp.year <= 2105 or stamp.microsecond:
        raise Misuse("stamp", f"{text[:40]!r} is no whole second of 1971 to 2105")
    return stamp


def moments(stamps: Sequence[datetime], zone: ZoneInfo) -> list[tuple[int, ...]]:
    """The UTC seconds each stamp stands for: one moment, or two (see the module).

    Raises Misuse `stamp` unless they ascend in time: with the number of the first that doesn't,
    is listed too often, or never comes in this zone. Numbers count from 1.
    """
    listed = Counter(stamp for stamp in stamps if stamp.tzinfo is None)
    seen: Counter[datetime] = Counter()
    found: list[tuple[int, ...]] = []
    for number, stamp in enumerate(stamps, 1):
        candidates = _candidates(stamp, zone)
        if not candidates:
            raise Misuse("stamp", f"row {number}: {stamp} never comes in {zone.key}")
        if stamp.tzinfo is None and listed[stamp] > 1:
            seen[stamp] += 1
            if seen[stamp] > len(candidates):
                raise Misuse("stamp", f"row {number}: {stamp} is listed too often")
            candidates = candidates[seen[stamp] - 1 :][:1]
        found.append(candidates)
    for number, (before, after) in enumerate(pairwise(found), 2):
        if before[0] >= after[0]:
            raise Misuse("stamp", f"row {number}: {stamps[number - 1]} is out of order")
    return found


def local_text(at_s: int, zone: ZoneInfo) -> str:
    """ "2023-10-29 02:30 +01:00"."""
    return datetime.fromtimestamp(at_s, zone).isoformat(" ", "minutes").replace("+", " +", 1)


def _candidates(stamp: datetime, zone: ZoneInfo) -> tuple[int, ...]:
    if stamp.tzinfo is not None:
        return (int(stamp.timestamp()),)
    found = []
    for fold in (0, 1):
        at_s = int(stamp.replace(tzinfo=zone, fold=fold).timestamp())
        if datetime.fromtimestamp(at_s, UTC).astimezone(zone).replace(tzinfo=None) == stamp:
            found.append(at_s)
    return tuple(sorted(set(found)))
