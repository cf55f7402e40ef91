"""The page: one self-contained HTML document without script, made by a template."""

from __future__ import annotations

import base64
import hashlib
from fractions import Fraction
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from wattseal_host.report.bands import Bands
from wattseal_host.report.costs import cost_by_clock, cost_by_day
from wattseal_host.report.curves import load_curve
from wattseal_host.report.data import ReportData
from wattseal_host.report.figure import Figure
from wattseal_host.report.heat import Grid, heat_of_commitments, heat_of_readings
from wattseal_host.report.knowledge import what_each_side_learns
from wattseal_host.report.localtime import (
    LocalTime,
    clock_text,
    day_text,
    interval_name,
    length_text,
    offset_text,
)
from wattseal_host.report.measure import Measure
from wattseal_host.report.tables import (
    amount_table,
    clock_table,
    day_table,
    number_name,
    opened_table,
    samples,
    start_text,
)


def render(data: ReportData) -> str:
    """The report as HTML text; whatever the data says, it stays text.

    The style sheet is allowed by its hash and nothing else is: no script, no external resource.
    """
    local, measure, bands = LocalTime(data.offsets), Measure(data), Bands(data)
    chosen = samples(data, measure)
    style = _style()
    return (
        _environment()
        .get_template("report.html")
        .render(
            data=data,
            style=style,
            style_hash=_sha256_base64(style),
            amount=measure.amount(abs(data.amount_minor)),
            signed_amount=measure.amount(data.amount_minor),
            energy=measure.energy(sum(slot.value for slot in data.slots), most=2),
            period=_period(data, local),
            interval=interval_name(measure.interval_s),
            irregular=[slot for slot in data.slots if slot.length_s != measure.interval_s],
            zone=_zone(data, local),
            checks_ms=sum(check.milliseconds for check in data.checks),
            opened_fee=_opened_fee(data, measure),
            fee_too=data.fee_released and _rounded_off(data, measure) > 0,
            **_figures(data, local, measure, bands),
            amount_table=amount_table(data, measure, bands),
            opened=opened_table(data, local, measure, chosen),
            sealed=[(start_text(local, slot), slot) for slot in chosen],
            sample_count=number_name(len(chosen)),
            detail_tables=[day_table(data, local, measure), clock_table(data, local, measure)],
            facts=what_each_side_learns(data, measure),
        )
    )


def _figures(
    data: ReportData, local: LocalTime, measure: Measure, bands: Bands
) -> dict[str, Figure | list[Figure]]:
    """The charts by the names the template calls them; none without a record."""
    if not data.slots:
        return {}
    grid = Grid(data, local, measure.interval_s)
    return {
        "readings": heat_of_readings(data, local, measure, grid),
        "commitments": heat_of_commitments(grid, len(data.slots)),
        "curves": [
            load_curve(data, local, measure),
            cost_by_day(data, local, measure, bands),
            cost_by_clock(data, local, measure, bands),
        ],
    }


def _opened_fee(data: ReportData, measure: Measure) -> str:
    """The unrounded amount if the provider got it too; empty unless rounding alone differs."""
    close = 0 < _rounded_off(data, measure) < 1
    return measure.fee(_fee(data)) if data.fee_released and close else ""


def _rounded_off(data: ReportData, measure: Measure) -> Fraction:
    """By how many minor units the amount differs from the fee it is rounded from."""
    return abs(measure.major(_fee(data)) * 10**data.minor_digits - data.amount_minor)


def _fee(data: ReportData) -> int:
    return sum(slot.fee for slot in data.slots) + sum(charge.fee for charge in data.charges)


def _period(data: ReportData, local: LocalTime) -> str:
    """Local days when the period runs from midnight to midnight, else with the times."""
    first, last = local.day(data.from_s), local.day(data.to_s - 1)
    if local.clock_s(data.from_s) == local.clock_s(data.to_s) == 0:
        if first == last:
            return day_text(first, year=True)
        return f"{day_text(first)} to {day_text(last, year=True)}"
    end = local.day(data.to_s)
    return (
        f"{day_text(first)} {clock_text(local.clock_s(data.from_s))} to "
        f"{day_text(end, year=True)} {clock_text(local.clock_s(data.to_s))}"
    )


def _zone(data: ReportData, local: LocalTime) -> str:
    """ "Europe/London (UTC, UTC+01:00 from 31 Mar)" for the period shown."""
    parts = [offset_text(local.offset_s(data.from_s))]
    for change_s, offset_s in local.offsets[1:]:
        if data.from_s < change_s < data.to_s:
            parts.append(f"{offset_text(offset_s)} from {day_text(local.day(change_s))}")
    offsets = ", ".join(parts)
    return f"{data.zone_name} ({offsets})" if data.zone_name else offsets


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("wattseal_host.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = length_text
    environment.filters["ms"] = milliseconds_text
    environment.filters["spaced"] = spaced
    return environment


THEN = ", then "  # between meters, contracts and tariffs that followed each other


def milliseconds_text(milliseconds: float) -> str:
    """ "0.42 ms", "13.1 ms", "1.25 s"."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.2f} ms" if milliseconds < 10 else f"{milliseconds:.1f} ms"


def spaced(text: str, group: int = 8) -> str:
    """Hexadecimal in groups, so that it can be compared by eye; of several, each."""
    return THEN.join(
        " ".join(one[i : i + group] for i in range(0, len(one), group)) for one in text.split(THEN)
    )


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("templates/report.css").read_text("utf-8")


def _sha256_base64(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
