"""Makes a tape for keeping: python tests/tapes/make.py NAME. Never make one anew.

Five records of a minute, a power cut, a load change, a pairing; both logs read at the end. What a
tape gives in the replay stands beside it in NAME.json.
"""

import sys
from pathlib import Path

from wattseal_hil.meter import Meter
from wattseal_hil.rig.emulated import EmulatedRig

SETTINGS = {"interval_s": 60, "telegram_ms": 20_000, "burst_ms": 1000}


def main(name: str) -> None:
    with EmulatedRig(load=1500, settings=SETTINGS) as rig:
        rig.record(Path(__file__).with_name(f"{name}.tape"))
        rig.start()
        meter = Meter(rig)
        meter.records()
        rig.sleep(150)
        meter.pair()
        rig.power_off()
        rig.sleep(15)
        rig.power_on()
        rig.plug({"kind": "motor", "watts": 400, "power_factor": 0.7})
        rig.sleep(160)
        meter.utility_records()
        meter.records()
        rig.stop_recording()


if __name__ == "__main__":
    main(sys.argv[1])
