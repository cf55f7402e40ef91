"""A chart as the template draws it: paths in a stretched coordinate system, axes in percent.

The drawing area stretches with the page while lines and letters keep their size, so one chart
serves a phone, a screen and a printed page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wattseal_host.report.digits import Tick, ticks
from wattseal_host.report.localtime import LocalTime, day_text

HEIGHT_UNITS = 1000


class Mark(NamedTuple):
    """style: class of the style sheet; path: SVG path data."""

    style: str
    path: str


class AxisTick(NamedTuple):
    """percent: along the axis, from the left or the top."""

    percent: str
    label: str
    anchor: str = "middle"


class Legend(NamedTuple):
    """shape: "box" or "line"."""

    style: str
    label: str
    shape: str = "box"


@dataclass(frozen=True, slots=True)
class Figure:
    """description: what a reader who can't see the chart is told; unit: of the upright axis."""

    name: str
    title: str
    unit: str
    description: str
    height_px: int
    width_units: int
    height_units: int
    marks: Sequence[Mark]
    y_ticks: Sequence[AxisTick]
    x_ticks: Sequence[AxisTick]
    y_lines: bool = True
    legend: Sequence[Legend] = ()
    legend_title: str = ""
    scale: Sequence[AxisTick] = ()
    scale_styles: Sequence[str] = ()
    note: str = ""
    zero_percent: str = ""


def percent(value: float) -> str:
    """A share 0..1 as an SVG percentage."""
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


class Upright:
    """The upright axis of a chart with values low..high: always with zero, in round ticks."""

    def __init__(self, low: float, high: float, about: int = 4) -> None:
        self.ticks: list[Tick] = ticks(low, high, about)
        self._top = self.ticks[-1].value
        self._span = self._top - self.ticks[0].value

    def units(self, value: float) -> int:
        """A value as whole drawing units from the top."""
        return round((self._top - value) / self._span * HEIGHT_UNITS)

    def axis(self) -> list[AxisTick]:
        return [
            AxisTick(percent((self._top - value) / self._span), label)
            for value, label in self.ticks
        ]

    @property
    def zero(self) -> str:
        return percent(self._top / self._span)


def edge_anchor(share: float) -> str:
    """Keeps the labels at both ends of an axis inside the picture."""
    return "start" if share < 0.02 else "end" if share > 0.98 else "middle"


def hour_ticks() -> list[AxisTick]:
    return [
        AxisTick(percent(hour / 24), f"{hour:02d}:00", edge_anchor(hour / 24))
        for hour in (0, 6, 12, 18, 24)
    ]


def day_ticks(local: LocalTime, from_s: int, to_s: int, most: int = 5) -> list[AxisTick]:
    """A few local midnights of the period, at weekly or equal steps."""
    midnights = local.midnights(from_s, to_s)
    step = max(1, -(-len(midnights) // most))
    if 4 < step <= 7:
        step = 7
    found = []
    for day, start_s in midnights[::step]:
        share = (start_s - from_s) / (to_s - from_s)
        if share < 0.96:
            found.append(AxisTick(percent(share), day_text(day), edge_anchor(share)))
    return found


def row_ticks(days: range) -> list[AxisTick]:
    """Labels of the rows of a grid of days: every row when few, else weekly or coarser."""
    step = 1 if len(days) <= 8 else 7 if len(days) <= 62 else -(-len(days) // 9)
    return [
        AxisTick(percent((i + 0.5) / len(days)), day_text(days[i]))
        for i in range(0, len(days), step)
    ]
