"""Tariffs: what a document may say, local time by its offsets, weights, the fee by `decimal`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sealed_house import INTERVAL_S, START_S, House, SealingMeter, calendar_tariff
from wattseal.errors import Malformed, Misuse, Refused
from wattseal_host.provider import tariffs
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.steps import LongRecordRule, Steps
from wattseal_host.tariff.weights import weigh
from wattseal_host.tariff.zone import Zone
from wattseal_host.units import Unit

DAY_S = 86400
PRICES = {"night": Decimal("0.1255"), "day": Decimal("0.3141"), "peak": Decimal("-0.05")}


def utc_s(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def band_by_clock(at_s: int, zone: str) -> str:
    """The calendar of `calendar_tariff`, by IANA, written from its text."""
    local = datetime.fromtimestamp(at_s, ZoneInfo(zone))
    if local.weekday() >= 5 or local.hour < 7 or local.hour >= 23:
        return "night"
    return "peak" if (local.hour, local.minute) == (16, 30) else "day"


def document(**changes: Any) -> dict[str, Any]:
    base = dict(calendar_tariff(START_S, START_S + 30 * DAY_S).document)
    return {name: value for name, value in (base | changes).items() if value is not None}


def flat_part(**changes: Any) -> dict[str, Any]:
    return {"type": "flat", "name": "energy", "channel": "import", "price": 1} | changes


@pytest.mark.parametrize("start", ["2025-03-29", "2025-10-25", "2025-06-01"])
@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe"])
def test_every_half_hour_has_the_price_of_its_local_time(start: str, zone: str) -> None:
    # Days of 23, 24 and 25 hours; Lord Howe moves its clocks by half an hour.
    from_s = utc_s(start)
    steps = calendar_tariff(from_s, from_s + 10 * DAY_S, zone).steps("import")
    for at_s in range(from_s, from_s + 10 * DAY_S, INTERVAL_S):
        assert steps.at(at_s) == int(PRICES[band_by_clock(at_s, zone)] * 10_000)


def test_the_fee_is_that_of_decimal_over_a_change_of_clocks() -> None:
    from_s = utc_s("2025-03-29")
    meter = SealingMeter("clocks").origin(from_s)
    for slot in range(96):
        meter.reading(1 + slot * 7919 % 3000)
    house = House(meter, calendar_tariff(from_s, from_s + 9 * DAY_S), from_s=from_s)
    house.to_s = from_s + 2 * DAY_S
    bill = house.bill()
    total = sum(
        Decimal(opening.value) / 1000 * PRICES[band_by_clock(opening.start_s, "Europe/London")]
        for opening in bill.openings
    )
    expected = Decimal(total).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    assert bill.verdict.amount == str(expected)
    assert len(bill.openings) == 96


def test_holidays_and_seasons() -> None:
    switches = [{"at": "00:00", "band": "low"}, {"at": "12:00", "band": "high"}]
    low = [{"at": "00:00", "band": "low"}]
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    part = {
        "type": "time-of-use",
        "name": "energy",
        "channel": "import",
        "bands": [{"name": "low", "price": 1}, {"name": "high", "price": 9}],
        "seasons": [
            {"begins": "01-10", "days": [{"on": [*week, "holiday"], "switches": low}]},
            {
                "begins": "12-01",
                "days": [{"on": week, "switches": switches}, {"on": ["holiday"], "switches": low}],
            },
        ],
    }
    zone = Zone("UTC", ((START_S, 0),)).write()
    tariff = Tariff.read(document(parts=[part], holidays=["2025-01-01"], zone=zone))
    steps = tariff.steps("import")
    assert steps.at(START_S + 13 * 3600) == 1  # a holiday
    assert steps.at(START_S + DAY_S + 13 * 3600) == 9  # still the season of last December
    assert steps.at(START_S + 10 * DAY_S + 13 * 3600) == 1
    assert tariff.steps("export").prices == (0,)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"parts": [{"type": "weather"}]}, "tariff-part"),
        ({"parts": []}, "field-malformed"),
        ({"parts": [flat_part(price=True)]}, "field-malformed"),
        ({"parts": [flat_part(price=2**52)]}, "field-malformed"),
        ({"parts": [flat_part(channel="gas")]}, "field-malformed"),
        ({"parts": [flat_part(to=1)]}, "field-unknown"),
        ({"rounding": None}, "field-missing"),
        ({"customer": "Smith"}, "field-unknown"),
        ({"long_records": None}, "tariff-long-records"),
        ({"long_records": {"rule": "mean"}}, "field-malformed"),
        ({"long_records": {"rule": "lowest", "rounding": "floor"}}, "field-malformed"),
        ({"zone": {"name": "UTC", "offsets": [[START_S + 1, 0]]}}, "field-malformed"),
        ({"zone": {"name": "UTC", "offsets": [[START_S, 0], [START_S + 9, 0]]}}, "field-malformed"),
        ({"holidays": ["2025-12-25", "2025-01-01"]}, "field-malformed"),
        ({"holidays": ["20250101"]}, "field-malformed"),
        ({"currency": {"code": "eur", "minor_digits": 2}}, "field-malformed"),
        ({"valid": {"from_s": START_S, "to_s": START_S}}, "field-malformed"),
    ],
)
def test_a_document_that_does_not_say_it_exactly_is_refused(
    changes: dict[str, Any], code: str
) -> None:
    Tariff.read(document())
    with pytest.raises(Malformed) as caught:
        Tariff.read(document(**changes))
    assert caught.value.code == code


def test_long_records_are_priced_by_the_rule() -> None:
    steps = [(3600, -5), (1800, 10)]
    assert LongRecordRule("lowest", None).price(steps) == -5
    assert LongRecordRule("highest", None).price(steps) == 10
    assert LongRecordRule("mean", "half-even").price([(1, 1), (1, 2)]) == 2
    assert LongRecordRule("mean", "floor").price([(1, -1), (1, -2)]) == -2
    assert Steps((0, 10, 20), (1, 2, 3)).over(5, 25) == [(5, 1), (10, 2), (5, 3)]
    meter = SealingMeter("outage").origin().reading(100, length_s=9 * 3600, flags=1)
    house = House(meter, to_s=START_S + 9 * 3600)
    # 1 January 2025 was a Wednesday: night until seven, then day. The lowest price holds.
    assert house.bill(consent=True).bundle.proof.fee == 100 * 1255


def test_flat_tariffs_need_no_rule_and_units_must_agree() -> None:
    tariff = tariffs.flat("flat", currency="EUR", price="0.27", from_s=0, to_s=DAY_S)
    assert tariff.steps("import").prices == (27,)
    assert tariff.fee_exponent(Unit("Wh", 1)) == -2
    with pytest.raises(Refused, match="tariff-unit"):
        tariff.fee_exponent(Unit("m3", 0))
    with pytest.raises(Misuse, match="number"):
        tariffs.flat("flat", currency="EUR", price="cheap", from_s=0, to_s=DAY_S)
    records = House(SealingMeter().origin(2 * DAY_S).reading(1), tariff).meter.sealed
    from wattseal_host.stretch import Stretch

    with pytest.raises(Refused, match="tariff-period"):
        weigh(tariff, Stretch.from_sealed(records).records, ("import",))


def test_offsets_are_those_of_iana_and_the_customer_compares() -> None:
    from_s, to_s = utc_s("2025-01-01"), utc_s("2026-01-01")
    zone = Zone.from_iana("Europe/Berlin", from_s, to_s)
    assert zone.offsets == (
        (from_s, 3600),
        (utc_s("2025-03-30T01:00"), 7200),
        (utc_s("2025-10-26T01:00"), 3600),
    )
    zone.check_iana(to_s)
    shifted = Zone("Europe/Berlin", (zone.offsets[0], (zone.offsets[1][0] + 3600, 7200)))
    with pytest.raises(Refused, match="zone-differs"):
        shifted.check_iana(to_s)
    with pytest.raises(Misuse, match="zone-unknown"):
        Zone.from_iana("Europe/Atlantis", from_s, to_s)
    assert all(a < b for (a, _), (b, _) in pairwise(zone.offsets))
