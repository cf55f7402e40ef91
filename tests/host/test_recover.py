"""Every reading from the ledger with the epoch secrets alone."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from in_process import wattseal
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Misuse, Refused
from wattseal.record import POWER_LOST, SATURATED
from wattseal_host.customer import recover as module
from wattseal_host.customer.openings import Opener, check_all
from wattseal_host.customer.recover import recover, to_csv
from wattseal_host.customer.store import Secrets
from wattseal_host.ledger import Ledger
from wattseal_host.stretch import Stretch


def quiet(done: float, total: float) -> None:
    assert 0 <= done <= total


def tenants() -> SealingMeter:
    """Three epochs, two channels, tenths of a Wh, an outage and a saturated reading."""
    meter = SealingMeter("tenants", exponent=-1, channels=2).origin(START_S - 100)
    meter.reading(3, 4, length_s=100, flags=8)
    meter.reading(10, 0).reading(11, 1).paired().reading(20, 2)
    meter.reading(7, 8, length_s=2 * INTERVAL_S, flags=POWER_LOST)
    return meter.reading(21, 3, hidden=SATURATED).paired().reading(30, 5)


METER = tenants()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recover") / "ledger.db"
    with Ledger(path) as ledger:
        ledger.add_meter(House(METER).enrolment)
        ledger.append(METER.meter, METER.sealed, "utility")
    return path


def secrets(*epochs: int) -> Secrets:
    return Secrets(METER.meter, METER.key, {epoch: METER.secrets[epoch] for epoch in epochs})


@pytest.mark.parametrize("at_once", [1, 2, 2048])
def test_all_epochs_and_channels(path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(module, "RECORDS_AT_ONCE", at_once)
    with Ledger(path) as ledger:
        found = recover(ledger, secrets(0, 1, 2), 0, 2**32 - 1, quiet)
    values = [value for seq in sorted(METER.values) for value in METER.values[seq]]
    assert [reading.value for reading in found.readings] == [Decimal(v) / 10 for v in values]
    assert {reading.epoch for reading in found.readings} == {0, 1, 2} and not found.unknown
    rows = list(csv.DictReader(to_csv(found.readings).decode().splitlines()))
    assert rows[0] == {
        "start": "2024-12-31T23:58:20Z", "end": "2025-01-01T00:00:00Z", "channel": "import",
        "value": "0.3", "unit": "Wh", "flags": "lead-in",
    }  # fmt: skip
    assert [row["flags"] for row in rows if row["flags"]] == [
        "lead-in", "lead-in", "power-lost", "power-lost", "saturated", "saturated"
    ]  # fmt: skip
    assert rows[1]["channel"] == "export" and rows[-1]["value"] == "0.5"


def test_epochs_whose_secret_is_not_held_are_named(path: Path) -> None:
    with Ledger(path) as ledger:
        found = recover(ledger, secrets(1), 0, 2**32 - 1, quiet)
        assert {reading.epoch for reading in found.readings} == {1}
        before, after = found.unknown
        assert (before.epoch, before.from_seq, before.to_seq) == (0, 1, 3)
        assert (before.from_s, before.to_s) == (START_S - 100, START_S + 2 * INTERVAL_S)
        assert (after.epoch, after.from_seq, after.to_seq) == (2, 9, 9)
        later = recover(ledger, secrets(1), START_S + 3 * INTERVAL_S, START_S + 9999, quiet)
        assert [reading.seq for reading in later.readings] == [6, 6, 7, 7]


def test_an_empty_ledger_and_a_meter_that_is_not_there(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        with pytest.raises(Misuse, match="meter-unknown"):
            recover(ledger, secrets(1), 0, 9, quiet)
        ledger.add_meter(House(METER).enrolment)
        assert recover(ledger, secrets(1), 0, 2**32 - 1, quiet).readings == []


def test_a_wrong_secret_opens_nothing(path: Path) -> None:
    wrong = Secrets(METER.meter, METER.key, {1: bytes(32)})
    with Ledger(path) as ledger, pytest.raises(Refused, match="epoch-secret"):
        recover(ledger, wrong, 0, 2**32 - 1, quiet)
    # The pairing's event is not in the period: the openings themselves do not fit.
    with Ledger(path) as ledger, pytest.raises(Refused, match="opening-false: record 6"):
        recover(ledger, wrong, START_S + 3 * INTERVAL_S, 2**32 - 1, quiet)


@pytest.mark.parametrize("at", [0, 5, 11])
def test_a_false_opening_is_named(at: int) -> None:
    """A batch says only that something is wrong; a bisection says where."""
    stretch = Stretch.from_sealed(METER.sealed)
    openings = Opener(METER.meter, METER.secrets).open_stretch(stretch)
    false = openings[at]
    openings[at] = false._replace(value=false.value + 1)
    with pytest.raises(Refused, match=f"record {false.seq}, channel {false.channel}"):
        check_all(stretch, openings)


def test_recover_by_command(path: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> dict[str, Any]:
        done = wattseal("customer", "recover", "--ledger", path, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    file, table = tmp_path / "secrets.json", tmp_path / "readings.csv"
    secrets(0, 2).save(file)
    value = run("--secrets", file)
    assert value["count"] == len(value["readings"]) == 8
    assert [(row["seq"], row["value"]) for row in value["readings"][:2]] == [(1, "0.3"), (1, "0.4")]
    assert [unknown["epoch"] for unknown in value["unknown"]] == [1]
    assert run("--secrets", file, "--csv", table)["file"] == str(table)
    assert table.stat().st_mode & 0o777 == 0o600
    assert len(table.read_text().splitlines()) == 9
    done = wattseal("customer", "recover", "--ledger", path, "--secrets", file)
    assert "of epoch 1, whose secret is not held" in done.stdout
    done = wattseal("customer", "recover", "--ledger", tmp_path / "none.db", "--secrets", file)
    assert done.returncode == 2 and not (tmp_path / "none.db").exists()
