import random

import pytest
from meter.energy import UJ_PER_WH, Energy, unit_uj


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(-3, 3_600_000), (0, UJ_PER_WH), (3, 3_600_000_000_000)],
)
def test_units(exponent, expected):
    assert unit_uj(exponent) == expected


def test_nothing_is_rounded_away():
    """Readings cut at any instants add up to the register, less one part unit at the end."""
    random.seed(20)
    energy = Energy(two_way=False)
    total_uj = sealed = 0
    for _ in range(5000):
        power_mw, elapsed_ms = random.randrange(10_000_000), random.randrange(1, 70_000)
        energy.hold(power_mw)
        energy.flush(elapsed_ms)
        total_uj += power_mw * elapsed_ms
        sealed += energy.import_uj // UJ_PER_WH - sealed
    assert energy.import_uj == total_uj
    assert 0 <= total_uj - sealed * UJ_PER_WH < UJ_PER_WH


def test_power_holds_until_the_next_burst():
    energy = Energy(two_way=False)
    energy.hold(1_000_000)
    energy.flush(1_800_000)
    energy.hold(500_000)
    energy.flush(1_800_000)
    assert energy.import_uj == 750 * UJ_PER_WH


def test_export_counts_apart_or_not_at_all():
    two_way, one_way = Energy(two_way=True), Energy(two_way=False)
    for energy in (two_way, one_way):
        energy.hold(-1_000_000)
        energy.flush(3_600_000)
    assert two_way.registers_uj() == (0, 1000 * UJ_PER_WH)
    assert one_way.registers_uj() == (0,)
