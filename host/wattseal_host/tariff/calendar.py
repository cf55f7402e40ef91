"""Time-of-use calendars: price bands by season, kind of day and local time of day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.steps import MAX_PRICE, Steps
from wattseal_host.tariff.zone import DAY_S, Zone
from wattseal_host.units import CHANNELS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-([0-2][0-9]|3[01])")
MAX_BANDS = 24
MAX_SWITCHES = 96
MAX_SEASONS = 24

Switches = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Season:
    """From (month, day) on, every year: for each of `DAYS`, (local second, band) ascending."""

    begins: tuple[int, int]
    days: dict[str, Switches]


@dataclass(frozen=True)
class Calendar:
    """A part of type "time-of-use": a price for each band, and when which band holds."""

    name: str
    channel: str
    bands: dict[str, int]
    seasons: tuple[Season, ...]

    @classmethod
    def read(cls, fields: Fields) -> Calendar:
        """From the part's fields (their names checked by the caller)."""
        bands = dict(fields.each("bands", MAX_BANDS, _read_band, least=1))
        if len(bands) != len(fields.items("bands", MAX_BANDS)):
            raise malformed(fields.where("bands"))
        seasons = tuple(fields.each("seasons", MAX_SEASONS, read_season, least=1))
        begins = [season.begins for season in seasons]
        if sorted(set(begins)) != begins:
            raise malformed(fields.where("seasons"))
        used = {band for s in seasons for switches in s.days.values() for _, band in switches}
        if used != set(bands):
            raise malformed(fields.where("seasons"))
        return cls(fields.text("name", 40), fields.choice("channel", CHANNELS), bands, seasons)

    def switches(self, day: date, holidays: frozenset[date]) -> Switches:
        """The bands of one local day. A season before the year's first is the last one's."""
        season = self.seasons[-1]
        for candidate in self.seasons:
            if candidate.begins <= (day.month, day.day):
                season = candidate
        return season.days["holiday" if day in holidays else DAYS[day.weekday()]]

    def steps(self, zone: Zone, holidays: frozenset[date], to_s: int) -> Steps:
        """The prices over the zone's whole time, to to_s.

        Each stretch of one UTC offset is walked by itself, so that a local hour that comes
        twice is billed twice by the same bands and one that is skipped not at all.
        """
        result: list[tuple[int, int]] = []
        for start_s, end_s, offset_s in zone.spans(to_s):
            local_s = start_s + offset_s
            midnight_s = local_s - local_s % DAY_S
            while midnight_s - offset_s < end_s:
                day = datetime.fromtimestamp(midnight_s, UTC).date()
                for second, band in self.switches(day, holidays):
                    at_s = midnight_s + second - offset_s
                    if at_s < end_s:
                        step = (max(at_s, start_s), self.bands[band])
                        if result and result[-1][0] == step[0]:
                            result.pop()
                        result.append(step)
                midnight_s += DAY_S
        return Steps.make(result)

    def most_steps(self, days: int) -> int:
        return days * max(len(day) for season in self.seasons for day in season.days.values())


def _read_band(value: Any, where: str) -> tuple[str, int]:
    fields = Fields(value, where, {"name", "price"})
    return fields.text("name", 40), fields.integer("price", -MAX_PRICE, MAX_PRICE)


def read_season(value: Any, where: str) -> Season:
    fields = Fields(value, where, {"begins", "days"})
    match = MONTH_DAY.fullmatch(fields.text("begins", 5))
    if not match:
        raise malformed(fields.where("begins"))
    begins = int(match[1]), int(match[2])
    try:
        date(2000, *begins)
    except ValueError as error:
        raise malformed(fields.where("begins")) from error
    days: dict[str, Switches] = {}
    for on, switches in fields.each("days", len(DAYS), _read_days, least=1):
        for day in on:
            if day in days:
                raise malformed(fields.where("days"))
            days[day] = switches
    if len(days) != len(DAYS):
        raise malformed(fields.where("days"))
    return Season(begins, days)


def _read_days(value: Any, where: str) -> tuple[list[str], Switches]:
    fields = Fields(value, where, {"on", "switches"})
    on = fields.items("on", len(DAYS), 1)
    if any(type(day) is not str or day not in DAYS for day in on):
        raise malformed(fields.where("on"))
    switches = tuple(fields.each("switches", MAX_SWITCHES, _read_switch, least=1))
    seconds = [second for second, _ in switches]
    if seconds[0] != 0 or sorted(set(seconds)) != seconds:
        raise malformed(fields.where("switches"))
    return on, switches


def _read_switch(value: Any, where: str) -> tuple[int, str]:
    fields = Fields(value, where, {"at", "band"})
    match = CLOCK.fullmatch(fields.text("at", 5))
    if not match:
        raise malformed(fields.where("at"))
    at = timedelta(hours=int(match[1]), minutes=int(match[2]))
    return int(at.total_seconds()), fields.text("band", 40)
