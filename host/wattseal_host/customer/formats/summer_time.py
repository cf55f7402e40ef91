"""Local time as Green Button has it: an offset, and two rules for when summer time begins and ends.

A rule is 32 bits: seconds of the hour (0-11), hour (12-16), weekday (17-19, Monday 1), day of the
month (20-24), operator (25-27), month (28-31), in local time as the clock shows it before the
change. Operators: 0 on the day of the month, 1 on the weekday on or after it, 2 to 6 on the first
to fifth weekday of the month, 7 on the last.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wattseal.errors import Refused

NO_RULE = 0xFFFFFFFF
DAY_S = 86400
YEARS_AHEAD = 10  # which rule a date follows shows in the years after it


@dataclass(frozen=True)
class LocalRules:
    """offset_s: of standard time; summer_s: what summer time adds; begins, ends: the rules, or
    NO_RULE twice."""

    offset_s: int
    summer_s: int
    begins: int
    ends: int


@dataclass(frozen=True)
class _Change:
    """local: the clock's time before; gain_s: what is added to the offset."""

    local: datetime
    before_s: int
    gain_s: int


def rules_of(zone: ZoneInfo, from_s: int, to_s: int) -> LocalRules:
    """The rules that give this zone's time in every year of from_s..to_s.

    Raises Refused `format-zone` where no two rules do.
    """
    first = datetime.fromtimestamp(from_s, zone).year
    last = datetime.fromtimestamp(to_s - 1, zone).year
    years = {year: list(_changes(zone, year)) for year in range(first, last + YEARS_AHEAD + 1)}
    wanted = [years[year] for year in range(first, last + 1)]
    if not any(wanted):
        return LocalRules(_offset_s(zone, from_s), 0, NO_RULE, NO_RULE)
    later = [years[year] for year in range(last + 1, last + YEARS_AHEAD + 1)]
    ups = [change for change in wanted[0] if change.gain_s > 0]
    downs = [change for change in wanted[0] if change.gain_s < 0]
    same = len(ups) == len(downs) == 1 and ups[0].gain_s == -downs[0].gain_s
    if not same or any(
        {c.gain_s for c in year} != {c.gain_s for c in wanted[0]} for year in wanted
    ):
        raise _refused(zone)
    chosen = []
    for at, change in enumerate((ups[0], downs[0])):
        sign = 1 - 2 * at
        column = [[c.local for c in year if c.gain_s * sign > 0] for year in wanted]
        ahead = [[c.local for c in year if c.gain_s * sign > 0] for year in later]
        fitting = [rule for rule in _rules(change.local) if _fits(rule, column) == len(column)]
        if not fitting:
            raise _refused(zone)
        chosen.append(max(fitting, key=lambda rule: _fits(rule, ahead)))
    return LocalRules(ups[0].before_s, ups[0].gain_s, *chosen)


def moment(rule: int, year: int) -> datetime:
    """The local time a rule names in a year; the month's end where it has no such weekday."""
    month, operator = rule >> 28, rule >> 25 & 7
    day, weekday = rule >> 20 & 31, (rule >> 17 & 7) - 1
    most = monthrange(year, month)[1]
    if operator == 7:
        day = most - (monthrange(year, month)[0] + most - 1 - weekday) % 7
    elif operator:
        least = day if operator == 1 else 7 * (operator - 2) + 1
        day = least + (weekday - datetime(year, month, least).weekday()) % 7
    clock = timedelta(hours=rule >> 12 & 31, seconds=rule & 0xFFF)
    return datetime(year, month, min(day, most)) + clock


def _rules(local: datetime) -> Iterator[int]:
    """Every rule that could name this time, the likeliest first."""
    clock = local.month << 28 | local.hour << 12 | local.minute * 60 + local.second
    weekday = local.isoweekday() << 17
    yield clock | 7 << 25 | weekday
    yield clock | ((local.day - 1) // 7 + 2) << 25 | weekday
    for day in range(max(1, local.day - 6), local.day + 1):
        yield clock | 1 << 25 | day << 20 | weekday
    yield clock | local.day << 20


def _fits(rule: int, years: list[list[datetime]]) -> int:
    """In how many years it names the one change there is."""
    return sum(len(year) == 1 and moment(rule, year[0].year) == year[0] for year in years)


def _changes(zone: ZoneInfo, year: int) -> Iterator[_Change]:
    at_s = int(datetime(year, 1, 1, tzinfo=zone).timestamp())
    end_s = int(datetime(year + 1, 1, 1, tzinfo=zone).timestamp())
    while at_s < end_s:
        step_s = min(DAY_S, end_s - at_s)
        before_s, after_s = _offset_s(zone, at_s), _offset_s(zone, at_s + step_s)
        if before_s != after_s:
            low_s, high_s = at_s, at_s + step_s
            while high_s - low_s > 1:
                middle_s = (low_s + high_s) // 2
                if _offset_s(zone, middle_s) == before_s:
                    low_s = middle_s
                else:
                    high_s = middle_s
            local = datetime.fromtimestamp(high_s + before_s, UTC).replace(tzinfo=None)
            yield _Change(local, before_s, after_s - before_s)
        at_s += step_s


def _offset_s(zone: ZoneInfo, at_s: int) -> int:
    offset = datetime.fromtimestamp(at_s, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _refused(zone: ZoneInfo) -> Refused:
    return Refused("format-zone", f"{zone.key} keeps no summer time by one rule in these years")
