"""The list of releases: whom it names, and that no bill made at the same time slips past it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal_host import keys
from wattseal_host.cli.output import utc_text
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.files import write_token
from wattseal_host.ledger import Ledger

COMMAND = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]
SLOTS = 480


def billable() -> House:
    meter = SealingMeter("released").origin()
    for number in range(SLOTS):
        meter.reading(120 + 613 * number % 800)
    return House(meter, from_s=START_S, to_s=START_S + SLOTS * INTERVAL_S)


def written(house: House, out: Path) -> None:
    meter = house.meter
    Secrets(meter.meter, meter.key, dict(meter.secrets)).save(out / "customer.json")
    for name in ("enrolment", "contract", "tariff"):
        write_token(out / f"{name}.jws", getattr(house, f"{name}_jws").token)
    (out / "trust.json").write_bytes(house.trust.write())
    with Ledger(out / "ledger.db") as ledger:
        ledger.add_meter(house.enrolment, house.enrolment_jws.token)
        ledger.append(meter.meter, meter.sealed, "utility")


def billing(out: Path, name: str, first: int, last: int) -> subprocess.Popen[str]:
    line = [*COMMAND, "customer", "bill", "--json", "--out", out / name]
    for option in ("enrolment", "contract", "tariff"):
        line += [f"--{option}", out / f"{option}.jws"]
    line += ["--secrets", out / "customer.json", "--trust", out / "trust.json"]
    line += ["--ledger", out / "ledger.db"]
    line += ["--from", utc_text(START_S + first * INTERVAL_S)]
    line += ["--to", utc_text(START_S + last * INTERVAL_S)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*map(str, line)], stdout=pipe, stderr=pipe, text=True)


def test_two_bills_at_once_are_both_kept_and_weighed(tmp_path: Path) -> None:
    house = billable()
    written(house, tmp_path)
    half = SLOTS // 2
    apart = [billing(tmp_path, "1.json", 0, half), billing(tmp_path, "2.json", half, SLOTS)]
    told = [process.communicate(timeout=60) for process in apart]
    assert [process.returncode for process in apart] == [0, 0], told
    path = Releases.path_for(tmp_path / "customer.json")
    assert len(Releases.load(path, house.meter.meter).made) == 2
    path.unlink()
    # Of two that overlap, whichever comes second sees the first.
    over = [billing(tmp_path, "3.json", 0, half), billing(tmp_path, "4.json", 1, half)]
    errors = [process.communicate(timeout=60)[1] for process in over]
    assert sorted(process.returncode for process in over) == [0, 2], errors
    assert "disclosure-overlap" in "".join(errors)
    assert len(Releases.load(path, house.meter.meter).made) == 1
    lock = tmp_path / "customer.releases.lock"
    assert lock.stat().st_mode & 0o777 == 0o600


def test_the_same_row_to_another_recipient_is_listed(tmp_path: Path) -> None:
    house = billable()
    first = house.bill().releases
    assert house.bill(releases=first).releases == first
    rival = House(house.meter, house.tariff, keys.generate_key(), house.from_s, house.to_s)
    both = rival.bill(releases=first).releases
    assert [release.recipient for release in both.made] == [
        house.enrolment_jws.kid,
        rival.enrolment_jws.kid,
    ]
    assert both.made[0].row == both.made[1].row
    both.save(tmp_path / "r.json")
    assert len(json.loads((tmp_path / "r.json").read_text())["made"]) == 2
