"""The numbers of the report in tables: exact sums, the days, the hours, some records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wattseal_host.report.bands import Bands, price_text, price_unit
from wattseal_host.report.data import Charge, ReportData, Slot
from wattseal_host.report.digits import column
from wattseal_host.report.localtime import LocalTime, clock_text, day_text, length_text
from wattseal_host.report.measure import Measure

SAMPLES = 4


class Table(NamedTuple):
    """rows: cells as text, the first a row heading; total: a last row, or empty."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    total: tuple[str, ...] = ()


def amount_table(data: ReportData, measure: Measure, bands: Bands) -> Table:
    """How the amount comes about: energy and cost per price band, what was exported,
    other charges, rounding."""
    energy: dict[int, int] = defaultdict(int)
    fees: dict[int, int] = defaultdict(int)
    exported = []
    for slot in data.slots:
        band = bands.index(slot.price)
        energy[band] += slot.value
        if slot.export is None:
            fees[band] += slot.fee
        else:
            fees[band] += slot.value * slot.price
            exported.append((slot.export, slot.fee - slot.value * slot.price))
    order = sorted(energy)
    charges = list(data.charges)
    if exported:
        sent = measure.energy(sum(value for value, _ in exported))
        charges.insert(0, Charge(f"{sent} kWh exported", sum(fee for _, fee in exported)))
    unrounded = sum(fees.values()) + sum(charge.fee for charge in charges)
    scale = min(measure.fee_exponent, -data.minor_digits)
    amount = data.amount_minor * 10 ** (-data.minor_digits - scale)
    rest = amount - unrounded * 10 ** (measure.fee_exponent - scale)
    lines = [
        *(fees[band] * 10 ** (measure.fee_exponent - scale) for band in order),
        *(charge.fee * 10 ** (measure.fee_exponent - scale) for charge in charges),
        rest,
        amount,
    ]
    texts = column(lines, scale, data.minor_digits)
    kwh = column([*(energy[band] for band in order), sum(energy.values())], measure.energy_exponent)
    labels = [f"at {bands.bands[band].label}" for band in order]
    rows = [(label, kwh[i], texts[i]) for i, label in enumerate(labels)]
    for i, charge in enumerate(charges, len(order)):
        rows.append((charge.label, "", texts[i]))
    if rest:
        whole_units = abs(rest) >= 10 ** (-data.minor_digits - scale)
        rows.append(
            ("rounding and parts not itemised" if whole_units else "rounding", "", texts[-2])
        )
    return Table(
        "amount",
        "How the amount comes about",
        (f"energy at {price_unit(data)}", "kWh", data.currency),
        rows,
        ("payable", kwh[-1], _aligned(measure.amount(data.amount_minor), texts[-1])),
    )


def _aligned(amount: str, longer: str) -> str:
    """The amount padded with spaces as wide as the digits and the point it lacks."""
    missing = longer[len(amount) :]
    return amount + "".join("\u2008" if sign == "." else "\u2007" for sign in missing)


def day_table(data: ReportData, local: LocalTime, measure: Measure) -> Table:
    """Every local day in which a record starts; sums are exact."""
    days: dict[int, list[Slot]] = defaultdict(list)
    for slot in data.slots:
        days[local.day(slot.start_s)].append(slot)
    labels = [day_text(day, weekday=True) for day in days]
    return _sums("days", "By day", "day", labels, list(days.values()), data, measure)


def clock_table(data: ReportData, local: LocalTime, measure: Measure) -> Table:
    """Sums by the local hour in which a record starts."""
    hours: dict[int, list[Slot]] = defaultdict(list)
    for slot in data.slots:
        hours[local.clock_s(slot.start_s) // 3600].append(slot)
    order = sorted(hours)
    labels = [f"{clock_text(3600 * hour)}\u2013{clock_text(3600 * hour + 3600)}" for hour in order]
    groups = [hours[hour] for hour in order]
    return _sums("hours", "By hour of the day", "hour", labels, groups, data, measure)


def samples(data: ReportData, measure: Measure) -> list[Slot]:
    """A few records worth a look: highest, lowest, an irregular one, the first."""
    if not data.slots:
        return []
    regular = [slot for slot in data.slots if slot.length_s == measure.interval_s]
    wanted = [
        max(regular, key=lambda slot: slot.value),
        min(regular, key=lambda slot: slot.value),
        max(data.slots, key=lambda slot: slot.length_s),
        *data.slots,
    ]
    chosen: dict[int, Slot] = {}
    for slot in wanted:
        chosen.setdefault(slot.start_s, slot)
        if len(chosen) == SAMPLES:
            break
    return sorted(chosen.values(), key=lambda slot: slot.start_s)


def opened_table(
    data: ReportData, local: LocalTime, measure: Measure, chosen: Sequence[Slot]
) -> Table:
    rows = zip(
        (start_text(local, slot) for slot in chosen),
        column((slot.value for slot in chosen), measure.energy_exponent),
        column((slot.price for slot in chosen), data.price_exponent, data.minor_digits),
        column((slot.fee for slot in chosen), measure.fee_exponent, data.minor_digits),
        strict=True,
    )
    return Table(
        "opened",
        f"{number_name(len(chosen)).capitalize()} records, opened",
        ("record", "kWh", price_unit(data), data.currency),
        list(rows),
    )


def start_text(local: LocalTime, slot: Slot) -> str:
    """ "12 Jan 18:30, 30 min" in local time."""
    day, clock = day_text(local.day(slot.start_s)), clock_text(local.clock_s(slot.start_s))
    return f"{day} {clock}, {length_text(slot.length_s)}"


def number_name(count: int) -> str:
    return ("no", "one", "two", "three", "four")[count] if count <= SAMPLES else f"{count:,}"


def _sums(
    name: str,
    caption: str,
    first: str,
    labels: list[str],
    groups: list[list[Slot]],
    data: ReportData,
    measure: Measure,
) -> Table:
    with_export = any(slot.export is not None for slot in data.slots)
    columns = [
        column(_with_total(len(group) for group in groups), 0),
        column(
            _with_total(sum(slot.value for slot in group) for group in groups),
            measure.energy_exponent,
        ),
    ]
    if with_export:
        exported = (sum(slot.export or 0 for slot in group) for group in groups)
        columns.append(column(_with_total(exported), measure.energy_exponent))
    columns.append([*(_price_range(data, group) for group in groups), ""])
    fees = (sum(slot.fee for slot in group) for group in groups)
    columns.append(column(_with_total(fees), measure.fee_exponent, data.minor_digits))
    lines = list(zip([*labels, "sum"], *columns, strict=True))
    head = (first, "records", "kWh", *(["kWh exported"] if with_export else []))
    return Table(name, caption, (*head, price_unit(data), data.currency), lines[:-1], lines[-1])


def _with_total(counts: Iterable[int]) -> list[int]:
    listed = list(counts)
    return [*listed, sum(listed)]


def _price_range(data: ReportData, group: list[Slot]) -> str:
    low, high = min(slot.price for slot in group), max(slot.price for slot in group)
    if low == high:
        return price_text(data, low)
    joint = " to " if low < 0 else "\u2013"
    return f"{price_text(data, low)}{joint}{price_text(data, high)}"
