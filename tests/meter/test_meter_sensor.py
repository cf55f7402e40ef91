"""Power from bursts: accuracy against the truth that made the samples."""

import math
import statistics

import pytest
from meter.sensor import Sensor
from meter.settings import Settings, parse
from meter_bench import Mains
from wattseal.record import SATURATED, SENSOR_MISSING


def sensor_at(mains, settings=None):
    return Sensor(mains.read_voltage_uv, mains.read_current_uv, mains, settings or Settings())


def mean_power_w(mains, bursts, between_us=0):
    sensor = sensor_at(mains)
    powers = []
    for _ in range(bursts):
        sensor.measure()
        assert sensor.flags == 0
        powers.append(sensor.power_mw / 1000)
        mains.now_us += between_us
    return statistics.fmean(powers)


@pytest.mark.parametrize("watts", [30, 100, 300, 1000, 3000, 10_000])
def test_mean_power_is_within_a_thousandth(watts):
    # Noise falls with the root of the number of bursts: 0.6 W in one, 30 W need some hundreds.
    bursts = 600 if watts < 200 else 60
    assert mean_power_w(Mains(watts / 230), bursts) == pytest.approx(watts, rel=0.002)


@pytest.mark.parametrize("angle", [-1.2, -0.6, 0.6, 1.2])
def test_phase_counts(angle):
    """cos(69 degrees): a skew of one conversion left in would be 8 % off."""
    truth_w = 230 * 10 * math.cos(angle)
    assert mean_power_w(Mains(10, angle), 40) == pytest.approx(truth_w, rel=0.002)


@pytest.mark.parametrize("hz", [47.5, 49.2, 49.9, 50.1, 51.3, 52.5])
def test_cycles_are_whole_at_any_frequency(hz):
    mains = Mains(5, hz=hz, noise=0)
    sensor = sensor_at(mains)
    for _ in range(20):
        sensor.measure()
        assert sensor.power_mw == pytest.approx(1_150_000, rel=0.002)
        assert sensor.mains_mhz == pytest.approx(1000 * hz, rel=0.0005)
        mains.now_us += 7777


def test_sixty_hertz():
    mains = Mains(5, hz=60, noise=0)
    sensor = sensor_at(mains, parse('{"mains_hz": 60}'))
    sensor.measure()
    assert sensor.power_mw == pytest.approx(1_150_000, rel=0.001)


def test_export_is_negative():
    assert mean_power_w(Mains(5, math.pi), 20) == pytest.approx(-1150, rel=0.002)


def test_rms():
    sensor = sensor_at(Mains(10))
    sensor.measure()
    assert sensor.voltage_mv == pytest.approx(230_000, rel=0.002)
    assert sensor.current_ma == pytest.approx(10_000, rel=0.005)


def test_no_creep_without_a_load():
    mains = Mains(0)
    sensor = sensor_at(mains)
    for _ in range(300):
        sensor.measure()
        assert sensor.power_mw == 0


def test_without_mains_nothing_is_estimated():
    sensor = sensor_at(Mains(5, volts=0))
    sensor.measure()
    assert (sensor.flags, sensor.power_mw, sensor.voltage_mv) == (SENSOR_MISSING, 0, 0)


def test_a_clipped_current_is_told():
    sensor = sensor_at(Mains(100))
    sensor.measure()
    assert sensor.flags == SATURATED


@pytest.mark.parametrize("cycles", [2, 3, 6])
def test_any_number_of_cycles(cycles):
    mains = Mains(5, noise=0)
    sensor = sensor_at(mains, parse(f'{{"mains_cycles": {cycles}}}'))
    for _ in range(3):
        sensor.measure()
    assert sensor.power_mw == pytest.approx(1_150_000, rel=0.002)
