"""Standing charges, taxes, credits, rounding and long records: each against `decimal` or text."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from fractions import Fraction
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from households import utc_s
from hypothesis import given
from hypothesis import strategies as st
from sealed_house import INTERVAL_S, House, SealingMeter
from wattseal.errors import Malformed
from wattseal_host.customer.bill_report import render
from wattseal_host.provider.tariffs import Draft
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.describe import describe
from wattseal_host.tariff.weights import prices_over
from wattseal_host.tariff.zone import Zone
from wattseal_host.units import ROUNDING_MODES, Rounding, Unit

DAY_S = 86400
WH = Unit("Wh", 0)
D = Decimal


def draft(zone: str = "UTC", start: str = "2025-01-01", days: int = 365, **more: Any) -> Draft:
    from_s = utc_s(start, zone)
    return Draft("test", "EUR", from_s, from_s + days * DAY_S, zone, **more)


def standing_of(zone: str, amount: Decimal, per: str, start: str, end: str) -> Fraction:
    """A standing charge of a period, in minor units."""
    made = draft(zone, "2025-01-01", 730)
    made.standing("standing", amount, per)
    return made.finish().constant_minor(utc_s(start, zone), utc_s(end, zone))


TRANSITIONS = [
    ("Europe/London", "2025-03-30", 23),
    ("Europe/London", "2025-10-26", 25),
    ("Europe/Brussels", "2025-03-30", 23),
    ("Europe/Brussels", "2025-10-26", 25),
    ("Australia/Sydney", "2025-10-05", 23),
    ("Australia/Sydney", "2025-04-06", 25),
    ("Australia/Lord_Howe", "2025-10-05", Fraction(47, 2)),
    ("Europe/London", "2025-06-15", 24),
]


@pytest.mark.parametrize(("zone", "day", "hours"), TRANSITIONS)
def test_a_day_is_a_day_however_long(zone: str, day: str, hours: int) -> None:
    following = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
    from_s, to_s = utc_s(day, zone), utc_s(following, zone)
    assert to_s - from_s == hours * 3600
    made = draft(zone)
    made.standing("standing", D("0.51573"), "day")
    tariff = made.finish()
    one = Fraction("51.573")
    assert tariff.constant_minor(from_s, to_s) == one
    # Cut anywhere, the parts add up; the day belongs to the one it begins in.
    for cut_s in range(from_s + INTERVAL_S, to_s, INTERVAL_S):
        assert tariff.constant_minor(from_s, cut_s) == one
        assert tariff.constant_minor(cut_s, to_s) == 0


def test_a_day_that_begins_twice_is_counted_once() -> None:
    # Clocks go back across midnight: 00:30 becomes 23:30 of the day before.
    zone = Zone("X", ((0, 3600), (DAY_S * 3 - 3600 + 1800, 0)))
    days = zone.days(0, 10 * DAY_S)
    assert [day.day for day in days] == list(range(2, 11))
    for cut_s in range(0, 10 * DAY_S, 900):
        assert zone.days(0, cut_s) + zone.days(cut_s, 10 * DAY_S) == days
    # A day that is left out altogether, as on Samoa in 2011, counts: the month stays whole.
    samoa = Zone("X", ((0, -10 * 3600), (5 * DAY_S + 10 * 3600, 14 * 3600)))
    counted = samoa.days(10 * 3600, 9 * DAY_S - 14 * 3600)
    assert [day.day for day in counted] == list(range(1, 10))


def test_months_and_years_pro_rata() -> None:
    month = ("Europe/Paris", D("12.40"), "month")
    assert standing_of(*month, "2025-02-01", "2025-03-01") == 1240
    assert standing_of(*month, "2025-02-15", "2025-03-18") == 1240 * (
        Fraction(14, 28) + Fraction(17, 31)
    )
    assert standing_of("UTC", D("365"), "year", "2025-03-01", "2025-03-11") == 1000
    assert standing_of("UTC", D("5"), "period", "2025-03-01", "2025-03-11") == 500
    assert standing_of("UTC", D("-5"), "period", "2025-03-01", "2025-03-11") == -500
    # In summer time a UTC month still has its days: local midnights, not UTC ones.
    made = draft("Europe/London")
    made.standing("standing", D("1"), "day")
    assert made.finish().constant_minor(utc_s("2025-06-01"), utc_s("2025-08-01")) == 6100


def taxed(*taxes: tuple[str, str, list[str] | None]) -> Tariff:
    made = draft()
    made.flat("energy", D("0.2065"))
    made.flat("feed-in", D("-0.081"), "export")
    made.standing("standing", D("0.5"), "day")
    for name, percent, base in taxes:
        made.tax(name, D(percent), base)
    return made.finish()


def due(tariff: Tariff, imported: int, exported: int, days: int = 10) -> Fraction:
    """Minor units before rounding."""
    spans = [(tariff.from_s, tariff.from_s + INTERVAL_S)]
    ((p, q),) = prices_over(tariff, ("import", "export"), spans)
    fee = p * imported + q * exported
    opened = fee * Fraction(10) ** tariff.fee_exponent(WH)
    return opened + tariff.constant_minor(tariff.from_s, tariff.from_s + days * DAY_S)


def test_taxes_in_both_orders() -> None:
    energy, feed, standing = D("20.65"), D("-8.1"), D(500)  # 1 kWh each, ten days, in cents
    before = taxed(("levy", "2.5", ["energy"]), ("VAT", "21", None))
    assert due(before, 1000, 1000) == Fraction((energy * D("1.025") + feed + standing) * D("1.21"))
    after = taxed(("VAT", "21", None), ("levy", "2.5", ["energy"]))
    assert due(after, 1000, 1000) == Fraction(
        (energy + feed + standing) * D("1.21") + energy * D("0.025")
    )
    on_tax = taxed(("VAT", "21", ["energy", "standing"]), ("surtax", "10", ["VAT"]))
    assert due(on_tax, 1000, 1000) == Fraction(
        (energy + standing) * (1 + D("0.21") * D("1.1")) + feed
    )
    rebate = taxed(("rebate", "-100", ["feed-in"]))
    assert due(rebate, 0, 1000, 0) == 0
    # The scale is the least that makes the prices' factors whole; a common tax needs two digits.
    assert [t.decimals for t in (taxed(), taxed(("VAT", "21", None)), before)] == [0, 2, 5]


PARTS = st.lists(
    st.one_of(
        st.tuples(st.just("flat"), st.integers(-500, 900), st.sampled_from(["import", "export"])),
        st.tuples(st.just("standing"), st.integers(-500, 900), st.just("day")),
        st.tuples(st.just("tax"), st.integers(-300, 2500), st.integers(0, 2**8 - 1)),
    ),
    min_size=1,
    max_size=8,
)


@given(PARTS, st.integers(0, 2000), st.integers(0, 2000))
def test_folding_is_adding_up_part_by_part(
    parts: list[tuple[str, int, Any]], imported: int, exported: int
) -> None:
    """The bill line by line, in the order of the document, against one vector and one constant."""
    made, amounts = draft(), []
    for i, (kind, value, third) in enumerate(parts):
        price, name = D(value).scaleb(-4), f"part {i}"
        if kind == "flat":
            made.flat(name, price, third)
            reading = imported if third == "import" else exported
            amounts.append(Fraction(price) * 100 * reading / 1000)
        elif kind == "standing":
            made.standing(name, price, third)
            amounts.append(Fraction(price) * 100 * 10)
        else:
            base = [j for j in range(i) if third >> j & 1] or list(range(i))
            if not base:
                amounts.append(Fraction(0))
                made.standing(name, D(0), "period")
                continue
            made.tax(name, D(value).scaleb(-1), [f"part {j}" for j in base])
            amounts.append(sum(amounts[j] for j in base) * Fraction(value, 1000))
    assert due(made.finish(), imported, exported) == sum(amounts)


def part(**fields: Any) -> dict[str, Any]:
    return fields


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([part(type="tax", name="a", rate=1, rate_exponent=0, base="all-before")], "tariff-base"),
        ([part(type="tax", name="a", rate=1, rate_exponent=0, base=["a"])], "tariff-base"),
        ([part(type="tax", name="a", rate=1, rate_exponent=0, base=[])], "field-malformed"),
        ([part(type="tax", name="a", rate=1, rate_exponent=0, base="all")], "field-malformed"),
        ([part(type="tax", name="a", rate=1, rate_exponent=1, base=["b"])], "field-malformed"),
        ([part(type="standing", name="a", amount=1, per="week")], "field-malformed"),
        ([part(type="standing", name="a", amount=1, per="day")] * 2, "tariff-names"),
        (
            [
                part(type="flat", name="a", channel="import", price=1),
                part(type="tax", name="b", rate=10**9, rate_exponent=0, base=["a"]),
            ],
            "tariff-scale",
        ),
        (
            [part(type="series", name="a", channel="import", start_s=0, slot_s=60, prices=[1])],
            "field-malformed",
        ),
    ],
)
def test_parts_that_mean_nothing_are_refused(parts: list[dict[str, Any]], code: str) -> None:
    document = taxed().document | {"parts": parts}
    with pytest.raises(Malformed) as caught:
        Tariff.read(document)
    assert caught.value.code == code


BY_DECIMAL = {
    "half-even": ROUND_HALF_EVEN,
    "half-away-from-zero": ROUND_HALF_UP,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
    "towards-zero": ROUND_DOWN,
    "away-from-zero": ROUND_UP,
}


@given(st.integers(-10_000, 10_000), st.sampled_from(ROUNDING_MODES), st.sampled_from([1, 5, 100]))
def test_every_mode_rounds_credits_as_it_says(tenths: int, mode: str, step: int) -> None:
    steps = D(tenths) / 10 / step
    if mode in BY_DECIMAL:
        expected = int(steps.quantize(D(1), rounding=BY_DECIMAL[mode]))
    elif mode == "half-up":
        expected = floor(steps + D("0.5"))
    else:
        expected = ceil(steps - D("0.5"))
    assert Rounding(step, mode).apply(Fraction(tenths, 10)) == expected * step


@pytest.mark.parametrize("mode", ROUNDING_MODES)
@pytest.mark.parametrize("price", ["0.145", "-0.145", "0.155", "-0.155"])
def test_a_proven_bill_is_rounded_by_its_mode(mode: str, price: str) -> None:
    """One kWh at half a cent more: ties, for the customer and against."""
    made = draft(start="2025-03-01", rounding={"step_minor": 1, "mode": mode})
    made.flat("energy", D(price))
    meter = SealingMeter("modes").origin(made.from_s).reading(1000)
    house = House(meter, made.finish(), from_s=made.from_s, to_s=made.from_s + INTERVAL_S)
    low = int((D(price) * 100).to_integral_value(ROUND_FLOOR))
    up = {
        "half-even": low % 2 == 1, "half-away-from-zero": low >= 0, "half-up": True,
        "half-down": False, "floor": False, "ceiling": True, "towards-zero": low < 0,
        "away-from-zero": low >= 0,
    }[mode]  # fmt: skip
    assert house.bill(consent=True).bundle.statement.amount == low + up


@pytest.mark.parametrize("rule", ["lowest", "highest", "mean"])
def test_long_records_over_price_changes_with_taxes(rule: str) -> None:
    """Nine hours without power from midnight: seven at night's price, two at day's; the credit
    of export falls at night."""
    long_records = {"rule": rule} | ({"rounding": "half-even"} if rule == "mean" else {})
    made = draft(long_records=long_records)
    bands = [("night", D("0.1"), D("-0.03")), ("day", D("0.3"), D("-0.09"))]
    for name, channel, at in (("energy", "import", 1), ("feed-in", "export", 2)):
        named = [(band[0], D(str(band[at]))) for band in bands]
        made.time_of_use(name, named, "00:00 night, 07:00 day", channel=channel)
    made.tax("VAT", D("20"))
    tariff = made.finish()
    span = [(made.from_s, made.from_s + 9 * 3600)]
    ((weight, credit),) = prices_over(tariff, ("import", "export"), span)
    unit = D(10) ** (tariff.price_exponent - tariff.decimals)
    if rule == "mean":
        expected = (7 * D("0.1") + 2 * D("0.3")) / 9, (7 * D("-0.03") + 2 * D("-0.09")) / 9
        for found, exact in zip((weight, credit), expected, strict=True):
            assert found == int((exact * D("1.2") / unit).to_integral_value(ROUND_HALF_EVEN))
    else:
        day = rule == "highest"
        assert weight * unit == D("0.3" if day else "0.1") * D("1.2")
        # The lowest credit price is the largest credit.
        assert credit * unit == D("-0.03" if day else "-0.09") * D("1.2")


def test_a_whole_bill_of_many_parts_over_the_25_hour_day() -> None:
    zone = "Europe/Brussels"
    from_s, to_s = utc_s("2025-10-25", zone), utc_s("2025-10-28", zone)
    made = Draft("many parts", "EUR", from_s, to_s, zone)
    made.time_of_use(
        "energy",
        [("night", D("0.1578")), ("day", D("0.2065")), ("noon", D("-0.02"))],
        "00:00 night, 06:00 day, 12:00 noon, 14:00 day, 22:00 night",
    )
    made.flat("excise", D("0.0503288"))
    made.flat("feed-in", D("-0.0412"), "export")
    made.standing("meter", D("14.16"), "month")
    made.standing("network", D("0.5"), "day")
    made.tax("energy duty", D("2.5"), ["energy", "excise"])
    made.tax("VAT", D("6"), ["energy", "excise", "meter", "network", "energy duty"])
    meter = SealingMeter("many", channels=2).origin(from_s)
    readings = [(200 + 371 * i % 900, 97 * i % 1300) for i in range((to_s - from_s) // INTERVAL_S)]
    assert len(readings) == 2 * (24 + 25 + 24)
    for pair in readings:
        meter.reading(*pair)
    house = House(meter, made.finish(), from_s=from_s, to_s=to_s)
    bill = house.bill()

    energy = excise = feed_in = D(0)
    for i, (imported, exported) in enumerate(readings):
        local = datetime.fromtimestamp(from_s + i * INTERVAL_S, ZoneInfo(zone))
        noon, night = 12 <= local.hour < 14, local.hour < 6 or local.hour >= 22
        price = D("-0.02") if noon else D("0.1578") if night else D("0.2065")
        energy += price * imported / 1000
        excise += D("0.0503288") * imported / 1000
        feed_in -= D("0.0412") * exported / 1000
    charges = D("14.16") * 3 / 31 + D("0.5") * 3
    duty = (energy + excise) * D("0.025")
    vat = (energy + excise + charges + duty) * D("0.06")
    total = energy + excise + feed_in + charges + duty + vat
    assert bill.verdict.amount == str(total.quantize(D("0.01"), ROUND_HALF_EVEN))
    # The report shows what belongs to no slot by itself, and adds up.
    page = render(bill, bill.verdict, "provider", ["wattseal verify x"])
    for name in ("meter", "network", "energy duty", "VAT"):
        assert f">{name}<" in page
    assert "parts not itemised" not in page
    text = "\n".join(describe(house.tariff))
    assert "energy duty: 2.5 % on energy + excise" in text
    assert "meter: 14.16 a month, pro rata by days" in text
    assert "feed-in (energy you export): -0.0412 at all times" in text
