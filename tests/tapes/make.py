"""Makes a tape for keeping: python tests/tapes/make.py STORY. Never make one anew.

What a tape gives in the replay stands beside it in STORY.json.
"""

import json
import sys
from pathlib import Path

from wattseal.events import GIVEN, WITHDRAWN
from wattseal.orders import consent_proof
from wattseal_hil.meter import Meter
from wattseal_hil.provider_order import OBEYED, provider_key, set_clock
from wattseal_hil.rig.emulated import EmulatedRig
from wattseal_hil.talk import Talk

SETTINGS = {"interval_s": 60, "telegram_ms": 20_000, "burst_ms": 1000}
CASE_PIN = 32


def record(rig: EmulatedRig) -> None:
    """Five records of a minute, a power cut, a load change, a pairing; both logs at the end."""
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


def events(rig: EmulatedRig) -> None:
    """Two channels, a provider's clock orders, the case opened, consent given and withdrawn with
    SunSpec's model 201 read before, between and after, power flowing out; both logs at the end."""
    rig.start()
    talk, meter = Talk(rig.board), Meter(rig)
    rig.sleep(20)
    assert set_clock(talk, round(rig.now_s)) == OBEYED
    rig.sleep(100)
    paired = meter.pair()
    rig.sleep(70)
    assert set_clock(talk, round(rig.now_s) + 7) == OBEYED
    rig.drive_pin(CASE_PIN, 1)
    rig.plug(-2000)
    for state in (GIVEN, WITHDRAWN):
        meter.registers(40070, 107)
        challenge = json.loads(meter.ask("?consent")[-1].partition(" ")[2])["challenge"]
        proof = consent_proof(
            paired.secret,
            bytes.fromhex(paired.meter),
            paired.epoch,
            bytes.fromhex(challenge),
            state,
        )
        meter.ask(f"?consent {state} {proof.hex()}")
        rig.sleep(65)
    meter.registers(40070, 107)
    rig.drive_pin(CASE_PIN, 0)
    rig.sleep(70)
    meter.openings(meter.status()["next_seq"] - 2)
    meter.utility_records()
    meter.records()


STORIES = {
    "record-1": (record, {}),
    "events-1": (
        events,
        {"provider": provider_key(), "tamper_pin": CASE_PIN, "channel_set": 3},
    ),
}


def main(name: str) -> None:
    story, settings = STORIES[name]
    rtc = "provider" not in settings
    with EmulatedRig(load=1500, settings={**SETTINGS, **settings}, rtc=rtc) as rig:
        rig.record(Path(__file__).with_name(f"{name}.tape"))
        story(rig)
        rig.stop_recording()


if __name__ == "__main__":
    main(sys.argv[1])
