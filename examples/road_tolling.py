"""A vehicle's month: its on-board unit seals metres as a meter seals watt-hours.

    python examples/road_tolling.py --out toll

Each hour is one record with two commitments: what was driven on motorways (the record's first
channel, called `import` everywhere) and on all other roads (the second, `export`). What comes out
is what an operator and a driver have at the end of a month: the operator's directory with the
signed enrolment, the ledger of sealed records, the driver's secret. The commands that follow are
those of any meter: docs/road-tolling.md. The keys are made from a fixed text, so that every run
gives the same vehicle: they are for show.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from wattseal import commitment, ecdsa, keytree, p256, record
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.provider.office import Office
from wattseal_host.units import Unit

HOUR_S = 3600
ZONE = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 3, 1, tzinfo=ZONE)
END = datetime(2026, 4, 1, tzinfo=ZONE)
BOTH_CHANNELS = 3


class OnBoardUnit:
    """The vehicle's meter: a key, an epoch secret, and a chain of sealed records."""

    def __init__(self, name: str) -> None:
        seed = hashlib.sha256(name.encode()).digest()
        self._key = int.from_bytes(seed, "big") % p256.N
        self.public: bytes = p256.encode_point(ecdsa.public_key(self._key))
        self.meter: bytes = record.meter_id(self.public)
        self.secret = hashlib.sha256(seed + b"epoch").digest()
        self.sealed: list[bytes] = []
        self._previous: bytes = record.genesis(self.public)

    def _seal(self, body: bytes) -> None:
        self._previous = record.body_digest(body)
        self.sealed.append(body + ecdsa.sign(self._key, self._previous))

    def begin(self, at_s: int) -> None:
        payload = record.origin_payload(HOUR_S, 0, BOTH_CHANNELS, self.public)
        self._seal(
            record.encode_event(
                self.meter, 0, 1, 0, at_s, 0, BOTH_CHANNELS, record.ORIGIN, payload, self._previous
            )
        )

    def drive(self, at_s: int, motorway_m: int, other_m: int) -> None:
        """Seal an hour's metres by class of road."""
        seq = len(self.sealed)
        key = keytree.block_key(self.secret, self.meter, 0, seq // keytree.BLOCK_RECORDS)
        channels = []
        for channel, metres in enumerate((motorway_m, other_m)):
            place = (self.meter, 1, seq, channel)
            point = commitment.commit(metres, keytree.blinding(key, *place))
            cipher = commitment.mask_reading(metres, 0, keytree.pad(key, *place))
            channels.append((p256.encode_point(point), cipher))
        self._seal(
            record.encode_reading(
                record.INTERVAL, self.meter, 0, 1, seq, at_s, HOUR_S, 0, 0, channels, self._previous
            )
        )


def trips() -> list[tuple[int, int, int]]:
    """(hour's start in UTC seconds, metres on motorways, metres elsewhere), every hour of March:
    to work and back on weekdays, something longer on Saturdays."""
    chance = random.Random(2026)
    hours = []
    for at_s in range(int(BEGIN.timestamp()), int(END.timestamp()), HOUR_S):
        local = datetime.fromtimestamp(at_s, ZONE)
        motorway_m = other_m = 0
        if local.weekday() < 5 and local.hour in (7, 17):
            motorway_m, other_m = chance.randint(18_000, 21_000), chance.randint(4_000, 9_000)
        elif local.weekday() == 5 and local.hour in (9, 10, 20):
            motorway_m, other_m = chance.randint(30_000, 110_000), chance.randint(1_000, 20_000)
        elif 8 < local.hour < 22 and chance.random() < 0.1:
            other_m = chance.randint(300, 12_000)
        hours.append((at_s, motorway_m, other_m))
    return hours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True)
    unit = OnBoardUnit("an on-board unit for show")
    driven = trips()
    unit.begin(driven[0][0])
    for at_s, motorway_m, other_m in driven:
        unit.drive(at_s, motorway_m, other_m)
    office = Office.create(out / "operator")
    enrolled = Enrolment(unit.meter, unit.public, Unit("m", 0), HOUR_S, ("import", "export"))
    signed = office.enrol(enrolled)
    with Ledger(out / "ledger.db") as ledger:
        ledger.add_meter(enrolled, signed.token)
        ledger.append(unit.meter, unit.sealed, "utility")
    Secrets(unit.meter, unit.public, {0: unit.secret}).save(out / "driver.json")
    motorway_km, other_km = (sum(hour[i] for hour in driven) / 1000 for i in (1, 2))
    print(f"vehicle {unit.meter.hex()}: {len(driven)} hours sealed in {out}")
    print(f"driven, which only the driver knows: {motorway_km} km motorway, {other_km} km other")


if __name__ == "__main__":
    main()
