"""The constants of one board: what the file may say, and what is done with it."""

import json

import pytest
from meter.calibration import design, parse
from meter.roots import square_root
from meter.settings import Settings
from wattseal.errors import Malformed

GOOD = {
    "voltage_uv_per_step": 308_826,
    "current_noise_msteps": 1500,
    "current_points": [[250, 73_240, 412], [5000, 73_300, 371]],
}


def refusal(text):
    with pytest.raises(Malformed) as caught:
        parse(text)
    return caught.value.code


def test_a_good_file():
    calibration = parse(json.dumps(GOOD))
    assert calibration.present
    assert calibration.voltage_uv_per_step == 308_826
    assert calibration.points == ((250, 73_240, 412), (5000, 73_300, 371))
    assert calibration.noise_msteps == 1500


def test_noise_may_be_left_out():
    assert parse(json.dumps({k: v for k, v in GOOD.items() if "noise" not in k})).noise_msteps == 0


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "null", "1"])
def test_no_object(text):
    assert refusal(text) == "calibration-json"


def test_an_unknown_name():
    assert refusal(json.dumps({**GOOD, "gain": 1})) == "calibration-unknown"


@pytest.mark.parametrize(
    "change",
    [
        {"voltage_uv_per_step": None},
        {"voltage_uv_per_step": 308_826.0},
        {"voltage_uv_per_step": True},
        {"voltage_uv_per_step": 0},
        {"voltage_uv_per_step": 10**9},
        {"current_noise_msteps": -1},
        {"current_points": None},
        {"current_points": []},
        {"current_points": [[0, 1, 0]] * 9},
        {"current_points": [[250, 73_240]]},
        {"current_points": [[250, 73_240, 0, 0]]},
        {"current_points": [[250, 0, 0]]},
        {"current_points": [[-1, 73_240, 0]]},
        {"current_points": [[250, 73_240, 10_001]]},
        {"current_points": [[250, 73_240, "0"]]},
        {"current_points": [[250, 73_240, 0], [250, 73_240, 0]]},
        {"current_points": [[5000, 73_240, 0], [250, 73_240, 0]]},
    ],
)
def test_a_value_out_of_order_refuses_the_file(change):
    values = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    assert refusal(json.dumps(values)) == "calibration-value"


def test_between_points_it_is_a_straight_line_and_outside_the_nearest():
    points = [[1000, 70_000, 0], [3000, 72_000, 600]]
    calibration = parse(json.dumps({**GOOD, "current_points": points}))

    def at(current_ma):
        return calibration.current_at(current_ma * 65_536_000 // 70_000 + 1)

    assert at(10) == (70_000, 0)
    gain, lead_urad = at(2000)
    assert gain == pytest.approx(71_000, abs=1)
    assert lead_urad == pytest.approx(300 * 17.4533, abs=20)
    assert at(50_000) == (72_000, 10_471)


def test_the_design_is_what_the_settings_say():
    calibration = design(Settings(), 805_634)
    assert calibration.voltage_uv_per_step == pytest.approx(230_000_000 * 0.805634 / 600, rel=1e-5)
    assert calibration.points == ((0, 73_239, 0),)
    assert not calibration.present
    assert design(Settings(), 402_817).voltage_uv_per_step == calibration.voltage_uv_per_step // 2


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 2**32 - 1, 2**32, (1 << 28) ** 2 - 1])
def test_the_square_root_is_the_largest_that_fits(number):
    root = square_root(number)
    assert root * root <= number < (root + 1) ** 2


def test_no_root_of_a_negative_number():
    assert square_root(-5) == 0
