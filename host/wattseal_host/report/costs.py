"""Cost charts: by day of the period and by time of day, stacked by price band."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from wattseal_host.report.bands import Bands, price_unit
from wattseal_host.report.data import ReportData
from wattseal_host.report.figure import (
    AxisTick,
    Figure,
    Legend,
    Mark,
    Upright,
    edge_anchor,
    hour_ticks,
    percent,
)
from wattseal_host.report.localtime import DAY_S, LocalTime, clock_text, day_text, interval_name
from wattseal_host.report.measure import Measure

BAR_UNITS = 100
_GAP_UNITS = 12
_LEAST_BIN_S = 1800
Stacks = Mapping[int, Mapping[int, float]]


def cost_by_day(data: ReportData, local: LocalTime, measure: Measure, bands: Bands) -> Figure:
    """A record's cost belongs to the local day in which it starts. There must be a record."""
    days = range(local.day(data.slots[0].start_s), local.day(data.slots[-1].start_s) + 1)
    stacks: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for slot in data.slots:
        place = local.day(slot.start_s) - days.start
        stacks[place][bands.index(slot.price)] += measure.major(slot.fee)
    totals = {place: sum(stack.values()) for place, stack in stacks.items()}
    top = max(totals, key=lambda place: totals[place])
    low = min(totals, key=lambda place: totals[place])
    description = (
        f"Dearest day {day_text(days[top])} with {measure.money(totals[top])} {data.currency}, "
        f"cheapest {day_text(days[low])} with {measure.money(totals[low])} {data.currency}."
    )
    return _chart(
        data,
        bands,
        stacks,
        len(days),
        "cost-day",
        "Cost by day",
        description,
        _bar_ticks(days),
    )


def cost_by_clock(data: ReportData, local: LocalTime, measure: Measure, bands: Bands) -> Figure:
    """Sums over the period by local time of day; records of irregular length are left out."""
    bin_s = max(measure.interval_s, _LEAST_BIN_S)
    if DAY_S % bin_s:
        bin_s = 3600
    stacks: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    left_out = 0
    for slot in data.slots:
        if slot.length_s == measure.interval_s <= bin_s:
            place = local.clock_s(slot.start_s) // bin_s
            stacks[place][bands.index(slot.price)] += measure.major(slot.fee)
        else:
            left_out += 1
    totals = {place: sum(stack.values()) for place, stack in stacks.items()}
    description = "No records of regular length."
    if totals:
        top = max(totals, key=lambda place: totals[place])
        description = (
            f"The dearest {interval_name(bin_s)} begins at {clock_text(top * bin_s)}: "
            f"{measure.money(totals[top])} {data.currency} over the period."
        )
    note = ""
    if left_out:
        records = "1 record" if left_out == 1 else f"{left_out:,} records"
        note = f"Without {records} of irregular length, at no single time of day."
    return _chart(
        data,
        bands,
        stacks,
        DAY_S // bin_s,
        "cost-clock",
        "Cost by time of day",
        description,
        hour_ticks(),
        note,
    )


def _chart(
    data: ReportData,
    bands: Bands,
    stacks: Stacks,
    bars: int,
    name: str,
    title: str,
    description: str,
    x_ticks: list[AxisTick],
    note: str = "",
) -> Figure:
    lows = [sum(part for part in stack.values() if part < 0) for stack in stacks.values()]
    highs = [sum(part for part in stack.values() if part > 0) for stack in stacks.values()]
    upright = Upright(min(lows, default=0.0), max(highs, default=0.0), about=3)
    paths: dict[int, list[str]] = defaultdict(list)
    for place, stack in sorted(stacks.items()):
        up = down = 0.0
        for band in sorted(stack):
            part = stack[band]
            base = up if part > 0 else down
            left = place * BAR_UNITS + _GAP_UNITS
            y0, y1 = upright.units(base), upright.units(base + part)
            if y0 != y1:
                width = BAR_UNITS - 2 * _GAP_UNITS
                paths[band].append(f"M{left} {y0}h{width}V{y1}h{-width}z")
            up, down = (up + part, down) if part > 0 else (up, down + part)
    legend = [Legend(f"band-{band.style}", band.label) for band in bands.bands]
    return Figure(
        name=name,
        title=title,
        unit=data.currency,
        description=description,
        height_px=132,
        width_units=bars * BAR_UNITS,
        height_units=1000,
        marks=[Mark(f"band-{bands.bands[band].style}", "".join(paths[band])) for band in paths],
        y_ticks=upright.axis(),
        x_ticks=x_ticks,
        legend=legend,
        legend_title=price_unit(data),
        note=note,
        zero_percent=upright.zero,
    )


def _bar_ticks(days: range, most: int = 5) -> list[AxisTick]:
    """Labels under the bars of a few days."""
    step = max(1, -(-len(days) // most))
    if 4 < step <= 7:
        step = 7
    found = []
    for i in range(0, len(days), step):
        share = (i + 0.5) / len(days)
        if share < 0.97:
            anchor = "middle" if len(days) <= most else edge_anchor(share)
            found.append(AxisTick(percent(share), day_text(days[i]), anchor))
    return found
