"""Published households and prices for host tests, read by `csv` and `decimal` alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from sealed_house import INTERVAL_S, SealingMeter
from wattseal_host.decimals import read_decimal
from wattseal_host.provider.price_csv import PriceList
from wattseal_host.provider.tariffs import Draft
from wattseal_host.tariff import Tariff

HOUSEHOLDS = (
    "lcl_MAC000060_2013-06_07.csv",
    "lcl_MAC000002_2013-06_07.csv",
    "ukdale_house2_2013-06_07.csv",
    "sgsc_10006704_2013-06_07.csv",
)
DAY_S = 86400


def household(data_dir: Path, name: str) -> list[int]:
    """Watt-hours of each half-hour, rounded as a meter with whole units would carry them."""
    readings, carried = [], Decimal(0)
    with open(data_dir / "households" / name, newline="") as file:
        for row in csv.DictReader(file):
            carried += Decimal(row["kwh"]) * 1000
            readings.append(int(carried))
            carried -= int(carried)
    return readings


def sealed(name: str, readings: list[int], from_s: int) -> SealingMeter:
    meter = SealingMeter(name).origin(from_s)
    for reading in readings:
        meter.reading(reading)
    return meter


@dataclass
class Case:
    """A price file as a tariff, and the same from its own text: energy_at(UTC seconds) is the
    price of a kWh in major units, fixed what is added to the period's energy."""

    tariff: Tariff
    from_s: int
    to_s: int
    energy_at: Callable[[int], Decimal]
    fixed: Decimal = Decimal(0)

    @property
    def slots(self) -> int:
        return (self.to_s - self.from_s) // INTERVAL_S

    def amount(self, readings: list[int]) -> str:
        """What the period costs, by `decimal` from the text alone."""
        total = self.fixed
        for i, reading in enumerate(readings[: self.slots]):
            total += Decimal(reading) / 1000 * self.energy_at(self.from_s + i * INTERVAL_S)
        return str(total.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN))


def utc_s(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def dtou_halfhourly(data_dir: Path, scratch: Path) -> Case:
    path = data_dir / "tariffs" / "lcl_dtou_2013-06_07_halfhourly.csv"
    with open(path, newline="") as file:
        pence = {row["start"]: Decimal(row["pence_per_kwh"]) for row in csv.DictReader(file)}
    return _dtou(path, pence)


def dtou_by_day(data_dir: Path, scratch: Path) -> Case:
    """A letter for each half-hour of 2013; the host gets the slots spelled out as a CSV."""
    by_letter = {"H": Decimal("67.20"), "N": Decimal("11.76"), "L": Decimal("3.99")}
    pence: dict[str, Decimal] = {}
    with open(data_dir / "tariffs" / "lcl_dtou_2013_bands_by_day.csv", newline="") as file:
        for row in csv.DictReader(file):
            for i, letter in enumerate(row["bands48"]):
                start = datetime.fromisoformat(row["date"]) + timedelta(minutes=30 * i)
                pence[start.isoformat(" ", "minutes")] = by_letter[letter]
    assert len(pence) == 365 * 48
    path = scratch / "dtou_2013.csv"
    lines = [f"{start},{price}\n" for start, price in pence.items()]
    path.write_text("start,pence\n" + "".join(lines))
    return _dtou(path, pence)


def _dtou(path: Path, pence: dict[str, Decimal]) -> Case:
    from_s, to_s = utc_s("2013-06-01"), utc_s("2013-08-01")
    draft = Draft("dToU", "GBP", from_s, to_s)
    draft.series("energy", PriceList.load(path, "UTC"), minor_units=True)

    def energy_at(at_s: int) -> Decimal:
        start = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M")
        return pence[start] / 100

    return Case(draft.finish(), from_s, to_s, energy_at)


def be_dayahead(data_dir: Path, scratch: Path) -> Case:
    path = data_dir / "tariffs" / "be_dayahead_2023-07_hourly.csv"
    with open(path, newline="") as file:
        euros = {row["start_local"]: Decimal(row["eur_per_kwh"]) for row in csv.DictReader(file)}
    zone = "Europe/Brussels"
    from_s, to_s = utc_s("2023-07-01", zone), utc_s("2023-08-01", zone)
    draft = Draft("day-ahead", "EUR", from_s, to_s, zone)
    draft.series("energy", PriceList.load(path, zone))

    def energy_at(at_s: int) -> Decimal:
        local = datetime.fromtimestamp(at_s, ZoneInfo(zone))
        return euros[local.strftime("%Y-%m-%d %H:00")]

    return Case(draft.finish(), from_s, to_s, energy_at)


def fr_edf(data_dir: Path, scratch: Path) -> Case:
    """March and April 2026: with the 23-hour day of Paris."""
    text = (data_dir / "tariffs" / "fr_edf_tarif_bleu_hphc_6kva.json").read_text()
    offer = json.loads(text, parse_float=Decimal)["tariff"]
    rate = {band["id"]: band["rate"] for band in offer["import"]["bands"]}
    daily = offer["supply"]["daily"]
    assert [s["from"] for s in offer["import"]["schedule"]] == ["22:00", "06:00"]
    zone = "Europe/Paris"
    from_s, to_s = utc_s("2026-03-01", zone), utc_s("2026-05-01", zone)
    draft = Draft("Tarif Bleu", "EUR", from_s, to_s, zone)
    bands = [(name, read_decimal(str(price))) for name, price in rate.items()]
    draft.time_of_use("energy", bands, "00:00 hc, 06:00 hp, 22:00 hc")
    draft.standing("abonnement", daily, "day")

    def energy_at(at_s: int) -> Decimal:
        local = datetime.fromtimestamp(at_s, ZoneInfo(zone))
        return rate["hp" if 6 <= local.hour < 22 else "hc"]

    return Case(draft.finish(), from_s, to_s, energy_at, 61 * daily)


CASES = {
    "lcl_dtou_2013-06_07_halfhourly": dtou_halfhourly,
    "lcl_dtou_2013_bands_by_day": dtou_by_day,
    "be_dayahead_2023-07_hourly": be_dayahead,
    "fr_edf_tarif_bleu_hphc_6kva": fr_edf,
}
