"""Another service by the same commands: kilometres by class of road and hour, from sealed records
to a verified bill; the amount by `decimal` from the trips themselves."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest
from in_process import wattseal
from wattseal.errors import Refused
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.units import Unit

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "road_tolling.py"
YEAR = ("--from", "2026-02-28T23:00", "--to", "2026-12-31T23:00")
MARCH = ("--from", "2026-02-28T23:00", "--to", "2026-03-31T22:00")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("road_tolling", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def toll(example: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("road") / "toll"
    with mock.patch.object(sys, "argv", ["road_tolling.py", "--out", str(folder)]):
        example.main()
    office = ("--dir", folder / "operator")
    tariff = folder / "tariff.jws"
    run("provider", "tariff", "sign", *office, "--unit", "m", "--name", "roads", *YEAR,
        "--zone", "Europe/Berlin", "--band", "day=0.12", "--band", "night=0.05", "--switches",
        "00:00 night, 06:00 day, 20:00 night", "--export", "0.03", "--standing", "2.50/month",
        "--tax", "VAT=19", "--out", tariff)  # fmt: skip
    run("provider", "contract", *office, "--meter", meter(folder), "--tariff", tariff,
        "--number", "T-1", *YEAR, "--out", folder / "contract.jws")  # fmt: skip
    run("provider", "trust", *office, "--out", folder / "trust.json")
    return folder


def run(*words: object) -> str:
    done = wattseal(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def meter(folder: Path) -> str:
    (path,) = (folder / "operator" / "enrolments").glob("*.jws")
    return path.stem


def wanted(example: ModuleType) -> str:
    total = Decimal("2.50")
    for at_s, motorway_m, other_m in example.trips():
        hour = datetime.fromtimestamp(at_s, example.ZONE).hour
        price = Decimal("0.12") if 6 <= hour < 20 else Decimal("0.05")
        total += Decimal(motorway_m) / 1000 * price + Decimal(other_m) / 1000 * Decimal("0.03")
    return str((total * Decimal("1.19")).quantize(Decimal("0.01"), ROUND_HALF_EVEN))


def bill(toll: Path, *more: object) -> dict[str, object]:
    said = run("customer", "bill", "--secrets", toll / "driver.json", "--ledger",
               toll / "ledger.db", "--enrolment",
               toll / "operator" / "enrolments" / f"{meter(toll)}.jws", "--contract",
               toll / "contract.jws", "--tariff", toll / "tariff.jws", "--trust",
               toll / "trust.json", *MARCH, "--fuse-kw", 250, "--out", toll / "bill.json",
               "--json", *more)  # fmt: skip
    value: dict[str, object] = json.loads(said)
    return value


def test_from_sealed_kilometres_to_a_verified_bill(toll: Path, example: ModuleType) -> None:
    assert bill(toll)["amount"] == wanted(example)
    said = json.loads(run("verify", toll / "bill.json", "--trust", toll / "trust.json", "--json"))
    assert said["amount"] == wanted(example)
    said = run("provider", "verify", toll / "bill.json", "--dir", toll / "operator", "--ledger",
               toll / "ledger.db")  # fmt: skip
    assert f"{wanted(example)} EUR" in said
    shown = run("provider", "tariff", "show", toll / "tariff.jws")
    assert "EUR per km" in shown
    assert "energy you export" not in shown


def test_kilometres_at_home(toll: Path, example: ModuleType) -> None:
    table = toll / "trips.csv"
    run("customer", "recover", "--secrets", toll / "driver.json", "--ledger", toll / "ledger.db",
        "--csv", table)  # fmt: skip
    lines = table.read_text().splitlines()[1:]
    assert len(lines) == 2 * len(example.trips())
    assert all(line.split(",")[4] == "m" for line in lines)
    said = run("customer", "compare", toll / "tariff.jws", "--secrets", toll / "driver.json",
               "--ledger", toll / "ledger.db")  # fmt: skip
    assert wanted(example) in said


def test_prices_of_energy_bill_no_roads(toll: Path) -> None:
    office = ("--dir", toll / "operator")
    tariff = toll / "energy.jws"
    run("provider", "tariff", "sign", *office, "--flat", "0.3", *YEAR, "--zone",
        "Europe/Berlin", "--out", tariff)  # fmt: skip
    said = wattseal("customer", "compare", tariff, "--secrets", toll / "driver.json", "--ledger",
                    toll / "ledger.db")  # fmt: skip
    assert "tariff-unit" in said.stderr


def test_a_meter_at_its_port_keeps_the_unit_it_was_enrolled_with(toll: Path) -> None:
    with Ledger(toll / "ledger.db") as ledger:
        (known,) = ledger.meters()
        heard = Enrolment(known.meter, known.key, Unit("Wh", 0), 3600, known.channels)
        ledger.arrive("utility:somewhere", heard)
        assert ledger.meters() == [known]
        other = Enrolment(known.meter, known.key, Unit("Wh", 3), 3600, known.channels)
        with pytest.raises(Refused, match="meter-differs"):
            ledger.arrive("utility:somewhere", other)
