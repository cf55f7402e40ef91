"""The analogue side: amplitudes, phase, saturation, noise that depends on time alone."""

import numpy as np
import pytest
from wattseal_hil.appliances import Cooker, Motor
from wattseal_hil.converter import STEPS
from wattseal_hil.frontend import IDEAL, bench
from wattseal_hil.loads import ConstantLoad, SwitchedLoad
from wattseal_hil.physics import BLOCK, Physics
from wattseal_hil.waves import Mains

T_US = 1_767_225_600_000_000
CYCLES = slice(0, 1000)  # five whole cycles at 100 us a conversion
FIFTY = Mains(mains_mhz=50_000)


def block(load, seed: int = 1, t_us: int = T_US, front_end=IDEAL, mains=FIFTY) -> np.ndarray:
    """Millivolts at the two pins by the nominal scale: voltage, then current."""
    codes = np.frombuffer(Physics(seed, load, front_end, mains).block(t_us), "<u2")
    assert codes.max() <= STEPS
    return codes.reshape(2, BLOCK)[:, CYCLES] * 0.805634 + 142


def test_amplitudes_are_those_of_the_transformer_and_the_divider():
    volts, amps = block(ConstantLoad(2300))
    assert volts.mean() == pytest.approx(1300, abs=1)
    assert volts.std() == pytest.approx(600, rel=1e-3)
    assert amps.std() == pytest.approx(110, rel=5e-3)


@pytest.mark.parametrize(
    "load", [ConstantLoad(500), ConstantLoad(-500), Motor(500, 0.5), Motor(500, 0.8, True)]
)
def test_power_comes_out_right(load):
    power_w = []
    for k in range(100):
        volts, amps = block(load, t_us=T_US + k * 1_234_567)
        product = (volts - volts.mean()) * (amps - amps.mean())
        power_w.append(product.mean() * 230 / 600 / 11)
    assert np.mean(power_w) == pytest.approx(load.watts, rel=2e-3)


def test_without_a_load_only_noise_of_one_step_is_left():
    _, amps = block(ConstantLoad(0))
    assert 0.8 < amps.std() / 0.805634 < 1.3


def test_the_largest_load_just_stays_in_the_calibrated_range():
    _, amps = block(ConstantLoad(17_000))
    assert 140 < amps.min() < 170 and 2430 < amps.max() < 2460


@pytest.mark.parametrize("front_end", [IDEAL, bench(3)], ids=["ideal", "bench"])
@pytest.mark.parametrize("load", [ConstantLoad(100), Cooker(1000)], ids=["sine", "loop"])
def test_codes_depend_on_seed_and_time_and_on_nothing_else(load, front_end):
    physics = Physics(7, load, front_end)
    times = [T_US + k * 60_000_123 for k in range(5)]
    first = [physics.block(t) for t in times]
    again = [Physics(7, load, front_end).block(t) for t in reversed(times)]
    assert first == again[::-1]
    assert len(set(first)) == 5
    assert Physics(8, load, front_end).block(T_US) != first[0]


def test_what_is_switched_on_is_seen_from_then_on():
    load = SwitchedLoad(ConstantLoad(0))
    load.switch(T_US / 1e6 + 60, Motor(1000, 0.5))
    physics = Physics(1, load, IDEAL, FIFTY)
    before, after = (
        np.frombuffer(physics.block(T_US + s * 1_000_000), "<u2").reshape(2, BLOCK)[1].std()
        for s in (0, 60)
    )
    assert before < 2 and after == pytest.approx(8.696 * 11 / 0.805634, rel=0.02)


@pytest.mark.parametrize("mains_mhz", [49_125, 50_000, 60_000])
def test_frequency(mains_mhz):
    physics = Physics(1, ConstantLoad(0), IDEAL, Mains(mains_mhz=mains_mhz))
    hour_us = 3_600_000_000
    seen = []
    for t_us in (T_US, T_US + hour_us):
        volts = np.frombuffer(physics.block(t_us), "<u2")[:BLOCK].astype(float)
        instants = (t_us % hour_us + np.arange(BLOCK) * 100) * 1e-6
        turn = np.exp(-2j * np.pi * mains_mhz / 1000 * instants) * np.hanning(BLOCK)
        seen.append(np.angle(((volts - volts.mean()) * turn).sum()))
    # An hour is a whole number of cycles at each of these: the phase is where it was.
    turned = (seen[1] - seen[0] + np.pi) % (2 * np.pi) - np.pi
    assert abs(turned) < 0.01
