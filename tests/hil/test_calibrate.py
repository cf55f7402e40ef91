"""Constants from what meter and reference show; and what they do to a board with faulty parts."""

import math

import pytest
from wattseal_hil.calibrate import Reference, calibrate_bench, check_bench, constants
from wattseal_hil.errors import BoardError
from wattseal_hil.frontend import bench
from wattseal_hil.questions import Means, means

QUIET = Means(100, 0.0, 0.0, 230.0, 0.146478, 0.0, 50_000, 0)


def shown(volts, amps, angle_rad=0.0, flags=0):
    power = volts * amps
    active, reactive = power * math.cos(angle_rad), power * math.sin(angle_rad)
    return Means(100, active, reactive, volts, amps, active, 50_000, flags)


def test_gain_phase_and_noise():
    # The meter shows 2 % too much voltage and 1 % too little current, which leads by 1 degree.
    pairs = [
        (Reference(230, amps, 230 * amps), shown(234.6, 0.99 * amps, -math.radians(1)))
        for amps in (1.0, 10.0)
    ]
    found = constants(QUIET, pairs, 73_239, 308_826)
    assert found == {
        "voltage_uv_per_step": round(308_826 / 1.02),
        "current_noise_msteps": 2000,
        "current_points": [[ma, round(73_239 / 0.99), 1000] for ma in (1000, 10_000)],
    }


def test_a_reference_may_tell_reactive_power():
    true = Reference(230, 5, 575, 230 * 5 * math.sin(math.pi / 3))
    found = constants(QUIET, [(true, shown(230, 5, math.radians(58.8)))], 73_239, 308_826)
    assert found["current_points"] == [[5000, 73_239, 1200]]


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(Reference(230, 5, 1150), shown(230, 5))] * 2,
        [(Reference(230, 0, 0), shown(230, 5))],
        [(Reference(230, 5, 1150), shown(230, 1))],
        [(Reference(230, 5, 1150), shown(230, 5, flags=1))],
        [(Reference(230, a, 230 * a), shown(230, a)) for a in range(1, 10)],
    ],
)
def test_points_that_make_no_calibration(pairs):
    with pytest.raises(BoardError) as refusal:
        constants(QUIET, pairs, 73_239, 308_826)
    assert refusal.value.code == "calibration-points"


def test_a_meter_that_measures_nothing():
    answer = dict.fromkeys(
        ("bursts", "sum_power_mw", "import_uj", "export_uj", "mains_mhz", "flags"), 0
    )
    with pytest.raises(BoardError):
        means(answer, answer, 200)


def test_a_board_with_faulty_parts_becomes_a_meter():
    calls = []
    front_end = bench(2)
    found = calibrate_bench(front_end, 2, lambda done, of_all: calls.append(done / of_all))
    checks = check_bench(front_end, 2, found, lambda done, of_all: None)
    assert calls == sorted(calls) and calls[0] == 0 and calls[-1] < 1
    assert max(abs(row["before_percent"]) for row in checks) > 2
    assert max(abs(row["after_percent"]) for row in checks) < 0.7
