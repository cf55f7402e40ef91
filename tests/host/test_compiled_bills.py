"""The circuit of a bill and the fee in fractions say the same, for tariffs nobody thought of; a
verifier who sees no readings compiles the same circuit."""

from __future__ import annotations

import random
from typing import Any

import pytest
from test_shaped_tariffs import EVENING, FLAT, STANDING, START_S, VAT, document, house, part
from wattseal.errors import Refused
from wattseal_host.documents import Enrolment
from wattseal_host.proof.group import P256
from wattseal_host.proven_bill import Segment, bits_for, compile_bill, magnitude_of
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import prices_over
from wattseal_host.units import ROUNDING_MODES, Unit
from wattseal_host.verify import verify_bundle

HALF_HOUR = 1800
TOP = 2**32 - 1
MODES = sorted(ROUNDING_MODES)


def ladder(rng: random.Random, most: int) -> list[dict[str, int]]:
    ends = sorted(rng.sample(range(1, most), rng.randrange(1, 5)))
    steps = [{"up_to": end, "price": rng.randrange(-5000, 9000)} for end in ends]
    return [*steps, {"price": rng.randrange(-5000, 9000) or 1}]


def shaped(rng: random.Random, number: int) -> dict[str, Any]:
    kind = rng.choice(["tiers", "steps", "demand", "polynomial", "spline", "table"])
    when = {"when": EVENING} if rng.random() < 0.3 and kind != "table" else {}
    price = rng.randrange(-9000, 9000) or 5
    fields: dict[str, Any]
    if kind == "tiers":
        mode = rng.choice(["cumulative", "whole-use"])
        span = rng.choice(["period", "day", "month"])
        fields = {"mode": mode, "unit_exponent": rng.choice([0, 2]), "span": span}
        fields["tiers"] = ladder(rng, 3000)
    elif kind == "steps":
        per_s = rng.choice([900, 1800, 3600, 7000])
        fields = {"unit_exponent": 0, "per_s": per_s, "steps": ladder(rng, 3000)}
    elif kind == "demand":
        fields = {"price": price, "highest": rng.choice([1, 2, 5, 60]), "per_s": 3600}
    elif kind == "polynomial":
        some = [rng.randrange(-999, 999) for _ in range(rng.randrange(1, 4))]
        fields = {"unit_exponent": rng.choice([0, 3]), "coefficients": [*some, price]}
    elif kind == "spline":
        pieces = [
            {"slope": piece.pop("price"), "intercept": rng.randrange(-99, 99), **piece}
            for piece in ladder(rng, 2000)
        ]
        fields = {"unit_exponent": rng.choice([0, 1]), "pieces": pieces}
    else:
        classes = sorted(rng.sample(range(1, 2000), 4))
        rows = [{"band": b, "amounts": [rng.randrange(-9, 99) for _ in range(5)]} for b in
                ("in", "out")]  # fmt: skip
        fields = {"unit_exponent": 0, "classes": classes, "times": rows, **EVENING}
    return part(kind, name=f"{kind} {number}", **fields, **when)


def tariff_of(rng: random.Random) -> Tariff:
    parts = [shaped(rng, number) for number in range(rng.randrange(1, 4))]
    if rng.random() < 0.6:
        parts.append(part("flat", price=rng.choice([-700, 2500])))
    if rng.random() < 0.5:
        parts.append(STANDING)
    if rng.random() < 0.5:
        amount = rng.choice([0, 1, 50_000, 10**7])
        parts.append({"type": "minimum", "name": "least", "amount": amount, "span": "month"})
    if rng.random() < 0.7:
        parts.append(VAT)
    return Tariff.read(document(*parts, step=rng.choice([1, 5, 100]), mode=rng.choice(MODES)))


def readings_of(rng: random.Random) -> list[int]:
    count = rng.randrange(36, 60)  # into the evening
    kind = rng.randrange(4)
    if kind == 0:
        return [0] * count
    if kind == 1:
        return [rng.randrange(3)] * count
    most = 4000 if kind == 2 else TOP + 1
    return [rng.choice([0, 1, most - 1, rng.randrange(most)]) for _ in range(count)]


