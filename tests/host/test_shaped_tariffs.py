"""Tariffs that no weighted sum can say: their amounts, and the proofs of them.

Amounts are reckoned a second time here, in Decimal and from the words of FORMATS.md, one small
function a part. Every proof is made from sealed records and checked from the bundle's bytes.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Malformed, Refused, WattsealError
from wattseal_host.bundle import Bundle
from wattseal_host.engine import differences, points_from_bytes, running_sums
from wattseal_host.proven_bill import CircuitProof
from wattseal_host.tariff import Tariff
from wattseal_host.verify import verify_bundle

DAYS = 5
TO_S = START_S + DAYS * 86400
SLOTS = DAYS * 48
EVENING = {
    "seasons": [
        {
            "begins": "01-01",
            "days": [
                {"on": ["mon", "tue", "wed", "thu", "fri", "holiday"], "switches": [
                    {"at": "00:00", "band": "out"}, {"at": "17:00", "band": "in"},
                    {"at": "21:00", "band": "out"}]},
                {"on": ["sat", "sun"], "switches": [{"at": "00:00", "band": "out"}]},
            ],
        }
    ]
}  # fmt: skip


def document(*parts: dict[str, Any], step: int = 1, mode: str = "half-even") -> dict[str, Any]:
    return {
        "name": "shaped",
        "currency": {"code": "EUR", "minor_digits": 2},
        "price_exponent": -4,
        "per": {"name": "Wh", "exponent": 3},
        "valid": {"from_s": START_S, "to_s": START_S + 40 * 86400},
        "zone": {"name": "UTC", "offsets": [[START_S, 0]]},
        "parts": list(parts),
        "long_records": {"rule": "lowest"},
        "rounding": {"step_minor": step, "mode": mode},
    }


def part(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "name": fields.pop("name", kind), "channel": "import", **fields}


FLAT = part("flat", price=2500)
STANDING = {"type": "standing", "name": "standing", "amount": 1234, "per": "day"}
VAT = {"type": "tax", "name": "vat", "rate": 19, "rate_exponent": -2, "base": "all-before"}


def readings(seed: int, most: int = 1500) -> list[int]:
    rng = random.Random(f"shaped {seed}")
    return [rng.choice([0, rng.randrange(200), rng.randrange(most)]) for _ in range(SLOTS)]


def house(values: list[int], *parts: dict[str, Any], hour: int = 0, **options: Any) -> House:
    """hour: of the first day, when it begins."""
    from_s = START_S + 3600 * hour
    meter = SealingMeter(f"shaped {values[:3]}").origin(from_s).paired()
    for value in values:
        meter.reading(value)
    tariff = Tariff.read(document(*parts, **options))
    return House(meter, tariff, from_s=from_s, to_s=from_s + len(values) * INTERVAL_S)


def billed(values: list[int], *parts: dict[str, Any], **options: Any) -> tuple[House, Any]:
    case = house(values, *parts, **options)
    return case, case.bill(consent=True, full=False)


def euros(value: Decimal) -> int:
    """Cents of a price sum, rounded as stated."""
    return int((value * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


P = Decimal("0.0001")
KWH = Decimal("0.001")


def blocks(total_wh: int, ends_kwh: list[int], prices: list[int]) -> Decimal:
    fee, low = Decimal(0), 0
    for end_kwh, price in zip([*ends_kwh, 10**9], prices, strict=True):
        inside = max(0, min(total_wh, end_kwh * 1000) - low * 1000)
        fee += inside * KWH * price * P
        low = end_kwh
    return fee


def tiers(mode: str = "cumulative", span: str = "period", **more: Any) -> dict[str, Any]:
    steps = [{"up_to": 20, "price": 2000}, {"up_to": 50, "price": 3000}, {"price": 4500}]
    return part("tiers", mode=mode, unit_exponent=3, tiers=steps, span=span, **more)


@pytest.mark.parametrize("total", [0, 19_999, 20_000, 20_001, 49_999, 50_000, 50_001, 200_000])
@pytest.mark.parametrize("mode", ["cumulative", "whole-use"])
def test_blocks_at_their_ends(mode: str, total: int) -> None:
    values = [total // SLOTS] * SLOTS
    values[7] += total - sum(values)
    case, bill = billed(values, tiers(mode), VAT)
    if mode == "cumulative":
        fee = blocks(total, [20, 50], [2000, 3000, 4500])
    else:
        price = 2000 if total <= 20_000 else 3000 if total <= 50_000 else 4500
        fee = total * KWH * price * P
    assert bill.bundle.statement.amount == euros(fee * Decimal("1.19"))
    verdict = verify_bundle(bill.data, case.trust)
    assert verdict.accepted, verdict.code


def test_blocks_by_day_scale_with_the_days_of_the_period() -> None:
    values = readings(1)
    steps = [{"up_to": 3, "price": 1000}, {"price": 5000}]
    _, bill = billed(
        values, part("tiers", mode="cumulative", unit_exponent=3, tiers=steps, span="day")
    )
    assert bill.bundle.statement.amount == euros(blocks(sum(values), [3 * DAYS], [1000, 5000]))


def in_evening(slot: int) -> bool:
    # START_S is a Sunday or any other day: by the calendar of the standard library.
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(START_S + slot * INTERVAL_S, UTC)
    return at.weekday() < 5 and 17 <= at.hour < 21


def test_blocks_in_chosen_hours_beside_a_flat_price_and_charges() -> None:
    values = readings(2)
    chosen = sum(v for i, v in enumerate(values) if in_evening(i))
    case, bill = billed(values, FLAT, tiers(when=EVENING), STANDING, VAT)
    fee = sum(values) * KWH * 2500 * P + blocks(chosen, [20, 50], [2000, 3000, 4500])
    fee += DAYS * 1234 * P
    assert bill.bundle.statement.amount == euros(fee * Decimal("1.19"))
    assert verify_bundle(bill.data, case.trust).accepted


@pytest.mark.parametrize("highest", [1, 3])
@pytest.mark.parametrize("when", [None, EVENING])
def test_demand(highest: int, when: Any) -> None:
    values = readings(3)[:48]  # Wednesday; each reading has a proof of its own
    more = {} if when is None else {"when": when}
    case, bill = billed(
        values, FLAT, part("demand", price=125_000, highest=highest, per_s=3600, **more)
    )
    some = sorted(v for i, v in enumerate(values) if when is None or in_evening(i))
    kw = sum(some[-highest:]) * KWH * 2 / highest
    fee = sum(values) * KWH * 2500 * P + kw * 125_000 * P
    assert bill.bundle.statement.amount == euros(fee)
    assert verify_bundle(bill.data, case.trust).accepted


def test_interval_steps_at_their_ends() -> None:
    values = [0, 299, 300, 301, 599, 600, 601, 1499]
    steps = [{"up_to": 600, "price": 1000}, {"up_to": 1200, "price": -2000}, {"price": 9000}]
    case, bill = billed(values, part("steps", unit_exponent=0, per_s=3600, steps=steps))
    fee = sum(
        (v * KWH * (1000 if v <= 300 else -2000 if v <= 600 else 9000) * P for v in values),
        Decimal(0),
    )
    assert bill.bundle.statement.amount == euros(fee)
    assert verify_bundle(bill.data, case.trust).accepted


def test_polynomial_spline_and_table() -> None:
    hour, values = 16, readings(4)[:7]  # into the evening
    pieces = [
        {"up_to": 100, "slope": 30, "intercept": 0},
        {"up_to": 700, "slope": 10, "intercept": 2000},
        {"slope": -5, "intercept": 40},
    ]
    table = part(
        "table", unit_exponent=0, classes=[50, 500],
        times=[{"band": "in", "amounts": [1, 20, 300]}, {"band": "out", "amounts": [0, 5, -7]}],
        seasons=EVENING["seasons"],
    )  # fmt: skip
    case, bill = billed(
        values,
        part("polynomial", unit_exponent=3, coefficients=[7, 1000, -300, 20]),
        part("spline", unit_exponent=0, pieces=pieces),
        table,
        hour=hour,
    )
    fee = Decimal(0)
    for slot, v in enumerate(values):
        x = v * KWH
        fee += (7 + 1000 * x - 300 * x**2 + 20 * x**3) * P
        fee += (30 * v if v <= 100 else 10 * v + 2000 if v <= 700 else -5 * v + 40) * P
        row = [1, 20, 300] if in_evening(slot + 2 * hour) else [0, 5, -7]
        fee += row[0 if v <= 50 else 1 if v <= 500 else 2] * P
    assert bill.bundle.statement.amount == euros(fee)
    assert verify_bundle(bill.data, case.trust).accepted


@pytest.mark.parametrize("amount", [0, 100_000, 10**7])
def test_a_minimum_bill_with_tax_on_it(amount: int) -> None:
    values = readings(5)
    least = {"type": "minimum", "name": "least", "amount": amount, "span": "period"}
    case, bill = billed(values, FLAT, STANDING, least, VAT)
    fee = sum(values) * KWH * 2500 * P + DAYS * 1234 * P
    assert bill.bundle.statement.amount == euros(max(fee, amount * P) * Decimal("1.19"))
    assert verify_bundle(bill.data, case.trust).accepted
    with pytest.raises(Refused, match="tariff-shaped"):
        case.bill(consent=True, full=True)


@pytest.mark.parametrize("mode", ["half-even", "floor", "ceiling", "away-from-zero"])
@pytest.mark.parametrize("price", [2500, -2500])
def test_a_rounded_bill_of_prices_alone(mode: str, price: int) -> None:
    values = readings(6)
    case, bill = billed(values, part("flat", price=price), step=5, mode=mode)
    opened = case.bill(consent=True, full=True)
    assert bill.bundle.statement == opened.bundle.statement
    assert isinstance(bill.bundle.proof, CircuitProof)
    assert len(bill.bundle.proof.data) < 1000
    assert verify_bundle(bill.data, case.trust).accepted


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([tiers(span="week")], "field-malformed"),
        ([tiers(mode="some")], "field-malformed"),
        ([part("tiers", mode="cumulative", unit_exponent=3, span="day", tiers=[
            {"up_to": 5, "price": 1}])], "field-malformed"),
        ([part("tiers", mode="cumulative", unit_exponent=3, span="day", tiers=[
            {"up_to": 5, "price": 1}, {"up_to": 5, "price": 1}, {"price": 2}])], "field-malformed"),
        ([part("demand", price=1, highest=0, per_s=3600)], "field-malformed"),
        ([part("demand", price=1.5, highest=1, per_s=3600)], "field-malformed"),
        ([part("demand", price=1, highest=1)], "field-missing"),
        ([part("polynomial", unit_exponent=0, coefficients=[0] * 6)], "field-malformed"),
        ([part("steps", unit_exponent=0, per_s=0, steps=[{"price": 1}])], "field-malformed"),
        ([tiers(when={"seasons": [{"begins": "01-01", "days": []}]})], "field-malformed"),
        ([{"type": "minimum", "name": "least", "amount": 5, "span": "day"}], "tariff-minimum"),
        ([FLAT, {"type": "minimum", "name": "least", "amount": 5, "span": "day"}, STANDING],
         "tariff-minimum"),
        ([FLAT, {"type": "minimum", "name": "least", "amount": 5, "span": "day"},
          {**VAT, "base": ["flat"]}], "tariff-minimum"),
    ],
)  # fmt: skip
def test_what_is_not_said_exactly_is_refused(parts: list[Any], code: str) -> None:
    with pytest.raises(Malformed) as caught:
        Tariff.read(document(*parts))
    assert caught.value.code == code


# Cheats


@pytest.fixture(scope="module")
def case() -> House:
    return house(readings(7), FLAT, tiers(), VAT)


@pytest.fixture(scope="module")
def bill(case: House) -> Any:
    return case.bill(consent=True, full=False)


def judged(case: House, bundle: Bundle) -> str:
    return verify_bundle(bundle.write(), case.trust).code


def test_another_amount_has_no_proof(case: House, bill: Any) -> None:
    said = bill.bundle.statement
    for by in (-1, 1, -said.amount, 2**40):
        other = replace(said, amount=said.amount + by)
        code = judged(case, replace(bill.bundle, statement=other))
        assert code in ("proof-false", "proof-public"), code


def test_a_statement_that_lies_is_named(case: House, bill: Any) -> None:
    said = bill.bundle.statement
    for field, value in (
        ("to_s", said.to_s - INTERVAL_S), ("contract", bytes(32)), ("meter", bytes(16)),
        ("last", bytes(32)), ("tariffs", (bytes(32),)),
    ):  # fmt: skip
        other = replace(said, **{field: value})
        code = judged(case, replace(bill.bundle, statement=other))
        assert code == f"statement-{field.removesuffix('_s')}"


def test_the_proof_of_another_bill(case: House, bill: Any) -> None:
    """Of another month, another meter, and another tariff of the same amount."""
    others = [
        house(readings(8), FLAT, tiers(), VAT),
        house(readings(7), FLAT, tiers("whole-use"), VAT),
        house(readings(7)[:-48], FLAT, tiers(), VAT),
    ]
    for other in others:
        proof = other.bill(consent=True, full=False).bundle.proof
        assert judged(case, replace(bill.bundle, proof=proof)).startswith("proof-")


def test_a_part_left_out_of_the_circuit(case: House, bill: Any) -> None:
    """A customer who proves the tariff without its blocks, for the lower amount that comes to."""
    cheaper = house(readings(7), FLAT, VAT)
    lower = cheaper.bill(consent=True, full=False).bundle
    assert lower.statement.amount < bill.bundle.statement.amount
    amount = replace(bill.bundle.statement, amount=lower.statement.amount)
    forged = replace(bill.bundle, statement=amount, proof=lower.proof)
    assert judged(case, forged).startswith("proof-")


def test_every_byte_of_the_proof_counts(case: House, bill: Any) -> None:
    data = bill.bundle.proof.data
    for at in range(0, len(data), 67):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        proof = replace(bill.bundle.proof, data=changed)
        code = judged(case, replace(bill.bundle, proof=proof))
        assert code.split("-")[0] in ("proof", "point", "scalar"), code
    for changed in (b"", data[:-1], data + b"\0"):
        code = judged(case, replace(bill.bundle, proof=replace(bill.bundle.proof, data=changed)))
        assert code in ("proof-length", "proof-version")


def test_a_record_lowered_dropped_swapped_or_of_another_meter(case: House, bill: Any) -> None:
    bodies = list(bill.bundle.bodies)
    foreign = house(readings(9), FLAT, tiers(), VAT).bill(consent=True, full=False).bundle.bodies
    for changed in (
        [*bodies[:5], foreign[5], *bodies[6:]],
        [*bodies[:5], *bodies[6:]],
        [*bodies[:5], bodies[6], bodies[5], *bodies[7:]],
        [*bodies[:5], bodies[5][:50] + b"\1" + bodies[5][51:], *bodies[6:]],
    ):
        code = judged(case, replace(bill.bundle, bodies=tuple(changed)))
        assert code.split("-")[0] in ("chain", "point", "record", "hints"), code


def test_bits_that_the_readings_do_not_have(case: House) -> None:
    """A claim about the readings' size is part of the statement proven."""
    values = readings(10)[:24]
    demand = house(values, FLAT, part("demand", price=1000, highest=1, per_s=3600))
    made = demand.bill(consent=True, full=False).bundle
    assert made.proof.bits == 16
    other = replace(made, proof=replace(made.proof, bits=24))
    assert judged(demand, other).startswith("proof-")
    high = house([*values[:-1], 70_000], FLAT, part("demand", price=1000, highest=1, per_s=3600))
    wide = high.bill(consent=True, full=False).bundle
    assert wide.proof.bits == 24 and verify_bundle(wide.write(), high.trust).accepted


