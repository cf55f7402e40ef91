"""What each side learns from a bill, as far as the bill's own numbers tell."""

from __future__ import annotations

from typing import Literal, NamedTuple

from wattseal_host.report.data import ReportData
from wattseal_host.report.localtime import interval_name
from wattseal_host.report.measure import Measure

Knows = Literal["yes", "no", "partly"]


class Fact(NamedTuple):
    """ "partly": nobody states it, but what is released narrows it."""

    what: str
    customer: Knows
    provider: Knows
    why: str = ""


def what_each_side_learns(data: ReportData, measure: Measure) -> list[Fact]:
    return [
        _readings(data, measure),
        _when(data),
        _total_energy(data, measure),
        _unrounded(data),
        Fact("The amount payable", "yes", "yes", "the one number the bill is for"),
        Fact(
            "When each record starts and ends, power cuts included",
            "yes",
            "yes",
            "so that a missing interval is noticed",
        ),
        Fact("That no record is missing, altered or repeated", "yes", "yes", "by the checks"),
        Fact("Tariff, contract, meter and keys", "yes", "yes"),
        Fact("The secret that opens the commitments", "yes", "no", "shared by you and your meter"),
    ]


def _readings(data: ReportData, measure: Measure) -> Fact:
    """A tariff that prices a single record bills, and so tells, that record's reading."""
    what = f"Each of the {len(data.slots):,} readings"
    if data.disclosed:
        return Fact(what, "yes", "partly", "; ".join(data.disclosed))
    if sum(slot.price != 0 for slot in data.slots) == 1:
        return Fact(what, "yes", "partly", "one record alone is priced: the amount tells it")
    name = interval_name(measure.interval_s)
    return Fact(what, "yes", "no", f"{name} by {name}, only commitments travel")


def _when(data: ReportData) -> Fact:
    what = "When energy was used, and so for what"
    if data.disclosed:
        return Fact(what, "yes", "partly", "as far as the readings that the bill tells of say it")
    return Fact(what, "yes", "no")


def _unrounded(data: ReportData) -> Fact:
    what = "The fee before rounding"
    if data.fee_released:
        why = "this bill opens the weighted sum at full resolution"
        return Fact(what, "yes", "yes", why)
    return Fact(what, "yes", "no", "rounding is inside the proof")


def _total_energy(data: ReportData, measure: Measure) -> Fact:
    """One price makes the amount a measure of the energy; several positive ones bound it."""
    what = "The total energy"
    prices = {slot.price for slot in data.slots}
    fee = sum(slot.fee for slot in data.slots)
    if (
        any(slot.fee != slot.value * slot.price for slot in data.slots)
        or min(prices, default=0) <= 0
    ):
        return Fact(what, "yes", "partly", "not stated; amount and tariff together narrow it")
    if len(prices) == 1:
        return Fact(what, "yes", "yes", "not stated, but the amount divided by the one price")
    least = measure.whole_kwh(fee // max(prices), up=False)
    most = measure.whole_kwh(-(-fee // min(prices)), up=True)
    return Fact(what, "yes", "partly", f"not stated; the fee bounds it: {least} to {most} kWh")
