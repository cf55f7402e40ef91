"""Cheats with proven amounts. The cheater's own software lies; what it sends is judged as ever.

Each cheat is a whole attempt: the cheater's circuit is the right one, its witness is not, and the
proof is made without the honest prover's check. `make_bill` raises what the verifier found.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sealed_house import START_S, House
from test_shaped_tariffs import FLAT, VAT, document, house, part, readings, tiers
from wattseal.errors import Refused
from wattseal.p256 import N
from wattseal_host import proven_bill
from wattseal_host.customer import shares as customer_shares
from wattseal_host.proof.prover import prove_unchecked
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust
from wattseal_host.verify import verify_bundle

KEPT = Path(__file__).with_name("kept")
DEMAND = part("demand", price=90_000, highest=2, per_s=3600)
LEAST = {"type": "minimum", "name": "least", "amount": 500_000, "span": "period"}
BLOCKS = part(
    "tiers", mode="cumulative", unit_exponent=3, span="period",
    tiers=[{"up_to": 2, "price": 1000}, {"up_to": 9, "price": 4000}, {"price": 7000}],
)  # fmt: skip
WHOLE = {**BLOCKS, "mode": "whole-use"}
DAY = readings(31)[:48]
VALUES = DAY[:24]


def gadget(name: str) -> Any:
    return import_module(f"wattseal_host.proof.gadgets.{name}")


Lie = Callable[[pytest.MonkeyPatch], None]
Amount = Callable[[Fraction], Fraction]


def attempt(monkeypatch: pytest.MonkeyPatch, parts: list[Any], lie: Lie, amount: Amount) -> str:
    """The code a cheating bill is refused by. amount: cents before rounding, of the true ones."""
    case = house(VALUES, *parts)
    honest = case.bill(consent=True, full=False)
    assert verify_bundle(honest.data, case.trust).accepted
    compile_bill, exact_minor = proven_bill.compile_bill, Tariff.exact_minor

    def lying(*inputs: Any) -> Any:
        with pytest.MonkeyPatch.context() as inside:
            lie(inside)
            return compile_bill(*inputs)

    said = []

    def told(tariff: Tariff, fee: int, scene: Any) -> Fraction:
        said.append(amount(exact_minor(tariff, fee, scene)))
        return said[-1]

    monkeypatch.setattr(customer_shares, "compile_bill", lying)
    monkeypatch.setattr(Tariff, "exact_minor", told)
    unchecked(monkeypatch)
    with pytest.raises(Refused) as caught:
        case.bill(consent=True, full=False)
    assert round(said[0]) != honest.bundle.statement.amount
    return caught.value.code


def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prover who proves whatever is given."""

    def prove(instance: Any, assignment: Any, blindings: Any, _: Any) -> bytes:
        return prove_unchecked(instance, assignment, blindings)

    monkeypatch.setattr(proven_bill, "prove", prove)


def all_in_the_last_block(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gadget("tiers"), "min", lambda *_: 0, raising=False)


def all_in_the_first_block(patch: pytest.MonkeyPatch) -> None:
    number = gadget("numbers").number

    def too_much(b: Any, upper: int, value: int) -> Any:
        return replace(number(b, upper, value), value=value)

    patch.setattr(gadget("tiers"), "min", lambda rest, _: rest, raising=False)
    patch.setattr(gadget("tiers"), "number", too_much)


def never_above(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gadget("compare"), "int", lambda _: 0, raising=False)


def the_lowest(patch: pytest.MonkeyPatch) -> None:
    def backwards(items: Any, key: Any, reverse: bool) -> list[Any]:
        return builtins.sorted(items, key=key, reverse=not reverse)

    patch.setattr(gadget("highest"), "sorted", backwards, raising=False)


def nothing(patch: pytest.MonkeyPatch) -> None:
    """The witness is the true one, up to the amount."""


def cents(price: int, wh: int) -> Fraction:
    return Fraction(price * wh, 100_000)


@pytest.mark.parametrize(
    ("parts", "lie", "amount"),
    [
        ([BLOCKS], all_in_the_last_block, lambda _: cents(7000, sum(VALUES))),
        ([BLOCKS], all_in_the_first_block, lambda _: cents(1000, sum(VALUES))),
        ([WHOLE], never_above, lambda _: cents(1000, sum(VALUES))),
        ([DEMAND], the_lowest, lambda _: cents(90_000, sum(sorted(VALUES)[:2]))),
        ([FLAT], nothing, lambda true: true - 1),
        ([FLAT], nothing, lambda true: true + 1),
        ([BLOCKS, DEMAND, VAT], nothing, lambda true: true / Fraction("1.19")),
    ],
    ids=["dearer-blocks", "cheaper-blocks", "cheaper-class", "lower-peak", "rounded-down",
         "rounded-up", "tax-forgotten"],
)  # fmt: skip
def test_another_amount(
    monkeypatch: pytest.MonkeyPatch, parts: list[Any], lie: Lie, amount: Amount
) -> None:
    assert attempt(monkeypatch, parts, lie, amount) == "proof-false"


