"""A tariff as its customer would read it: one line for each thing it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction

from wattseal_host.tariff.calendar import Calendar, Switches
from wattseal_host.tariff.fixed import Standing
from wattseal_host.tariff.minimum import Minimum
from wattseal_host.tariff.model import Tariff
from wattseal_host.tariff.parts import Flat, Priced
from wattseal_host.tariff.scene import Shaped, Size
from wattseal_host.tariff.series import Series
from wattseal_host.tariff.tax import Tax
from wattseal_host.tariff.when import When
from wattseal_host.tariff.zone import DAY_S
from wattseal_host.units import Unit

SPECIAL = {("Wh", 3): "kWh", ("Wh", 6): "MWh", ("m", 3): "km"}


def describe(tariff: Tariff) -> list[str]:
    """Lines for people. Credits are called credits; times are local."""
    lines = [
        f"{tariff.name}",
        f"  prices in {tariff.currency.code} per {unit_text(tariff.per)}; "
        "what is negative is a credit to you",
        f"  valid {tariff.zone.text(tariff.from_s)} to {tariff.zone.text(tariff.to_s)}, "
        f"{tariff.zone.name} time",
    ]
    for part in tariff.parts:
        if isinstance(part, Tax):
            base = "everything above" if part.base is None else " + ".join(part.base)
            lines.append(f"  {part.name}: {exact(part.fraction * 100)} % on {base}")
        elif isinstance(part, Standing):
            pro_rata = "" if part.per in ("day", "period") else ", pro rata by days"
            per = "billing period" if part.per == "period" else part.per
            lines.append(f"  {part.name}: {_price(tariff, part.amount)} a {per}{pro_rata}")
        elif isinstance(part, Shaped):
            lines += [f"  {text}" for text in part.describe(*writers(tariff))]
            lines += _chosen_hours(getattr(part, "when", None))
        elif isinstance(part, Minimum):
            span = "" if part.span == "period" else f" a {part.span}, pro rata by days"
            lines.append(f"  {part.name}: at least {_price(tariff, part.amount)}{span}")
        else:
            lines.extend(_priced(tariff, part))
    if tariff.holidays:
        lines.append(f"  holidays: {', '.join(str(day) for day in sorted(tariff.holidays))}")
    for at_s, offset_s in tariff.zone.offsets[1:]:
        change = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M")
        lines.append(f"  clocks change at {change} UTC to UTC{offset_s / 3600:+g} h")
    if tariff.long_records is not None:
        rule = tariff.long_records
        rounded = f", rounded {rule.rounding}" if rule.rounding else ""
        lines.append(f"  a record over several prices costs their {rule.rule}{rounded}")
    step = tariff.currency.major(tariff.rounding.step_minor)
    lines.append(
        f"  the bill is rounded once, to {step} {tariff.currency.code}, {tariff.rounding.mode}"
    )
    return lines


def unit_text(unit: Unit) -> str:
    if not unit.exponent:
        return unit.name
    return SPECIAL.get((unit.name, unit.exponent), f"10^{unit.exponent} {unit.name}")


def exact(value: Fraction) -> str:
    """A fraction with a power of ten below, as a decimal without superfluous zeros."""
    decimals = 0
    while (value * 10**decimals).denominator != 1:
        decimals += 1
    digits = str(abs(int(value * 10**decimals))).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if value < 0 else text


def _price(tariff: Tariff, price: int) -> str:
    return exact(price * Fraction(10) ** tariff.price_exponent)


def writers(tariff: Tariff) -> tuple[Callable[[int], str], Size]:
    """How a part's prices are written, and sizes of what is measured."""

    def size(count: int, exponent: int) -> str:
        value = count * Fraction(10) ** (exponent - tariff.per.exponent)
        return f"{exact(value)} {unit_text(tariff.per)}"

    return lambda price: _price(tariff, price), size


def _chosen_hours(when: When | None) -> list[str]:
    """The hours of a `when`, season by season."""
    if when is None:
        return []
    lines = ["    chosen hours:"]
    for season in when.calendar.seasons:
        month, day = season.begins
        begins = "" if len(when.calendar.seasons) == 1 else f"from {month:02d}-{day:02d}, "
        together: dict[str, list[str]] = {}
        for kind, switches in season.days.items():
            ends = [at for at, _ in switches[1:]] + [DAY_S]
            spans = [
                f"{_clock(at)} to {_clock(end)}"
                for (at, band), end in zip(switches, ends, strict=True)
                if band == "in"
            ]
            together.setdefault(", ".join(spans) or "none", []).append(kind)
        lines += [f"      {begins}{' '.join(days)}: {spans}" for spans, days in together.items()]
    return lines


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"


def _priced(tariff: Tariff, part: Priced) -> list[str]:
    second = " (energy you export)" if tariff.per.name == "Wh" else " (second channel)"
    title = f"  {part.name}" + (second if part.channel == "export" else "")
    if isinstance(part, Flat):
        return [f"{title}: {_price(tariff, part.price)} at all times"]
    if isinstance(part, Series):
        low, high = (_price(tariff, price) for price in (min(part.prices), max(part.prices)))
        minutes = f"{part.slot_s / 60:g}"
        return [f"{title}: a price every {minutes} minutes, {low} to {high}"]
    if not isinstance(part, Calendar):
        return [title]
    lines = [title + ":"]
    lines += [f"    {band} {_price(tariff, price)}" for band, price in part.bands.items()]
    for season in part.seasons:
        month, day = season.begins
        begins = "" if len(part.seasons) == 1 else f"from {month:02d}-{day:02d}, "
        together: dict[Switches, list[str]] = {}
        for kind, switches in season.days.items():
            together.setdefault(switches, []).append(kind)
        for switches, days in together.items():
            times = ", ".join(
                f"{at // 3600:02d}:{at % 3600 // 60:02d} {band}" for at, band in switches
            )
            lines.append(f"    {begins}{' '.join(days)}: {times}")
    return lines
