"""Hours of an ordinary life in seconds: loads come and go, the power fails, and nothing is lost.

SOAK_HOURS sets how long, SOAK_SEED which life: SOAK_HOURS=24 is a day in a minute or so.
"""

import os
import random
import secrets

import pytest

HOURS = float(os.environ.get("SOAK_HOURS", "1"))
SEED = int(os.environ.get("SOAK_SEED") or secrets.randbits(32))


@pytest.mark.wattseal_needs("virtual-time", "load-energy")
def test_nothing_is_lost(wattseal_rig, wattseal_meter, wattseal_load, wattseal_supply):
    print(f"SOAK_SEED={SEED}")
    life = random.Random(SEED)
    begin_s, begin_wh = wattseal_rig.now_s, wattseal_meter.register_wh
    drawn_wh, cuts, boot = 0.0, 0, wattseal_meter.boot
    while wattseal_rig.now_s < begin_s + HOURS * 3600:
        wattseal_load.plug(life.choice([0, 40, 150, 800, 2000, 7000]))
        since_s = wattseal_rig.now_s
        wattseal_rig.sleep(life.uniform(1, 1200))
        drawn_wh += wattseal_load.energy_wh(since_s)
        register_wh = wattseal_meter.register_wh
        assert register_wh >= begin_wh
        if life.random() < 0.2:
            wattseal_load.unplug()
            wattseal_supply.cut(life.uniform(0.5, 600))
            cuts += 1
            # What a checkpoint has not kept yet may be gone: one minute of the largest load.
            assert register_wh - 120 <= wattseal_meter.register_wh <= register_wh
            drawn_wh -= register_wh - wattseal_meter.register_wh
    wattseal_load.unplug()
    wattseal_rig.sleep(2)
    assert wattseal_meter.boot == boot + cuts
    assert wattseal_meter.register_wh - begin_wh == pytest.approx(drawn_wh, rel=0.01, abs=5)

    # Both sides hold the same records, and the chain is whole from the first on.
    records = wattseal_meter.records()
    assert [record.sealed for record in records] == [
        record.sealed for record in wattseal_meter.utility_records()
    ]
