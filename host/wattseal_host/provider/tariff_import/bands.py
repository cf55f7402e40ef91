"""Two-band offers as small JSON files: bands with a rate each, hours of the day, a daily charge."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from wattseal.errors import Misuse

from wattseal_host.localstamps import find_zone
from wattseal_host.provider.tariff_import.reading import Object, refuse
from wattseal_host.provider.tariffs import Draft

_SILENT = (
    "id schemaVersion country distributor provider plan source sourceUrl license updated "
    "verified notes coverage"
)
SILENT = frozenset(_SILENT.split())
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
DAYS = {
    "all": ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"],
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "weekend": ["sat", "sun", "holiday"],
}
DAY_MINUTES = 1440


def add(draft: Draft, value: Any) -> None:
    """Raises Malformed `import-field`; Misuse `import-validity` before the offer begins, or in
    another zone or currency than its own."""
    both = Object(value, "")
    meta = Object(both.take("meta"), "meta", SILENT)
    offer = Object(both.take("tariff"), "tariff")
    both.done()
    zone, currency = meta.text("timezone"), meta.text("currency")
    if (zone, currency) != (draft.zone, draft.currency):
        raise Misuse("import-validity", f"the offer is in {currency}, {zone} time")
    if meta.text("unit") != "kWh":
        raise refuse("meta.unit", "prices per kWh are needed")
    meta.done()
    if offer.text("kind") != "tou":
        raise refuse("tariff.kind", "tou is imported")
    _check_date(offer.take("validFrom"), "validFrom", draft, find_zone(zone))
    energy = Object(offer.take("import"), "tariff.import")
    bands = _bands(energy.list("bands"))
    hours = _hours(energy.list("schedule"), set(bands))
    energy.done()
    draft.parts.append(
        {
            "type": "time-of-use",
            "name": "energy",
            "channel": "import",
            "bands": [{"name": name, "price": price} for name, price in bands.items()],
            "seasons": [{"begins": "01-01", "days": hours}],
        }
    )
    if offer.has("supply"):
        supply = Object(offer.take("supply"), "tariff.supply")
        if supply.has("daily"):
            draft.standing("daily charge", supply.number("daily"), "day")
        if supply.has("monthly"):
            draft.standing("monthly charge", supply.number("monthly"), "month")
        supply.done()
    offer.done()


def _check_date(value: Any, name: str, draft: Draft, zone: ZoneInfo) -> None:
    if value is None:
        return
    try:
        begin = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=zone)
    except (TypeError, ValueError) as error:
        raise refuse(f"tariff.{name}", "a date is needed") from error
    if draft.from_s < begin.timestamp():
        raise Misuse("import-validity", f"the offer holds from {value} on")


def _bands(values: list[Any]) -> dict[str, Decimal]:
    bands: dict[str, Decimal] = {}
    for at, value in enumerate(values):
        band = Object(value, f"tariff.import.bands[{at}]", frozenset({"name", "role"}))
        name = band.text("id")
        if name in bands:
            raise refuse(band.path("id"), "twice")
        bands[name] = band.number("rate")
        band.done()
    return bands


def _hours(values: list[Any], bands: set[str]) -> list[dict[str, Any]]:
    """Days with their switches; every minute of every day is in exactly one band."""
    minutes: dict[str, list[str | None]] = {}
    for at, value in enumerate(values):
        rule = Object(value, f"tariff.import.schedule[{at}]")
        days, band = rule.text("days"), rule.text("band")
        begin, end = (_minute(rule.text(name), rule.path(name)) for name in ("from", "to"))
        rule.done()
        if days not in DAYS or band not in bands:
            raise refuse(rule.where, "days are all, weekdays or weekend; a band of the list")
        if days != "all" and end <= begin and end != 0:
            raise refuse(rule.where, "a night that is not every day's")
        for day in DAYS[days]:
            row = minutes.setdefault(day, [None] * DAY_MINUTES)
            for minute in range(begin, end if end > begin else end + DAY_MINUTES):
                if row[minute % DAY_MINUTES] is not None:
                    raise refuse(rule.where, "hours that are in a band already")
                row[minute % DAY_MINUTES] = band
    result: list[dict[str, Any]] = []
    for day in DAYS["all"]:
        row = minutes.get(day, [None])
        if None in row:
            raise refuse("tariff.import.schedule", f"hours of {day} without a band")
        switches = [
            {"at": f"{m // 60:02d}:{m % 60:02d}", "band": row[m]}
            for m in range(DAY_MINUTES)
            if not m or row[m] != row[m - 1]
        ]
        same = next((one for one in result if one["switches"] == switches), None)
        if same:
            same["on"].append(day)
        else:
            result.append({"on": [day], "switches": switches})
    return result


def _minute(text: str, where: str) -> int:
    match = CLOCK.fullmatch("00:00" if text == "24:00" else text)
    if not match:
        raise refuse(where, "a time as 22:00 is needed")
    return 60 * int(match[1]) + int(match[2])
