"""A household's ledger, secrets, trust and a disclosure as files: two channels, tenths of a Wh."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal_host.customer.disclose import make_disclosure
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.ledger import Ledger

_LEAD_S = 100
_DAYS = 3


def _readings() -> list[tuple[int, int, tuple[int, int], int, int]]:
    """(start_s, length_s, (import, export), flags, hidden flags): three days, a beginning off the
    grid, an outage of two hours and a saturated reading."""
    found = [(START_S - _LEAD_S, _LEAD_S, (3, 0), 8, 0)]
    at_s, slot = START_S, 0
    while at_s < START_S + _DAYS * 86400:
        length_s = 4 * INTERVAL_S if slot == 101 else INTERVAL_S
        flags, hidden = int(slot == 101), int(slot == 20)
        found.append((at_s, length_s, (1000 + 37 * slot % 900, slot * 7 % 50), flags, hidden))
        at_s += length_s
        slot += 1
    return found


READINGS = _readings()


@dataclass(frozen=True)
class Files:
    """digest: SHA-256 of the disclosure's file; options: of commands that read the ledger."""

    house: House
    secrets: Path
    ledger: Path
    trust: Path
    disclosure: Path
    digest: str
    from_s: int = START_S
    to_s: int = START_S + 2 * 86400

    @property
    def options(self) -> tuple[object, ...]:
        return ("--secrets", self.secrets, "--ledger", self.ledger)

    @property
    def disclosed(self) -> list[tuple[int, int, tuple[int, int], int, int]]:
        return [one for one in READINGS if self.from_s <= one[0] < self.to_s]


def make_files(folder: Path) -> Files:
    meter = SealingMeter("household files", exponent=-1, channels=2).origin(START_S - _LEAD_S)
    for _, length_s, values, flags, hidden in READINGS:
        meter.reading(*values, length_s=length_s, flags=flags, hidden=hidden)
    house = House(meter, from_s=START_S, to_s=START_S + 2 * 86400)
    Secrets(meter.meter, meter.key, dict(meter.secrets)).save(folder / "home.json")
    with Ledger(folder / "ledger.db") as ledger:
        ledger.add_meter(house.enrolment)
        ledger.append(meter.meter, meter.sealed, "utility")
    (folder / "trust.json").write_bytes(house.trust.write())
    made = make_disclosure(
        ("sum(import)", "sum(export[2025-01-01..2025-01-02])", "sum(import) >= 10"),
        house.stretch(),
        Opener(meter.meter, meter.secrets),
        house.enrolment_jws.token,
        house.trust,
        Releases(meter.meter),
        'A | B "GmbH"',
        "=cmd|' /C calc'!A0",
        consent=True,
    )
    (folder / "told.json").write_bytes(made.data)
    return Files(
        house,
        folder / "home.json",
        folder / "ledger.db",
        folder / "trust.json",
        folder / "told.json",
        hashlib.sha256(made.data).hexdigest(),
    )
