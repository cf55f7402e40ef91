"""A small document can stand for a great many prices; how many is known before they are made."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealed_house import INTERVAL_S, START_S
from wattseal.errors import Malformed
from wattseal_host.customer.spy import FUSE_KW, Limit
from wattseal_host.customer.tariff_check import check_tariff
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.steps import Steps, add_steps
from wattseal_host.tariff.zone import Zone

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]


def document(parts: int, switches: int, years: int) -> dict[str, Any]:
    to_s = START_S + years * 365 * 86400
    day = [{"at": f"{i // 4:02d}:{i % 4 * 15:02d}", "band": "ab"[i % 2]} for i in range(switches)]
    seasons = [{"begins": "01-01", "days": [{"on": DAYS, "switches": day}]}]
    bands = [{"name": "a", "price": 120}, {"name": "b", "price": 300}]
    calendar = {"type": "time-of-use", "channel": "import", "bands": bands, "seasons": seasons}
    return {
        "name": "long",
        "currency": {"code": "GBP", "minor_digits": 2},
        "price_exponent": -4,
        "per": {"name": "Wh", "exponent": 3},
        "valid": {"from_s": START_S, "to_s": to_s},
        "zone": Zone.from_iana("Europe/London", START_S, to_s).write(),
        "parts": [{**calendar, "name": f"part {number}"} for number in range(parts)],
        "long_records": {"rule": "lowest"},
        "rounding": {"step_minor": 1, "mode": "half-even"},
    }


@pytest.mark.parametrize(("parts", "switches"), [(64, 96), (64, 4), (1, 96)])
def test_fifty_years_of_many_prices_are_refused_at_once(parts: int, switches: int) -> None:
    big = document(parts, switches, 50)
    assert len(json.dumps(big)) < 500_000
    started = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="tariff-too-large"):
            Tariff.read(big)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - started < 3


def test_fifty_years_of_few_prices_and_ten_of_many_are_read() -> None:
    for parts, switches, years in ((4, 6, 50), (2, 96, 10)):
        assert not Tariff.read(document(parts, switches, years)).steps("import").constant


def test_ten_years_are_checked_in_seconds() -> None:
    tariff = Tariff.read(document(2, 4, 10))
    started = time.perf_counter()
    limit = Limit.of_fuse(FUSE_KW, 0)
    assert not check_tariff(tariff, ("import",), INTERVAL_S, 30 * 86400, limit)
    assert time.perf_counter() - started < 15


STEPS = st.dictionaries(st.integers(1, 30), st.integers(-5, 5), max_size=8).map(
    lambda later: Steps.make([(0, 1), *sorted(later.items())])
)


@given(st.lists(st.tuples(st.integers(-3, 3), STEPS), max_size=4), st.integers(0, 20))
def test_a_sum_of_steps_is_the_sum_at_every_time(
    parts: list[tuple[int, Steps]], from_s: int
) -> None:
    summed = add_steps(parts, from_s)
    assert summed.starts[0] == from_s
    for at_s in range(from_s, 35):
        assert summed.at(at_s) == sum(k * steps.at(at_s) for k, steps in parts)
