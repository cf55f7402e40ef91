"""The way of a reading, whole: from the load on the emulated board to the provider's verdict.

Seven days of a real household (a standard profile where the data is missing), every step by the
commands a user would type, in the order of the README's table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import CsvLoad, Load, ProfileLoad
from wattseal_hil.pairing import read_pin
from wattseal_host.ledger import Ledger

DATA = Path(os.environ.get("WATTSEAL_DATA", Path(__file__).parents[1] / "../shared/data"))
HOUSEHOLD = DATA / "households" / "ukdale_house2_2013-06_07.csv"
DAYS, INTERVAL_S, DAY_S = 7, 1800, 86400
MINUTE_MS = 60_000


def wattseal(*arguments: object) -> dict[str, Any]:
    """Run a command with --json; its object."""
    code = "from wattseal_host.cli.main import run; run()"
    line = [sys.executable, "-c", code, *map(str, arguments), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def household() -> tuple[Load, int]:
    if HOUSEHOLD.exists():
        load = CsvLoad(HOUSEHOLD)
        return load, load.start_s
    print(f"no {HOUSEHOLD}: a standard profile instead")
    return ProfileLoad(), 1_767_225_600


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The provider's directory, and its public key, which meters are commissioned with."""
    directory = tmp_path_factory.mktemp("provider") / "office"
    return directory, wattseal("provider", "init", "--dir", directory)["key"]


@pytest.fixture(scope="module")
def board(office: tuple[Path, str]) -> Iterator[tuple[EmulatedBoard, int]]:
    load, from_s = household()
    settings = {
        "provider": office[1],
        "interval_s": INTERVAL_S,
        "burst_ms": MINUTE_MS,
        "telegram_ms": MINUTE_MS,
        "checkpoint_ms": MINUTE_MS,
    }
    with EmulatedBoard(
        load=load, start_s=from_s - INTERVAL_S, settings=settings, rtc=False
    ) as emulated:
        emulated.power_on()
        yield emulated, from_s


