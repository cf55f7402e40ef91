"""The files of a customer: secrets, ledger, tariffs, a bill, a disclosure, the list of releases.

Whatever may be named by somebody else has a hostile name.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal_host.customer.disclose import make_disclosure
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.files import write_token
from wattseal_host.ledger import Ledger
from wattseal_host.provider.tariffs import Draft
from wattseal_host.tariff import Tariff

DAY_S = 86400
HOSTILE = '<img src=x onerror="alert(1)">'
DAYS = 61  # all of January and February 2025, and two days of March


@dataclass(frozen=True)
class Household:
    folder: Path
    house: House
    tariffs: tuple[Path, ...]

    @property
    def secrets(self) -> Path:
        return self.folder / "home.json"

    @property
    def ledger(self) -> Path:
        return self.folder / "home.ledger.db"

    @property
    def options(self) -> list[object]:
        """Of `wattseal customer home`."""
        tariffs = [option for path in self.tariffs for option in ("--tariff", path)]
        return ["--secrets", self.secrets, "--trust", self.folder / "trust.json", *tariffs]


def flat(name: str, price: str) -> Tariff:
    draft = Draft(name, "EUR", START_S - DAY_S, START_S + 400 * DAY_S)
    draft.flat("energy", Decimal(price))
    return draft.finish()


def furnish(folder: Path) -> Household:
    """Days of one record each, but for the last two, of half-hours."""
    meter = SealingMeter("customer home").origin()
    for day in range(DAYS - 2):
        meter.reading(9000 + 100 * (day % 7), length_s=DAY_S, flags=1)
    for slot in range(96):
        meter.reading(100 + slot)
    tariff = flat(f"Mine {HOSTILE}", "0.25")
    from_s = START_S + (DAYS - 2) * DAY_S
    house = House(meter, tariff, from_s=from_s, to_s=from_s + 2 * DAY_S)
    secrets = Secrets(meter.meter, meter.key, dict(meter.secrets))
    made = Household(folder, house, (folder / "mine.jws", folder / "other.jws"))
    secrets.save(made.secrets)
    with Ledger(made.ledger) as ledger:
        ledger.add_meter(house.enrolment)
        ledger.append(meter.meter, meter.sealed, "utility")
    (folder / "trust.json").write_bytes(house.trust.write())
    write_token(made.tariffs[0], house.tariff_jws.token)
    write_token(made.tariffs[1], flat("Other", "0.2").sign(house.provider).token)
    bill = house.bill()
    (folder / "bill.json").write_bytes(bill.data)
    altered = bill.data.replace(b'"amount":"', b'"amount":"1', 1)
    (folder / f"{HOSTILE.replace('/', '')}.json").write_bytes(altered)
    told = make_disclosure(
        ("sum(import)", "sum(import) >= 10000"),
        house.stretch(),
        Opener(meter.meter, meter.secrets),
        house.enrolment_jws.token,
        house.trust,
        bill.releases,
        HOSTILE,
        "advice",
        consent=True,
    )
    (folder / "told.json").write_bytes(told.data)
    told.releases.save(Releases.path_for(made.secrets))
    assert INTERVAL_S == 1800
    return made
