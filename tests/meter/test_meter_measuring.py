"""Measuring on the board: calibration from flash, export, a meter without a voltage sensor."""

import json
from contextlib import closing

import pytest
from meter_bench import START_S, Customer, board
from wattseal.record import SENSOR_MISSING
from wattseal_hil.appliances import Motor
from wattseal_hil.loads import ConstantLoad

SETTINGS_REFUSED, CALIBRATED = 8, 16
GOOD = {"voltage_uv_per_step": 308_826, "current_points": [[0, 73_239, 0]]}


def measured(customer):
    return json.loads(customer.ask("?measurement")[0].removeprefix("#measurement "))


@pytest.mark.parametrize(
    ("calibration", "bits"),
    [(None, 0), (GOOD, CALIBRATED), ({**GOOD, "current_points": []}, SETTINGS_REFUSED)],
)
def test_the_calibration_is_read_at_boot(tmp_path, calibration, bits):
    with board(tmp_path, calibration=calibration, load=ConstantLoad(1000)) as served:
        served.power_on()
        served.run_until(START_S + 61)
        with closing(Customer(served)) as customer:
            assert customer.status()["status"] & (SETTINGS_REFUSED | CALIBRATED) == bits
            answer = measured(customer)
    assert answer["calibrated"] is (bits == CALIBRATED)
    assert answer["power_mw"] == pytest.approx(1_000_000, rel=0.01)
    assert answer["mains_mhz"] == pytest.approx(49_987, abs=15)


def test_reactive_power_and_export(tmp_path):
    options = {"calibration": GOOD, "settings": {"channel_set": 3, "interval_s": 600}}
    with board(tmp_path, load=Motor(-1000, 0.5), **options) as served:
        served.power_on()
        served.run_until(START_S + 1210)
        with closing(Customer(served)) as customer:
            answer = measured(customer)
            opened = customer.ask("?openings 0 100")
    assert answer["power_mw"] == pytest.approx(-1_000_000, rel=0.01)
    assert answer["reactive_mvar"] == pytest.approx(-1_732_000, rel=0.01)
    assert answer["apparent_mva"] == pytest.approx(2_000_000, rel=0.01)
    assert answer["import_uj"] == 0
    values = [tuple(map(int, line.split()[1:5])) for line in opened if line.startswith("#opening")]
    assert [value for _, channel, value, _ in values if channel == 0] == [0, 0]
    exported = [value for _, channel, value, _ in values if channel == 1]
    assert exported == [pytest.approx(166, abs=4)] * 2


def test_without_a_voltage_sensor_every_reading_says_so(tmp_path):
    settings = {"voltage_sensor": 0, "interval_s": 600}
    with board(tmp_path, load=Motor(1000, 0.5), settings=settings) as served:
        served.power_on()
        served.run_until(START_S + 1210)
        with closing(Customer(served)) as customer:
            opened = customer.ask("?openings 0 100")
            answer = measured(customer)
    assert answer["voltage_mv"] == answer["mains_mhz"] == 0
    # Apparent power: the meter without a voltage knows no phase.
    assert answer["power_mw"] == pytest.approx(2_000_000, rel=0.01)
    flags = [int(line.split()[4]) for line in opened if line.startswith("#opening")]
    assert flags == [SENSOR_MISSING] * 2
