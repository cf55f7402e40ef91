"""The load curve of the period: mean power of every record, and of every day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from wattseal_host.report.data import ReportData
from wattseal_host.report.digits import short
from wattseal_host.report.figure import Figure, Legend, Mark, Upright, day_ticks
from wattseal_host.report.localtime import LocalTime, clock_text, day_text, interval_name
from wattseal_host.report.measure import Measure

Steps = list[tuple[int, int, float]]


def load_curve(data: ReportData, local: LocalTime, measure: Measure) -> Figure:
    """Export is drawn below zero; what no record covers stays empty. There must be a record."""
    taken: Steps = [(s.start_s, s.end_s, measure.power(s.value, s.length_s)) for s in data.slots]
    given: Steps = [
        (s.start_s, s.end_s, -measure.power(s.export, s.length_s)) for s in data.slots if s.export
    ]
    upright = Upright(
        min((power for *_, power in given), default=0.0),
        max(power for *_, power in taken),
        about=5,
    )
    marks = [Mark("area", _area(data, upright, taken))]
    legend = [Legend("area", f"each {interval_name(measure.interval_s)}")]
    if given:
        marks.append(Mark("area-export", _area(data, upright, given)))
        legend.append(Legend("area-export", "exported"))
    marks.append(Mark("mean", _line(data, upright, _daily(data, local, measure))))
    legend.append(Legend("mean", "mean of the day", "line"))
    return Figure(
        name="load",
        title="Load curve",
        unit=measure.power_unit,
        description=_describe(data, local, measure),
        height_px=190,
        width_units=data.to_s - data.from_s,
        height_units=1000,
        marks=marks,
        y_ticks=upright.axis(),
        x_ticks=day_ticks(local, data.from_s, data.to_s),
        legend=legend,
        zero_percent=upright.zero,
    )


def _describe(data: ReportData, local: LocalTime, measure: Measure) -> str:
    top = max(data.slots, key=lambda slot: slot.value / slot.length_s)
    least = min(data.slots, key=lambda slot: slot.value / slot.length_s)
    covered_s = sum(slot.length_s for slot in data.slots)
    mean = measure.power(sum(slot.value for slot in data.slots), covered_s)
    return (
        f"Mean power over the period {short(mean)} {measure.power_unit}; "
        f"highest {short(measure.power(top.value, top.length_s))} {measure.power_unit} on "
        f"{day_text(local.day(top.start_s))} at {clock_text(local.clock_s(top.start_s))}, "
        f"lowest {short(measure.power(least.value, least.length_s))} {measure.power_unit}."
    )


def _daily(data: ReportData, local: LocalTime, measure: Measure) -> Steps:
    """Mean imported power of each local day, over the time its records cover."""
    energy: dict[int, float] = defaultdict(float)
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for slot in data.slots:
        for piece in local.pieces(slot.start_s, slot.end_s):
            energy[piece.day] += slot.value * piece.length_s / slot.length_s
            spans[piece.day].append((piece.start_s, piece.start_s + piece.length_s))
    steps: Steps = []
    for day, parts in spans.items():
        covered_s = sum(end_s - start_s for start_s, end_s in parts)
        steps.append((parts[0][0], parts[-1][1], measure.power(energy[day], covered_s)))
    return steps


def _area(data: ReportData, upright: Upright, steps: Iterable[tuple[int, int, float]]) -> str:
    """A closed shape between the steps and zero, broken where they leave a gap."""
    zero = upright.units(0)
    path: list[str] = []
    at_s, height = None, zero
    for start_s, end_s, power in steps:
        level = upright.units(power)
        if start_s != at_s:
            if at_s is not None:
                path.append(f"V{zero}z")
            path.append(f"M{start_s - data.from_s} {zero}V{level}")
        elif level != height:
            path.append(f"v{level - height}")
        path.append(f"h{end_s - start_s}")
        at_s, height = end_s, level
    return "".join(path) + (f"V{zero}z" if path else "")


def _line(data: ReportData, upright: Upright, steps: Iterable[tuple[int, int, float]]) -> str:
    path: list[str] = []
    at_s = None
    for start_s, end_s, power in steps:
        level = upright.units(power)
        x = start_s - data.from_s
        path.append(f"V{level}" if start_s == at_s else f"M{x} {level}")
        path.append(f"h{end_s - start_s}")
        at_s = end_s
    return "".join(path)
