"""Ledger files with cells of the wrong kind, or bytes of noise: one line, never a traceback."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from bench.month import Month
from in_process import wattseal
from wattseal_host.customer.store import Secrets

SLOTS = 40
CASES = 80
CELLS = (0, -1, 2, None, "abc", b"", b"x", bytes(64), bytes(33), 2**62, -(2**63), 1.5)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    directory = tmp_path_factory.mktemp("month")
    month = Month(directory, SLOTS)
    bill = month.bill(month.half_hourly, consent=True)
    (directory / "one.json").write_bytes(bill.data)
    (directory / "one.bill").write_bytes(month.message(bill))
    secrets = Secrets(month.meter.meter, month.meter.key, dict(month.meter.secrets))
    secrets.save(directory / "customer.json")
    # Fill the tables that a good run leaves empty.
    verify = ("provider", "verify", directory / "one.bill", "--dir", month.office.directory)
    assert wattseal(*verify, "--ledger", month.ledger_file).returncode == 0
    connection = sqlite3.connect(month.ledger_file)
    connection.execute("INSERT INTO rejects VALUES (1, 1, 5, 'utility', 'c', 'd', x'00')")
    connection.execute(
        "INSERT INTO forks SELECT meter_id, seq, 5, 'utility', sealed FROM records WHERE seq = 3"
    )
    connection.commit()
    connection.close()
    return month


def columns(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    listed = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    tables = [row[0] for row in connection.execute(listed)]
    found = [
        (table, row[1])
        for table in tables
        for row in connection.execute(f"PRAGMA table_info({table})")
    ]
    connection.close()
    return found


def with_a_cell(path: Path, rng: random.Random) -> str:
    table, column = rng.choice(columns(path))
    value = rng.choice([*CELLS, rng.randbytes(64), rng.randbytes(205)])
    where = f" WHERE seq = {rng.choice([0, 1, 2, SLOTS])}" if table == "records" else ""
    connection = sqlite3.connect(path)
    try:
        connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ?{where}", (value,))
        connection.commit()
    except sqlite3.IntegrityError:
        return ""
    finally:
        connection.close()
    return f"{table}.{column} = {value!r}"


def with_noise(path: Path, rng: random.Random) -> str:
    data = bytearray(path.read_bytes())
    kind = rng.randrange(4)
    if kind == 0:
        for _ in range(rng.choice([1, 3, 30])):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 1:
        del data[rng.randrange(len(data)) :]
    elif kind == 2:
        at = rng.randrange(len(data))
        data[at : at + rng.randrange(5000)] = rng.randbytes(rng.randrange(5000))
    else:
        for _ in range(3):
            data[rng.randrange(200)] = rng.randrange(256)
    path.write_bytes(data)
    return f"noise {kind}"


@pytest.mark.parametrize("seed", range(CASES))
def test_every_command_ends_in_a_line(month: Month, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path = tmp_path / "l.db"
    home = month.ledger_file.parent
    office = ("--dir", month.office.directory)
    secrets = ("--secrets", home / "customer.json")
    commands = (
        ("ledger", "check"),
        ("ledger", "forks"),
        ("ledger", "rejects"),
        ("provider", "verify", home / "one.bill", *office),
        ("provider", "verify", home / "one.json", *office),
        ("customer", "openings", *secrets),
        ("customer", "recover", *secrets),
    )
    for command in rng.sample(commands, 3):
        path.write_bytes(month.ledger_file.read_bytes())
        change = (with_a_cell if seed % 2 else with_noise)(path, rng)
        done = wattseal(*command, "--ledger", path)
        assert done.returncode in (0, 1, 2), (change, command)
        assert done.stderr.count("\n") == (done.returncode == 2), (change, command, done.stderr)


CHANGES = {
    "start_s": "start_s + 1",
    "length_s": "length_s + 1",
    "kind": "1 - kind",
    "epoch": "epoch + 1",
    "boot": "boot + 1",
    "digest": "zeroblob(32)",
    "hints": "zeroblob(32)",
    "readings": "readings + 1",
    "sums": "(SELECT sums FROM records WHERE seq = 9)",
    "seq": "seq + 1000",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_check_recomputes_what_bills_rest_on(month: Month, tmp_path: Path, column: str) -> None:
    path = tmp_path / "l.db"
    path.write_bytes(month.ledger_file.read_bytes())
    check = ("ledger", "check", "--ledger", path)
    assert wattseal(*check).returncode == 0
    at = SLOTS + 1
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE records SET {column} = {CHANGES[column]} WHERE seq = {at}")
    connection.commit()
    connection.close()
    done = wattseal(*check)
    assert done.returncode == 1
    assert f"ledger-damaged (record {at}: {column})" in done.stdout
