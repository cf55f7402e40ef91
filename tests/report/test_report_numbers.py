"""Every sum on the page is the sum of what it stands under, to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_reader import PageReader, number
from report_samples import JANUARY_S, half_hourly, make_report, make_slots, three_rate
from wattseal_host.report import Slot, render
from wattseal_host.report.digits import column, exact, ticks

CASES = {
    "three rates": make_slots(days=7),
    "half-hourly": make_slots(days=7, price=half_hourly),
    "export": make_slots(days=7, price=half_hourly, with_export=True),
    "outage": make_slots(days=7, outage=(JANUARY_S + 3 * 86400 + 3600, 9 * 3600)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("caption", ["By day", "By hour of the day"])
def test_tables_add_up(name: str, caption: str) -> None:
    slots = CASES[name]
    head, *rows, total = PageReader(render(make_report(slots))).tables[caption]
    for i, title in enumerate(head):
        if i and "/" not in title:
            assert sum(number(row[i]) for row in rows) == number(total[i]), title
    assert number(total[1]) == len(slots)
    assert number(total[2]) == Decimal(sum(slot.value for slot in slots)) / 1000
    assert number(total[-1]) == Decimal(sum(slot.fee for slot in slots)) / 10**8


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("amount_minor", [None, 0, 123456])
def test_the_amount_is_the_sum_of_its_parts(name: str, amount_minor: int | None) -> None:
    changes = {} if amount_minor is None else {"amount_minor": amount_minor}
    data = make_report(CASES[name], **changes)
    table = PageReader(render(data)).tables["How the amount comes about"]
    rows, total = table[1:-1], table[-1]
    assert sum(number(row[2]) for row in rows) == number(total[2])
    assert number(total[2]) == Decimal(data.amount_minor).scaleb(-2)
    assert sum(number(row[1]) for row in rows if row[1]) == number(total[1])
    itemised = "not itemised" not in "".join(row[0] for row in rows)
    assert itemised == (amount_minor is None)


def test_the_opened_records_are_the_sealed_ones() -> None:
    slots = make_slots(days=7)
    read = PageReader(render(make_report(slots)))
    by_commitment = {slot.commitment[2:10]: slot for slot in slots}
    rows = read.tables["Four records, opened"][1:]
    shown = [slot for start, slot in by_commitment.items() if start in read.text]
    assert [number(row[1]) for row in rows] == [Decimal(slot.value) / 1000 for slot in shown]
    assert [number(row[-1]) for row in rows] == [Decimal(slot.fee) / 10**8 for slot in shown]


@given(st.integers(-(10**15), 10**15), st.integers(-9, 4), st.integers(0, 3))
def test_exact_numbers_read_back(count: int, exponent: int, least: int) -> None:
    text = exact(count, exponent, least)
    assert number(text) == Decimal(count).scaleb(exponent)
    assert len(text.partition(".")[2]) >= least


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=9), st.integers(-9, 2))
def test_columns_share_their_decimals(counts: list[int], exponent: int) -> None:
    texts = column(counts, exponent)
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    assert sum(map(number, texts)) == Decimal(sum(counts)).scaleb(exponent)


@given(st.floats(-1e6, 0), st.floats(0, 1e6))
def test_ticks_cover_and_stay_few(low: float, high: float) -> None:
    found = ticks(low, high)
    values = [tick.value for tick in found]
    slack = 1e-6 * (values[-1] - values[0])
    assert values[0] <= low + slack and values[-1] >= high - slack and 0 in values
    assert 2 <= len(found) <= 7
    assert len({tick.label for tick in found}) == len(found)


def test_prices_are_never_mixed_across_zero() -> None:
    def price(clock_s: int, day: int) -> int:
        return -three_rate(clock_s, day) if clock_s < 3600 else half_hourly(clock_s, day)

    page = PageReader(render(make_report(make_slots(days=9, price=price))))
    labels = [row[0] for row in page.tables["How the amount comes about"][1:-1]]
    (below,) = (label for label in labels if "\u2212" in label)
    assert below.count("\u2212") == 2


def test_a_record_without_price_is_a_band_of_its_own() -> None:
    slot = Slot(JANUARY_S, 1800, 5, 0, 0, "02" + "00" * 32, "00" * 5)
    table = PageReader(render(make_report((slot,)))).tables["How the amount comes about"]
    assert table[1][0] == "at 0.00"