@pytest.mark.parametrize("parts", [[BLOCKS], [DEMAND], [FLAT, BLOCKS, DEMAND, VAT]])
@pytest.mark.parametrize("by", [-1, 700])
def test_a_reading_told_lower_or_higher(
    monkeypatch: pytest.MonkeyPatch, parts: list[Any], by: int
) -> None:
    """Amount and witness fit each other, and not what was sealed. (The delegate who overcharges is
    the same case.)"""
    case = house(VALUES, *parts)
    genuine = Tariff.scene

    def lying(self: Tariff, enrolment: Any, spans: Any, bits: int, values: Any = None) -> Any:
        if values is not None:
            told = list(values["import"])
            place = told.index(max(told))
            told[place] += by
            values = {"import": told}
        return genuine(self, enrolment, spans, bits, values)

    monkeypatch.setattr(Tariff, "scene", lying)
    unchecked(monkeypatch)
    with pytest.raises(Refused, match="proof-false"):
        case.bill(consent=True, full=False)


def test_a_minimum_forgotten() -> None:
    """No amount below the minimum is one of the circuit's."""
    bundle = house(VALUES, FLAT).bill(consent=True, full=False).bundle
    case = house(VALUES, FLAT, LEAST)
    honest = case.bill(consent=True, full=False).bundle
    said = replace(honest.statement, amount=bundle.statement.amount)
    assert said.amount < honest.statement.amount == 5000
    for proof in (honest.proof, bundle.proof):
        code = verify_bundle(replace(honest, statement=said, proof=proof).write(), case.trust).code
        assert code == "proof-public"


def test_amounts_that_wrap_round_the_order() -> None:
    """Mod the order these are the honest amount."""
    case = house(VALUES, FLAT, BLOCKS)
    bundle = case.bill(consent=True, full=False).bundle
    for turns in (-1, 1, 2):
        wrapped = replace(bundle.statement, amount=bundle.statement.amount + turns * N)
        code = verify_bundle(replace(bundle, statement=wrapped).write(), case.trust).code
        assert code in ("proof-public", "field-malformed"), code


def test_yesterdays_tariff_and_two_tariffs_with_one_name() -> None:
    """A proof by a cheaper tariff of the same name, and that tariff in the bundle."""
    case = house(VALUES, FLAT, BLOCKS)
    bundle = case.bill(consent=True, full=False).bundle
    cheap = Tariff.read(document({**FLAT, "price": 1}, BLOCKS))
    assert cheap.name == case.tariff.name
    other = replace(case, tariff=cheap)
    other.contract_jws = case.contract_jws
    theirs = House(case.meter, cheap, case.provider, case.from_s, case.to_s)
    made = theirs.bill(consent=True, full=False).bundle
    assert made.statement.amount < bundle.statement.amount
    swapped = replace(made, contract=bundle.contract)
    assert verify_bundle(swapped.write(), case.trust).code == "contract-tariff"
    said = replace(bundle.statement, amount=made.statement.amount)
    forged = replace(bundle, statement=said, proof=made.proof)
    assert verify_bundle(forged.write(), case.trust).code in ("proof-false", "proof-length")


def test_last_months_proof_for_the_same_consumption() -> None:
    """Two days of the very same readings, one after the other: each needs its own proof."""
    case = house([*DAY, *DAY], FLAT, tiers())
    days = [replace(case, from_s=at_s, to_s=at_s + 86400) for at_s in (START_S, START_S + 86400)]
    for day in days:
        day.contract_jws, day.tariff_jws = case.contract_jws, case.tariff_jws
    first, second = (day.bill(consent=True, full=False).bundle for day in days)
    assert first.statement.amount == second.statement.amount
    replayed = replace(second, proof=first.proof)
    assert verify_bundle(replayed.write(), case.trust).code == "proof-false"
    assert verify_bundle(first.write(), case.trust).accepted


def test_identity_points_and_scalars_beyond_the_order() -> None:
    case = house(VALUES, FLAT)
    bundle = case.bill(consent=True, full=False).bundle
    data = bundle.proof.data
    scalars_at = 1 + 8 * 33
    for changed in (
        data[:1] + bytes(33) + data[34:],
        data[:1] + b"\5" + data[2:],
        data[:scalars_at] + N.to_bytes(32, "big") + data[scalars_at + 32 :],
        data[:scalars_at] + b"\xff" * 32 + data[scalars_at + 32 :],
    ):
        proof = replace(bundle.proof, data=changed)
        code = verify_bundle(replace(bundle, proof=proof).write(), case.trust).code
        assert code.split("-")[0] in ("point", "scalar"), code


@pytest.mark.parametrize("name", ["linear", "circuit", "joint-linear", "joint-circuit"])
def test_kept_bundles_verify_for_ever(name: str) -> None:
    trust = Trust.load(KEPT / ("joint-trust.json" if "joint" in name else "trust.json"))
    verdict = verify_bundle((KEPT / f"{name}.json").read_bytes(), trust)
    assert verdict.accepted, verdict.code
    assert Fraction(verdict.amount) > 0