@pytest.mark.parametrize("seed", range(60))
def test_circuit_and_fractions_agree(seed: int) -> None:
    rng = random.Random(f"compiled {seed}")
    tariff, values = tariff_of(rng), readings_of(rng)
    spans = [(START_S + i * HALF_HOUR, START_S + (i + 1) * HALF_HOUR) for i in range(len(values))]
    if seed % 3 == 0:  # an outage of three and a half hours at the end
        spans[-1] = (spans[-1][0], spans[-1][0] + 7 * HALF_HOUR)
    enrolment = Enrolment(bytes(16), bytes(33), Unit("Wh", 0), HALF_HOUR, ("import",))
    bits = bits_for(values)
    weights = [price for (price,) in prices_over(tariff, ("import",), spans)]
    magnitude = magnitude_of(weights)
    fee = sum(p * v for p, v in zip(weights, values, strict=True))
    scene = tariff.scene(enrolment, spans, bits, {"import": values})
    amount = tariff.rounding.apply(tariff.exact_minor(fee, scene))
    made = compile_bill([Segment(tariff, scene, magnitude, fee)], amount)
    assert made.assignment is not None
    assert made.circuit.fault(made.assignment, P256.order) is None
    seen = compile_bill([Segment(tariff, tariff.scene(enrolment, spans, bits), magnitude)])
    assert seen.assignment is None and seen.circuit.digest == made.circuit.digest
    assert seen.inputs == made.inputs
    # No other amount fits the same readings.
    step = tariff.rounding.step_minor
    low, high = (
        made.circuit.symbols[made.circuit.publics[0]].lo,
        made.circuit.symbols[made.circuit.publics[0]].hi,
    )
    for other in (amount - step, amount + step):
        if low <= other // step <= high:
            lie = compile_bill([Segment(tariff, scene, magnitude, fee)], other)
            assert lie.assignment is not None
            assert lie.circuit.fault(lie.assignment, P256.order) is not None


def test_a_demand_is_held_to_its_readings_and_not_to_their_bits() -> None:
    """All of the readings are the highest ones, and a minimum is above what 16 bits could cost."""
    least = {"type": "minimum", "name": "least", "amount": 6800, "span": "period"}
    demand = part("demand", price=100, highest=8, per_s=1800)
    for value, amount in ((70_000, 70), (60_000, 68)):
        case = house([value] * 8, demand, least)
        bill = case.bill(consent=True, full=False)
        assert bill.bundle.statement.amount == amount
        assert verify_bundle(bill.data, case.trust).accepted
    compiled = []
    for bits in (16, 24):
        scene = case.tariff.scene(
            case.enrolment,
            [(START_S + i * 1800, START_S + i * 1800 + 1800) for i in range(8)],
            bits,
        )
        compiled.append(compile_bill([Segment(case.tariff, scene, (0, 0))]).circuit)
    # Nothing was decided by what the customer says of the bits.
    assert all(any(-1 in dict(terms) for terms, _ in circuit.rows) for circuit in compiled)


@pytest.mark.parametrize("parts", [[STANDING], [part("flat", price=0), STANDING]])
def test_a_bill_that_no_reading_is_in(parts: list[Any]) -> None:
    case = house([5] * 48, *parts)
    bill = case.bill(consent=True, full=False)
    assert bill.bundle.statement.amount == 12  # 0.1234 for one day
    assert verify_bundle(bill.data, case.trust).accepted


def test_numbers_beyond_what_can_be_proven() -> None:
    curve = part("polynomial", unit_exponent=18, coefficients=[10**9, 1, 1, 1, 1])
    with pytest.raises(Refused) as caught:
        house([5] * 4, FLAT, curve).bill(consent=True, full=False)
    assert caught.value.code == "tariff-magnitude"
