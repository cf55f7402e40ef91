"""What the portal makes of the readings: totals of days, the base load, one piece of advice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from wattseal.errors import Refused

from wattseal_host.documents import Enrolment
from wattseal_host.portal.handed import Handed
from wattseal_host.report.localtime import LocalTime, day_text
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.scene import READING_BITS
from wattseal_host.tariff.weights import weigh

LOWEST_SHARE = 10  # of a hundred: the quietest tenth of the time is the base load
MUCH_BASE = 40  # of a hundred of all energy
SAVED_W = 10


@dataclass(frozen=True)
class Day:
    """name: as written on a page; energy_wh: of the part of that local day handed over."""

    name: str
    energy_wh: float


@dataclass(frozen=True)
class Analysis:
    """curve: (start_s, end_s, mean W) of each record."""

    curve: Sequence[tuple[int, int, float]]
    days: Sequence[Day]
    total_wh: float
    base_w: float
    peak_w: float
    advice: str


@dataclass(frozen=True)
class Cost:
    tariff: str
    text: str


class Readings(Protocol):
    """What is analysed: spans of the records, and a channel's readings in the same order."""

    @property
    def enrolment(self) -> Enrolment: ...

    @property
    def spans(self) -> Sequence[tuple[int, int]]: ...

    def column(self, channel: str = "import") -> list[int]: ...


def analyse(handed: Readings, local: LocalTime) -> Analysis:
    """Imported energy only; there is at least one record."""
    unit_wh = 10.0**handed.enrolment.unit.exponent
    column = handed.column()
    curve: list[tuple[int, int, float]] = []
    totals: dict[int, float] = defaultdict(float)
    hours: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for (start_s, end_s), value in zip(handed.spans, column, strict=True):
        energy_wh = value * unit_wh
        curve.append((start_s, end_s, energy_wh * 3600 / (end_s - start_s)))
        for piece in local.pieces(start_s, end_s):
            part_wh = energy_wh * piece.length_s / (end_s - start_s)
            totals[piece.day] += part_wh
            hour = hours[piece.clock_s // 3600]
            hour[0] += part_wh
            hour[1] += piece.length_s
    total_wh = sum(column) * unit_wh
    covered_s = sum(end_s - start_s for start_s, end_s, _ in curve)
    base_w = base_load(curve)
    base_wh = base_w * covered_s / 3600
    busiest = max(hours, key=lambda h: hours[h][0] / hours[h][1])
    busiest_w = hours[busiest][0] * 3600 / hours[busiest][1]
    return Analysis(
        curve,
        [Day(day_text(day, year=True), energy) for day, energy in sorted(totals.items())],
        total_wh,
        base_w,
        max(power for *_, power in curve),
        _advice(total_wh, base_w, base_wh, busiest, busiest_w),
    )


def base_load(curve: Sequence[tuple[int, int, float]]) -> float:
    """Mean power over the quietest tenth of the time, in W."""
    wanted_s = sum(end_s - start_s for start_s, end_s, _ in curve) / (100 / LOWEST_SHARE)
    left_s, energy = wanted_s, 0.0
    for start_s, end_s, power in sorted(curve, key=lambda step: step[2]):
        taken_s = min(left_s, end_s - start_s)
        energy += power * taken_s
        left_s -= taken_s
        if left_s <= 0:
            break
    return energy / wanted_s


def _advice(total_wh: float, base_w: float, base_wh: float, hour: int, hour_w: float) -> str:
    if not total_wh:
        return "Nothing was used in this period, so there is nothing to save."
    share = round(100 * base_wh / total_wh)
    if share >= MUCH_BASE:
        year_kwh = SAVED_W * 8.76
        return (
            f"{share} % of your energy is base load: {base_w:.0f} W, day and night. Look for what "
            f"is never switched off; each {SAVED_W} W less saves {year_kwh:.0f} kWh a year."
        )
    return (
        f"Your use is highest between {hour:02d}:00 and {(hour + 1) % 24:02d}:00, "
        f"{hour_w:.0f} W on average against a base load of {base_w:.0f} W. What can wait is worth "
        "most when it leaves that hour."
    )


def cost(handed: Handed, tariff: Tariff) -> Cost:
    """What the period costs under a tariff, rounded as the tariff says. Raises Refused where it
    does not price the meter or the period, `tariff-granularity` where it needs finer readings."""
    channels = handed.enrolment.channels
    columns = {name: handed.column(name) for name in channels}
    every = [columns[name][at] for at in range(len(handed.spans)) for name in channels]
    weights = _over_runs(handed, tariff, weigh(tariff, handed.records, channels))
    fee = sum(weight * value for weight, value in zip(weights, every, strict=True))
    scene = tariff.scene(handed.enrolment, handed.spans, READING_BITS[-1], columns)
    amount = tariff.rounding.apply(tariff.exact_minor(fee, scene))
    digits = tariff.currency.minor_digits
    major = Fraction(amount, 10**digits)
    return Cost(tariff.name, f"{float(major):.{digits}f} {tariff.currency.code}")


def _over_runs(handed: Handed, tariff: Tariff, weights: Sequence[int]) -> list[int]:
    """One weight for each sum: that of all the readings in it."""
    width, at = len(handed.enrolment.channels), 0
    found: list[int] = []
    for run in handed.runs:
        for channel in range(width):
            same = set(weights[at + channel : at + run * width : width])
            if len(same) != 1 or (run > 1 and not tariff.is_linear):
                raise Refused("tariff-granularity")
            found += same
        at += run * width
    return found
