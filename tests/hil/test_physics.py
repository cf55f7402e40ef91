"""The analogue side: amplitudes, phase, saturation, noise that depends on time alone."""

import numpy as np
import pytest
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.physics import BIAS_V, BLOCK, FULL_SCALE_V, STEPS, Physics

T_US = 1_767_225_600_000_000
CYCLES = slice(0, 1000)  # five whole cycles at 100 us a conversion


def block(watts: float, seed: int = 1, t_us: int = T_US) -> np.ndarray:
    """Volts at the two pins: voltage, then current."""
    codes = np.frombuffer(Physics(seed, ConstantLoad(watts)).block(t_us), "<u2")
    assert codes.max() <= STEPS
    return codes.reshape(2, BLOCK)[:, CYCLES] * (FULL_SCALE_V / STEPS)


def test_amplitudes_are_those_of_the_transformer_and_the_divider():
    volts, amps = block(2300)
    assert volts.mean() == pytest.approx(BIAS_V, abs=1e-3)
    assert volts.std() == pytest.approx(0.6, rel=1e-3)
    assert amps.std() == pytest.approx(10 * 0.011, rel=5e-3)


def test_current_is_in_phase_and_power_comes_out_right():
    power_w = []
    for k in range(200):
        volts, amps = block(500, t_us=T_US + k * 1_234_567)
        product = (volts - volts.mean()) * (amps - amps.mean())
        power_w.append(product.mean() * 230 / 0.6 / 0.011)
    assert np.mean(power_w) == pytest.approx(500, rel=1e-3)


def test_without_a_load_only_noise_of_one_step_is_left():
    _, amps = block(0)
    assert 0.8 < amps.std() / (FULL_SCALE_V / STEPS) < 1.3


def test_the_largest_load_just_reaches_the_rail():
    _, amps = block(17_000)
    assert amps.min() < 0.2 and amps.max() < FULL_SCALE_V


def test_codes_depend_on_seed_and_time_and_on_nothing_else():
    physics = Physics(7, ConstantLoad(100))
    first = [physics.block(T_US + k * 60_000_000) for k in range(5)]
    again = [Physics(7, ConstantLoad(100)).block(T_US + k * 60_000_000) for k in range(4, -1, -1)]
    assert first == again[::-1]
    assert len(set(first)) == 5
    assert Physics(8, ConstantLoad(100)).block(T_US) != first[0]