def test_the_way_of_a_reading(
    board: tuple[EmulatedBoard, int], office: tuple[Path, str], tmp_path: Path
) -> None:
    meter_board, from_s = board
    provider = ["--dir", office[0]]
    to_s = from_s + DAYS * DAY_S
    first, last = (datetime.fromtimestamp(t, UTC).isoformat() for t in (from_s, to_s))
    utility, customer = meter_board.utility_port, meter_board.customer_port
    ledger = tmp_path / "ledger.db"
    secrets, bundle, trust = (tmp_path / n for n in ("secrets.json", "bundle.json", "trust.json"))
    papers = {name: tmp_path / f"{name}.jws" for name in ("tariff", "contract")}

    # No clock, no seal: the provider sets it.
    assert not wattseal("customer", "status", "--port", customer)["clock_set"]
    now = datetime.fromtimestamp(round(meter_board.now_s), UTC).isoformat()
    wattseal("provider", "clock", *provider, "--port", utility, "--at", now)
    assert wattseal("customer", "status", "--port", customer)["clock_set"]

    # Pairing: refused without the button, good once with it.
    pair = ["customer", "pair", "--port", customer, "--secrets", secrets, "--pin"]
    code = "from wattseal_host.cli.main import run; run()"
    line = [sys.executable, "-c", code, *map(str, pair), "000000"]
    refused = subprocess.run(line, capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "pairing-closed" in refused.stderr
    meter_board.press_button()
    meter = wattseal(*pair, read_pin(meter_board))["meter"]
    assert secrets.stat().st_mode & 0o777 == 0o600

    # Documents.
    enrolled = wattseal("provider", "enrol", *provider, "--port", utility)
    assert enrolled["meter"] == meter and enrolled["interval_s"] == INTERVAL_S
    wattseal(
        "provider", "tariff", "sign", *provider, "--out", papers["tariff"],
        "--band", "night=0.1255", "--band", "day=0.3141", "--switches", "00:00 night, 07:00 day",
        "--weekend", "00:00 night", "--currency", "GBP", "--zone", "Europe/London",
        "--from", first, "--to", last,
    )  # fmt: skip
    wattseal(
        "provider", "contract", *provider, "--meter", meter, "--tariff", papers["tariff"],
        "--number", "C-1", "--from", first, "--to", last, "--out", papers["contract"],
    )  # fmt: skip
    wattseal("provider", "trust", *provider, "--out", trust)

    # Metering and collecting; the second run goes on where the first stopped.
    meter_board.run_until(from_s + 2 * DAY_S + 5)
    collect = ["collect", "--ledger", ledger, "--utility-port", utility]
    early = wattseal(*collect)["new"]
    meter_board.run_until(to_s + 5)
    status = wattseal("customer", "status", "--port", customer)
    late = wattseal(*collect)
    assert early > 90 and late["new"] + early == late["records"] == status["next_seq"]
    assert wattseal(*collect)["new"] == 0
    other = tmp_path / "home.db"
    wattseal("collect", "--ledger", other, "--customer-port", customer)
    with Ledger(ledger) as one, Ledger(other) as two:
        assert one.sealed(bytes.fromhex(meter)) == two.sealed(bytes.fromhex(meter))
        assert not one.rejects(bytes.fromhex(meter))
    assert abs(status["register_wh"] - status["sealed_units"][0]) <= 1

    # Openings: from the ciphertexts with the secret alone, and as the meter tells them.
    openings = ["customer", "openings", "--secrets", secrets, "--from", first, "--to", last]
    recovered = wattseal(*openings, "--ledger", ledger)["openings"]
    assert recovered == wattseal(*openings, "--port", customer)["openings"]
    assert len(recovered) == DAYS * DAY_S // INTERVAL_S
    metered_wh = sum(opening["value"] for opening in recovered)
    drawn_wh = meter_board.load_energy_wh(from_s, to_s)
    assert abs(metered_wh - drawn_wh) <= 0.005 * drawn_wh

    # The bill, and what anybody and the provider say to it.
    billed = wattseal(
        "customer", "bill", "--secrets", secrets, "--ledger", ledger, "--trust", trust,
        "--enrolment", office[0] / "enrolments" / f"{meter}.jws", "--contract", papers["contract"],
        "--tariff", papers["tariff"], "--from", first, "--to", last, "--out", bundle,
    )  # fmt: skip
    assert billed["amount"] == str(fee_of(recovered))
    assert wattseal("verify", bundle, "--trust", trust)["amount"] == billed["amount"]
    own = wattseal("provider", "verify", bundle, *provider, "--ledger", ledger)
    assert own["accepted"] and own["amount"] == billed["amount"]


def fee_of(openings: list[dict[str, Any]]) -> Decimal:
    """The fee by `decimal`, from the tariff's words: nights and weekends 0.1255, else 0.3141."""
    from zoneinfo import ZoneInfo

    total = Decimal(0)
    for opening in openings:
        local = datetime.fromisoformat(opening["start"]).astimezone(ZoneInfo("Europe/London"))
        day = local.weekday() < 5 and local.hour >= 7
        total += Decimal(opening["value"]) / 1000 * Decimal("0.3141" if day else "0.1255")
    return total.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


@pytest.mark.slow
def test_the_demo_writes_what_it_says(tmp_path: Path) -> None:
    result = wattseal("demo", "--days", 1, "--interval", 900, "--out", tmp_path / "out")
    assert result["verdict"] == "accepted" and result["records"] == 96
    assert {"bundle.json", "trust.json", "tariff.jws", "ledger.db"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    again = wattseal("verify", tmp_path / "out/bundle.json", "--trust", tmp_path / "out/trust.json")
    assert again["amount"] == result["fee"]
    assert abs(result["register"]["register_wh"] - result["register"]["sealed_wh"]) <= 1
    assert abs(result["energy_wh"] - result["load_wh"]) <= 0.005 * result["load_wh"]
    same = wattseal("demo", "--days", 1, "--interval", 900, "--out", tmp_path / "same")
    with Ledger(tmp_path / "out/ledger.db") as one, Ledger(tmp_path / "same/ledger.db") as two:
        meter = bytes.fromhex(result["meter"])
        assert same["meter"] == result["meter"] and one.sealed(meter) == two.sealed(meter)
