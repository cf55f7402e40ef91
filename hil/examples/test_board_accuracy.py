"""How accurate is this board? Loads of known power, from a lamp to an oven, and motors."""

import pytest

LIMIT = 0.01  # of the power drawn
LIMIT_W = 0.5  # and below this much, noise may have its say

LOADS = [
    {"watts": 60},
    {"watts": 500},
    {"watts": 3000},
    {"kind": "motor", "watts": 400, "power_factor": 0.6},
    {"kind": "motor", "watts": 400, "power_factor": 0.8, "leading": True},
    {"kind": "rectifier", "watts": 150},
]


@pytest.mark.parametrize("load", LOADS, ids=lambda load: " ".join(map(str, load.values())))
def test_power(wattseal_rig, wattseal_meter, wattseal_load, load):
    wattseal_load.plug(**load)
    wattseal_rig.sleep(3)
    measured = wattseal_meter.measure(60)
    error_w = measured.power_w - load["watts"]
    print(f"{error_w:+.2f} W in {measured.bursts} bursts, {measured.voltage_v:.1f} V")
    assert abs(error_w) <= LIMIT * load["watts"] + LIMIT_W


def test_no_creep(wattseal_rig, wattseal_meter, wattseal_load):
    """With nothing plugged in, nothing is registered."""
    wattseal_load.unplug()
    wattseal_rig.sleep(3)
    before_wh = wattseal_meter.register_wh
    wattseal_rig.sleep(600)
    assert wattseal_meter.register_wh == before_wh
