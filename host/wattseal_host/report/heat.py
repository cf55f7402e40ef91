"""Two pictures of one grid, days by time of day: readings, and the commitments to them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

from wattseal_host.report.data import ReportData, Slot
from wattseal_host.report.digits import short
from wattseal_host.report.figure import AxisTick, Figure, Mark, hour_ticks, percent, row_ticks
from wattseal_host.report.localtime import DAY_S, LocalTime, Piece, clock_text, day_text
from wattseal_host.report.measure import Measure

SHADES = 9
NOISE_SHADES = 8
_ROW_PX = 13
_MOST_PX = 440


class Grid:
    """One row per local day, local time from left to right; 2 drawing units per row.

    The two runs of a doubled local hour share its cell, one above the other; a skipped hour
    stays empty. There must be a record.
    """

    def __init__(self, data: ReportData, local: LocalTime, interval_s: int) -> None:
        self.pieces: list[tuple[Slot, Piece]] = [
            (slot, piece) for slot in data.slots for piece in local.pieces(slot.start_s, slot.end_s)
        ]
        found = [piece.day for _, piece in self.pieces]
        self.days = range(min(found), max(found) + 1)
        lengths = [n for _, piece in self.pieces for n in (piece.clock_s, piece.length_s)]
        self._unit_s = math.gcd(DAY_S, *lengths)
        self._interval_s = interval_s
        self.width_units = DAY_S // self._unit_s

    @property
    def height_px(self) -> int:
        rows = len(self.days)
        return min(max(rows * (24 if rows <= 10 else _ROW_PX), 24), max(_MOST_PX, rows * 2))

    def marks(self, shade: Callable[[Slot], str]) -> list[Mark]:
        """One path for all cells of a shade; equal neighbours are drawn as one."""
        runs: dict[tuple[str, bool], list[list[int]]] = defaultdict(list)
        for slot, piece in self.pieces:
            x, length = piece.clock_s // self._unit_s, piece.length_s // self._unit_s
            row = 2 * (piece.day - self.days.start)
            half = piece.lane > 0
            y = row + (piece.lane == 2) if half else row + 1
            cells = runs[shade(slot), half]
            if cells and cells[-1][1] == y and cells[-1][0] + cells[-1][2] == x:
                cells[-1][2] += length
            else:
                cells.append([x, y, length])
        marks = []
        for (style, half), cells in sorted(runs.items()):
            dot = ".5" if half else ""
            path = "".join(f"M{x} {y}{dot}h{length}" for x, y, length in cells)
            marks.append(Mark(f"cell half {style}" if half else f"cell {style}", path))
        outline = self._irregular()
        return [*marks, Mark("irregular", outline)] if outline else marks

    def _irregular(self) -> str:
        """Frames around the records that are not one interval long."""
        path = []
        for slot, piece in self.pieces:
            if slot.length_s != self._interval_s:
                x, width = piece.clock_s // self._unit_s, piece.length_s // self._unit_s
                y = 2 * (piece.day - self.days.start) + (piece.lane == 2)
                height = 1 if piece.lane else 2
                path.append(f"M{x} {y}h{width}v{height}h{-width}z")
        return "".join(path)


def heat_of_readings(data: ReportData, local: LocalTime, measure: Measure, grid: Grid) -> Figure:
    """Nine shades, the square root of the mean power: small loads stay apart, large ones too."""
    powers = {slot.start_s: measure.power(slot.value, slot.length_s) for slot in data.slots}
    top = max(powers.values())

    def shade(slot: Slot) -> str:
        share = math.sqrt(powers[slot.start_s] / top) if top else 0.0
        return f"heat-{min(SHADES - 1, int(share * SHADES))}"

    description = "No energy was taken in this period."
    if top:
        peak = max(data.slots, key=lambda slot: powers[slot.start_s])
        description = (
            f"Mean power from {short(min(powers.values()))} to {short(top)} "
            f"{measure.power_unit}; the peak is on {day_text(local.day(peak.start_s))} at "
            f"{clock_text(local.clock_s(peak.start_s))}."
        )
    edges = range(0, SHADES + 1, 3) if top else range(1)
    return _figure(
        grid,
        "heat-readings",
        "Every reading",
        measure.power_unit,
        description,
        grid.marks(shade),
        [AxisTick(percent(i / SHADES), short(top * (i / SHADES) ** 2)) for i in edges],
        [f"heat-{i}" for i in range(SHADES)],
    )


def heat_of_commitments(grid: Grid, count: int) -> Figure:
    """The same grid in eight shades from the first byte of each commitment's x coordinate."""

    def shade(slot: Slot) -> str:
        return f"noise-{int(slot.commitment[2:4], 16) * NOISE_SHADES // 256}"

    description = (
        f"The same grid, coloured by the first byte of the x coordinate of each of the {count:,} "
        f"commitments: even noise, without a pattern of day or hour."
    )
    return _figure(
        grid,
        "heat-commitments",
        "Every sealed record",
        "",
        description,
        grid.marks(shade),
        [AxisTick(percent(i / 4), f"{min(255, 64 * i):02x}") for i in range(5)],
        [f"noise-{i}" for i in range(NOISE_SHADES)],
    )


def _figure(
    grid: Grid,
    name: str,
    title: str,
    unit: str,
    description: str,
    marks: list[Mark],
    scale: list[AxisTick],
    scale_styles: list[str],
) -> Figure:
    return Figure(
        name=name,
        title=title,
        unit=unit,
        description=description,
        height_px=grid.height_px,
        width_units=grid.width_units,
        height_units=2 * len(grid.days),
        marks=marks,
        y_ticks=row_ticks(grid.days),
        x_ticks=hour_ticks(),
        y_lines=False,
        scale=scale,
        scale_styles=scale_styles,
    )