def test_a_demand_in_one_slot_is_a_spy() -> None:
    """Of one half-hour a week the highest is the reading itself."""
    hour = {"seasons": [{"begins": "01-01", "days": [
        {"on": ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"], "switches": [
            {"at": "00:00", "band": "out"}, {"at": "03:00", "band": "in"},
            {"at": "03:30", "band": "out"}]}]}]}  # fmt: skip
    spy = house(
        readings(11)[:48], FLAT, part("demand", price=1000, highest=1, per_s=3600, when=hour)
    )
    with pytest.raises(Refused, match="disclosure-window"):
        spy.bill(full=False)


@pytest.mark.parametrize("amounts", [(0, 0), (7, 7)])
def test_a_table_of_one_half_hour_is_a_spy(amounts: tuple[int, int]) -> None:
    """It looks at every reading, and only one of them changes the amount."""
    every_day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
    switches = [("00:00", "rest"), ("03:00", "one"), ("03:30", "rest")]
    table = part(
        "table", unit_exponent=0, classes=[500],
        times=[{"band": "rest", "amounts": list(amounts)}, {"band": "one", "amounts": [0, 900]}],
        seasons=[{"begins": "01-01", "days": [
            {"on": every_day, "switches": [{"at": at, "band": band} for at, band in switches]}
        ]}],
    )  # fmt: skip
    spy = house(readings(13)[:48], FLAT, table)
    with pytest.raises(Refused, match="disclosure-window"):
        spy.bill(full=False)


def test_the_same_bill_again_is_no_new_release_and_another_one_is(case: House) -> None:
    honest = house(readings(12), FLAT, tiers(), VAT)
    first = honest.bill(full=False)
    assert len(first.releases.made) == 2  # the row of the price, and that of the blocks
    again = honest.bill(full=False, releases=first.releases)
    assert again.releases == first.releases
    with pytest.raises(Refused, match="disclosure-overlap"):
        honest.to_s -= 86400
        honest.bill(full=False, releases=first.releases)


def test_differences_undo_sums() -> None:
    sums = running_sums(None, [point for point in points()])
    assert differences([None, *sums]) == points()
    with pytest.raises(WattsealError, match="point-identity"):
        differences([sums[0], sums[0]])
    assert points_from_bytes(bytes(64)) == [None]


def points() -> list[Any]:
    from wattseal_host.engine import commitment_to

    return [commitment_to(v, 7 * v + 1) for v in (3, 5, 5, 0, 9)]
