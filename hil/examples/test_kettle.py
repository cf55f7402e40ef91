"""Meter a kettle: two kilowatts for three minutes are a hundred watt-hours."""

import re

import pytest


def test_a_kettle_is_metered(wattseal_rig, wattseal_meter, wattseal_load):
    before_wh = wattseal_meter.register_wh
    wattseal_load.plug(2000)
    wattseal_rig.sleep(180)
    wattseal_load.unplug()
    wattseal_rig.sleep(2)  # the last burst of samples still saw it
    assert wattseal_meter.register_wh - before_wh == pytest.approx(100, abs=2)
    assert abs(wattseal_meter.power_w) <= 2


def test_it_shows_on_the_customers_port(wattseal_rig, wattseal_meter, wattseal_load):
    wattseal_load.plug(2000)
    wattseal_rig.sleep(3)
    (power_kw,) = re.findall(r"1-0:1\.7\.0\(([0-9.]+)\*kW\)", wattseal_meter.telegram())
    assert float(power_kw) == pytest.approx(2, rel=0.01)


def test_and_not_on_the_utilitys(wattseal_rig, wattseal_meter, wattseal_load):
    """What the utility can read without the customer's consent is the same, kettle or none."""
    idle = wattseal_meter.registers(0, 32)
    wattseal_load.plug(2000)
    wattseal_rig.sleep(10)
    assert wattseal_meter.registers(0, 32) == idle


def test_nothing_was_reset_between_these_tests(wattseal_meter, wattseal_tape):
    assert wattseal_meter.records()[0].seq == 0
    assert wattseal_meter.boot >= 1
