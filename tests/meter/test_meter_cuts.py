"""Power cuts at any moment of busy minutes: the chain goes on, and nothing shown is taken back."""

import time

from meter_bench import START_S, Customer, board, pair
from wattseal.chain import Chain, verify_stretch
from wattseal.record import decode_origin
from wattseal_hil.loads import ConstantLoad

CUTS = 20
PACE = 400  # board seconds a second: an interval of ten seconds ends every 25 ms


def test_power_cuts_while_the_meter_is_busy(tmp_path, rng):
    settings = {"interval_s": 10, "burst_ms": 1000, "telegram_ms": 1000, "checkpoint_ms": 1000}
    shown = []
    with board(tmp_path, load=ConstantLoad(2000), start_s=START_S, settings=settings) as meter:
        customer = Customer(meter)
        sealed_wh = 0
        for cut in range(CUTS):
            meter.power_on()
            records = [record.sealed for record in customer.records()]
            # What any cut left is what was shown before it, and perhaps more.
            assert records[: len(shown)] == shown
            shown = records
            status = customer.status()
            assert status["boot"] == cut + 1
            assert status["register_wh"] >= status["sealed_units"][0] >= sealed_wh
            sealed_wh = status["sealed_units"][0]
            if cut % 5 == 1:
                assert pair(meter, customer).secret
            meter.set_pace(PACE)
            time.sleep(rng.uniform(0.02, 0.3))
            meter.power_off()
            meter.set_pace(None)
            meter.run_until(meter.now_s + rng.choice([0, 1, 30]))
        meter.power_on()
        records = customer.records()
        customer.close()
    bodies = [record.body for record in records]
    key = decode_origin(records[0].payload)[3]
    verify_stretch(bodies, records[-1].signature, Chain(key))
    assert len(records) > CUTS
    assert {record.boot for record in records} <= set(range(1, CUTS + 2))
