"""Rows hidden in the remainders: odd slots far apart among multiples of a large number."""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape

import pytest
from sealed_house import INTERVAL_S, START_S
from test_spy import LIMIT, at, bill, codes, house_of, row, use
from wattseal.errors import Refused
from wattseal_host.customer.bill_report import render
from wattseal_host.customer.spy import Row, Slot, examine_bill, examine_tariff
from wattseal_host.customer.tariff_check import check_tariff

SLOTS = 300
HIDDEN = {"disclosure-hidden-row"}


def odd(base: int | Sequence[int], **slots: int) -> list[int]:
    """300 slots at the prices of base in turn, some at others: s10=7."""
    prices = [base] if isinstance(base, int) else base
    weights = [prices[i % len(prices)] for i in range(SLOTS)]
    for name, weight in slots.items():
        weights[int(name[1:])] = weight
    return weights


ATTACKS = {
    "plus 1 and 1009": odd(312_000, s10=312_001, s200=313_009),
    "1 and 1009": odd(312_000, s10=1, s200=1009),
    "minus 1 and plus 1009": odd(312_000, s10=311_999, s200=313_009),
    "the sum of two readings": odd(312_000, s10=1, s200=1),
    "two holidays of a time of use": odd([90_000] * 14 + [300_000] * 34, s10=90_001, s200=300_007),
    "of a time of use in pennies": odd([1200] * 14 + [3000] * 34, s10=1201, s200=3007),
    "under decoys": odd(312_000, s10=1, s200=1009, **{f"s{i}": 312_007 for i in range(20, 180, 4)}),
    "negative prices": odd(-312_000, s10=-1, s200=-1009),
}  # fmt: skip


def readings_told(fee: int) -> tuple[int, int]:
    """What a spy makes of the fee of the second attack."""
    second, first = divmod(fee % 312_000, 1009)
    return first, second


def test_the_attack_tells_two_readings() -> None:
    values = use(SLOTS)
    values[200] = 290
    fee = bill(ATTACKS["1 and 1009"], values).fee
    assert readings_told(fee or 0) == (values[10], 290)


@pytest.mark.parametrize("name", ATTACKS)
def test_far_slots_are_found_on_receipt_and_in_the_bill(name: str) -> None:
    weights, values = ATTACKS[name], use(SLOTS)
    values[200] = 90
    for found in (
        examine_tariff(row(weights), LIMIT),
        examine_bill(bill(weights, values), [], LIMIT, values),
    ):
        (hidden,) = found
        assert hidden.code == "disclosure-hidden-row"
        assert at(200)[0] in hidden.spans
        assert name == "under decoys" or list(hidden.spans) in (at(200), at(10, 200))


@pytest.mark.parametrize("name", ["plus 1 and 1009", "1 and 1009"])
def test_end_to_end_the_tariff_and_the_bill_are_refused(name: str) -> None:
    house = house_of(ATTACKS[name])
    found = check_tariff(house.tariff, ("import",), INTERVAL_S, 30 * 86400, LIMIT)
    assert codes(found) == HIDDEN
    with pytest.raises(Refused, match="disclosure-hidden-row") as caught:
        house.bill()
    # 05:00 UTC on 1 June is 06:00 in London.
    assert "from 2025-06-01 06:00 to 2025-06-01 06:30" in caught.value.detail
    made = house.bill(consent=True)
    assert made.releases.made[0].consent == ("disclosure-hidden-row",)
    page = render(made, made.verdict, "the provider", [])
    assert f"readings<small>{made.disclosed[0]}</small>" in unescape(page)
    assert "from 2025-06-01 06:00 to 2025-06-01 06:30" in made.disclosed[0]


def test_import_in_one_slot_and_export_in_another() -> None:
    def weights(number: int) -> tuple[int, int]:
        return (1 if number == 10 else 312_000, 1009 if number == 200 else -104_000)

    slots = [Slot(START_S + i * INTERVAL_S, INTERVAL_S, weights(i)) for i in range(SLOTS)]
    values = [value for one in use(SLOTS) for value in (one, one // 4)]
    fee = sum(w * v for w, v in zip([w for s in slots for w in s.weights], values, strict=True))
    for found in (
        examine_tariff(Row(tuple(slots), None), LIMIT),
        examine_bill(Row(tuple(slots), fee), [], LIMIT, values),
    ):
        assert codes(found) == HIDDEN
        assert list(found[0].spans) == at(10, 200)


def test_a_row_hidden_in_a_hidden_row() -> None:
    """Modulo 10^9 twenty slots' sum at 10^6; modulo that, of two readings."""
    weights = odd(10**9, s10=1, s200=1009, **{f"s{i}": 10**6 for i in range(20, 180, 8)})
    values = use(SLOTS)
    values[200] = 290
    assert codes(examine_tariff(row(weights), LIMIT)) >= HIDDEN
    assert codes(examine_bill(bill(weights, values), [], LIMIT, values)) == HIDDEN


def test_ten_slots_that_share_a_hidden_row_evenly_and_more_are_a_sum() -> None:
    """A second sum over many slots is told and let pass, as the first sum is."""
    weights = odd(312_000, **{f"s{i}": 312_001 for i in range(20, 180, 8)})
    values = use(SLOTS)
    assert not examine_tariff(row(weights), LIMIT)
    assert not examine_bill(bill(weights, values), [], LIMIT, values)
    # But a sum of nothing says of every one of them that nothing was used.
    for number in range(20, 180, 8):
        values[number] = 0
    assert codes(examine_bill(bill(weights, values), [], LIMIT, values)) == HIDDEN


def test_a_sum_above_the_modulus_is_not_told() -> None:
    weights = odd([1200] * 14 + [3000] * 34, **{f"s{i}": 1201 for i in range(20, 180, 8)})
    values = use(SLOTS)
    assert not examine_tariff(row(weights), LIMIT)
    assert not examine_bill(bill(weights, values), [], LIMIT, values)
