"""The spy test: tariffs that would give readings away are refused with the slots named."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import gcd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Misuse, Refused
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.spy import FUSE_KW, Limit, Row, Slot, examine_bill, examine_tariff
from wattseal_host.customer.spy.bounds import confined_readings
from wattseal_host.customer.spy.rank import telling_windows
from wattseal_host.customer.tariff_check import check_tariff
from wattseal_host.errors import Unusable
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.zone import Zone

LIMIT = Limit.of_fuse(FUSE_KW, 0)
MOST = LIMIT.most(INTERVAL_S)
DAY = 48


def row(weights: Sequence[int], fee: int | None = None, start: int = 0) -> Row:
    slots = [
        Slot(START_S + (start + i) * INTERVAL_S, INTERVAL_S, (w,)) for i, w in enumerate(weights)
    ]
    return Row(tuple(slots), fee)


def bill(weights: Sequence[int], values: Sequence[int], start: int = 0) -> Row:
    return row(weights, sum(w * v for w, v in zip(weights, values, strict=True)), start)


def codes(found: Sequence[object]) -> set[str]:
    return {finding.code for finding in found}  # type: ignore[attr-defined]


def use(count: int) -> list[int]:
    return [120 + 613 * i % 800 for i in range(count)]


def at(*places: int) -> list[tuple[int, int]]:
    return [(START_S + i * INTERVAL_S, START_S + (i + 1) * INTERVAL_S) for i in places]


def test_honest_tariffs_pass() -> None:
    for weights in ([27] * 60, [1255, 3141] * 40, [1200, -300, 0, 700] * 20, [0] * 40):
        assert not examine_tariff(row(weights), LIMIT)
        assert not examine_bill(bill(weights, use(len(weights))), [], LIMIT)
        assert not telling_windows([row(weights)])


def test_price_1_in_one_slot_and_0_elsewhere() -> None:
    weights = [0] * DAY
    weights[17] = 1
    for found in (
        examine_tariff(row(weights), LIMIT),
        examine_bill(bill(weights, use(DAY)), [], LIMIT),
    ):
        window = next(finding for finding in found if finding.code == "disclosure-window")
        assert list(window.spans) == at(17)


def test_nine_slots_are_a_total_and_eight_are_not() -> None:
    eight, nine = [0] * 20 + [5] * 8 + [0] * 20, [0] * 20 + [5] * 9 + [0] * 20
    assert "disclosure-window" in codes(examine_tariff(row(eight), LIMIT))
    assert "disclosure-window" not in codes(examine_tariff(row(nine), LIMIT))


def test_prices_that_bill_all_readings_at_once() -> None:
    weights = [2 ** (32 * t) for t in range(7)] + [0] * 20
    assert {"disclosure-length", "disclosure-window"} <= codes(examine_tariff(row(weights), LIMIT))
    spread = [2 ** (32 * (t // 10)) if t % 10 == 0 else 0 for t in range(70)]
    found = examine_bill(bill(spread, use(70)), [], LIMIT)
    assert {"disclosure-length", "disclosure-confined"} <= codes(found)
    # The highest weight's reading is pinned first.
    confined = next(finding for finding in found if finding.code == "disclosure-confined")
    assert at(60)[0] in confined.spans


def test_superincreasing_prices() -> None:
    weights = [12_000**t for t in range(4) for _ in range(3)][:10] + [0] * 30
    assert "disclosure-confined" in codes(examine_tariff(row(weights), LIMIT))
    assert "disclosure-confined" in codes(examine_bill(bill(weights, use(40)), [], LIMIT))


@pytest.mark.parametrize("place", [0, 20, DAY - 1])
@pytest.mark.parametrize("other", [8192, -8192, 8192 * 3])
def test_a_reading_told_by_the_remainder(place: int, other: int) -> None:
    weights = [other] * DAY
    weights[place] = 1
    fee = bill(weights, use(DAY)).fee or 0
    assert fee % 8192 == use(DAY)[place]
    for found in (
        examine_tariff(row(weights), LIMIT),
        examine_bill(bill(weights, use(DAY)), [], LIMIT),
    ):
        remainder = next(f for f in found if f.code == "disclosure-remainder")
        assert list(remainder.spans) == at(place)
        assert codes(found) == {"disclosure-remainder"}


@pytest.mark.parametrize(("other", "told"), [(1000, True), (12, True), (11, False), (10, False)])
def test_how_many_remainders_tell_of_a_half_hour(other: int, told: bool) -> None:
    """11,500 Wh can pass in one: a hundredth is 115 Wh, of which modulo 12 nine values are left."""
    weights = [other] * 20 + [1] + [other] * 20
    assert bool(examine_tariff(row(weights), LIMIT)) == told


def test_a_window_told_by_the_remainder_and_a_harmless_remainder() -> None:
    weights = [100_000] * 20 + [3, 5, 7] + [100_000] * 20
    assert "disclosure-remainder" in codes(examine_tariff(row(weights), LIMIT))
    # Six half-hours at 399 among 1176: their sum modulo 56 Wh, which is no news.
    assert not examine_tariff(row([1176] * 20 + [399] * 6 + [1176] * 20), LIMIT)
    # A common tax of 5.5 % changes nothing.
    assert not examine_tariff(row([1055 * w for w in [1176] * 20 + [399, 6720] * 14]), LIMIT)


def test_two_tariffs_that_differ_in_one_slot() -> None:
    weights = [27, 41] * 24
    first = bill(weights, use(DAY))
    weights[9] += 1
    second = bill(weights, use(DAY))
    assert not examine_bill(second, [], LIMIT)
    found = examine_bill(second, [first], LIMIT)
    assert {"disclosure-overlap", "disclosure-window"} <= codes(found)
    window = next(finding for finding in found if finding.code == "disclosure-window")
    assert list(window.spans) == at(9)


def test_overlaps_and_what_they_tell() -> None:
    first = bill([27] * DAY, use(DAY))
    assert not examine_bill(first, [first], LIMIT)  # the same row again tells nothing new
    shifted = bill([27] * DAY, use(DAY + 2)[2:], start=2)
    assert {"disclosure-overlap"} <= codes(examine_bill(shifted, [first], LIMIT))
    assert not examine_bill(bill([27] * DAY, use(DAY), start=DAY), [first], LIMIT)
    # Three overlapping rows: first + later - all leaves the four slots between them.
    later = bill([27] * DAY, use(DAY), start=DAY + 4)
    whole = row([27] * (2 * DAY + 4), 27 * 500 * 90)
    found = examine_bill(whole, [first, later], Limit(Fraction(10**9)))
    window = next(finding for finding in found if finding.code == "disclosure-window")
    assert window.spans == ((START_S + DAY * INTERVAL_S, START_S + (DAY + 4) * INTERVAL_S),)


def test_a_bill_of_nothing_tells_that_nothing_was_used() -> None:
    assert codes(examine_bill(bill([27] * DAY, [0] * DAY), [], LIMIT)) == {"disclosure-confined"}
    assert codes(examine_bill(bill([27] * DAY, [10] * DAY), [], LIMIT)) == {"disclosure-confined"}
    # With negative prices a fee of nothing is no sign of nothing.
    weights = [27, -27] * 24
    assert not examine_bill(bill(weights, [500] * DAY), [], LIMIT)


def test_one_price_far_above_the_rest() -> None:
    weights = [20] * 300 + [20 * 500] + [20] * 300
    found = examine_tariff(row(weights), LIMIT)
    assert codes(found) == {"disclosure-confined"} and list(found[0].spans) == at(300)
    assert not examine_tariff(row([20] * 300 + [20 * 17] * 6 + [20] * 300), LIMIT)


def test_values_of_more_than_48_bits() -> None:
    weights = [2**40 + i for i in range(DAY)]
    assert codes(examine_tariff(row(weights), LIMIT)) == {"disclosure-length"}
    assert not examine_tariff(row([2**40] * DAY), LIMIT)  # a common factor tells nothing


def rank(vectors: list[list[Fraction]]) -> int:
    vectors = [list(vector) for vector in vectors]
    found = 0
    for column in range(len(vectors[0]) if vectors else 0):
        pivot = next((i for i in range(found, len(vectors)) if vectors[i][column]), None)
        if pivot is None:
            continue
        vectors[found], vectors[pivot] = vectors[pivot], vectors[found]
        for i in range(found + 1, len(vectors)):
            factor = vectors[i][column] / vectors[found][column]
            vectors[i] = [a - factor * b for a, b in zip(vectors[i], vectors[found], strict=True)]
        found += 1
    return found


WEIGHTS = st.lists(st.integers(-2, 2), min_size=12, max_size=12)


@given(st.lists(WEIGHTS, min_size=1, max_size=4))
def test_windows_are_those_of_the_ranks(matrix: list[list[int]]) -> None:
    """rank(A) - rank(A without W) > 0, tried for every window."""
    rows = [row(weights) for weights in matrix]
    whole = [[Fraction(w) for w in weights] for weights in matrix]
    expected: list[tuple[int, int]] = []
    for width in range(1, 9):
        for first in range(12 - width + 1):
            without = [weights[:first] + weights[first + width :] for weights in whole]
            if rank(whole) > rank(without):
                expected.append((at(first)[0][0], at(first + width - 1)[0][1]))
        if expected:
            break
    assert telling_windows(rows) == expected


@given(
    st.lists(st.integers(-9, 9), min_size=3, max_size=3),
    st.lists(st.integers(-9, 9), min_size=3, max_size=3),
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
)
def test_bounds_never_shut_out_what_is_possible(
    one: list[int], two: list[int], values: list[int]
) -> None:
    tight = Limit(Fraction(8))  # 0..4 in half an hour
    rows = [bill(one, values), bill(two, values)]
    possible = [
        tried
        for tried in product(range(5), repeat=3)
        if all(
            bill(weights, tried).fee == r.fee for weights, r in zip((one, two), rows, strict=True)
        )
    ]
    for reading in confined_readings(rows, tight):
        place = (reading.from_s - START_S) // INTERVAL_S
        assert {tried[place] for tried in possible} <= {*range(reading.low, reading.high + 1)}


def spy_tariff(weights: list[int], zone: str = "Europe/London", per: int = 3) -> Tariff:
    """Prices slot by slot in pence from 1 June 2025, 00:00 UTC."""
    from_s = 1_748_736_000
    to_s = from_s + len(weights) * INTERVAL_S
    part = {
        "type": "series", "name": "energy", "channel": "import",
        "start_s": from_s, "slot_s": INTERVAL_S, "prices": weights,
    }  # fmt: skip
    document = {
        "name": "spy",
        "currency": {"code": "GBP", "minor_digits": 2},
        "price_exponent": -4,
        "per": {"name": "Wh", "exponent": per},
        "valid": {"from_s": from_s, "to_s": to_s},
        "zone": Zone.from_iana(zone, from_s, to_s).write(),
        "parts": [part],
        "long_records": {"rule": "lowest"},
        "rounding": {"step_minor": 1, "mode": "half-even"},
    }
    return Tariff.read(document)


def house_of(weights: list[int]) -> House:
    tariff = spy_tariff(weights)
    meter = SealingMeter("spied").origin(tariff.from_s)
    for value in use(len(weights)):
        meter.reading(value)
    return House(meter, tariff, from_s=tariff.from_s, to_s=tariff.to_s)


def test_on_receipt_and_in_the_bill_with_the_slot_in_local_time(tmp_path: Path) -> None:
    weights = [0] * DAY
    weights[36] = 1
    house = house_of(weights)
    found = check_tariff(house.tariff, ("import",), INTERVAL_S, 30 * 86400, LIMIT)
    assert "disclosure-window" in codes(found)
    with pytest.raises(Refused) as caught:
        house.bill()
    # 18:00 UTC is 19:00 in a London June.
    assert caught.value.code == "disclosure-window"
    assert "from 2025-06-01 19:00 to 2025-06-01 19:30" in caught.value.detail
    made = house.bill(consent=True)
    assert made.verdict.accepted
    assert "disclosure-window" in made.releases.made[0].consent
    made.releases.save(tmp_path / "releases.json")
    assert Releases.load(tmp_path / "releases.json", house.meter.meter) == made.releases


def test_releases_add_up_over_bills(tmp_path: Path) -> None:
    weights = [1200, 3000] * 24
    house = house_of(weights)
    releases = house.bill().releases
    assert house.bill(releases=releases).releases == releases  # made again: no second release
    weights[7] += 1
    again = House(house.meter, spy_tariff(weights), house.provider, house.from_s, house.to_s)
    with pytest.raises(Refused) as caught:
        again.bill(releases=releases)
    assert caught.value.code == "disclosure-overlap"
    both = again.bill(consent=True, releases=releases).releases
    assert [len(release.consent) > 0 for release in both.made] == [False, True]
    path = tmp_path / "customer.releases.json"
    assert Releases.path_for(tmp_path / "customer.json") == path
    both.save(path)
    assert Releases.load(path, house.meter.meter) == both
    with pytest.raises(Unusable, match="releases-malformed"):
        Releases.load(path, bytes(16))
    path.chmod(0o644)
    with pytest.raises(Misuse, match="secret-exposed"):
        Releases.load(path, house.meter.meter)


def test_export_readings_are_watched_as_well() -> None:
    slots = [Slot(START_S + i * INTERVAL_S, INTERVAL_S, (0, -8)) for i in range(4)]
    slots += [Slot(START_S + i * INTERVAL_S, INTERVAL_S, (0, 0)) for i in range(4, 40)]
    assert "disclosure-window" in codes(examine_tariff(Row(tuple(slots), None), LIMIT))
    both = [Slot(START_S + i * INTERVAL_S, INTERVAL_S, (8192, -8192)) for i in range(40)]
    both[3] = Slot(both[3].start_s, INTERVAL_S, (8192, -1))
    found = examine_tariff(Row(tuple(both), None), LIMIT)
    assert codes(found) == {"disclosure-remainder"} and list(found[0].spans) == at(3)


def test_a_year_of_half_hours_is_examined_in_a_moment() -> None:
    import time

    weights = [1 + 7919 * i % 30_011 - 4000 for i in range(17_520)]
    assert gcd(*weights) == 1
    started = time.perf_counter()
    assert not examine_bill(bill(weights, use(17_520)), [], LIMIT)
    assert time.perf_counter() - started < 2


def test_a_fuse_that_is_too_small_is_raised_to_what_was_measured() -> None:
    assert LIMIT.raised_to([(400, 1800)]) == LIMIT
    assert LIMIT.raised_to([(20_000, 1800)]).most(1800) == 20_000
    assert (MOST, Limit.of_fuse(FUSE_KW, 3).most(INTERVAL_S)) == (11_500, 12)
