"""The command line as scripts see it: exit codes, one line of error, no traceback on anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sealed_house import House
from wattseal_host.ledger import Ledger

COMMAND = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]


def wattseal(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    return done


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, house: House) -> Path:
    out = tmp_path_factory.mktemp("files")
    (out / "bundle.json").write_bytes(house.bill().data)
    (out / "trust.json").write_bytes(house.trust.write())
    return out


def verify(files: Path, bundle: str, *more: str) -> subprocess.CompletedProcess[str]:
    return wattseal("verify", files / bundle, "--trust", files / "trust.json", *more)


def test_verify_accepts(files: Path) -> None:
    done = verify(files, "bundle.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("accepted: ")
    value = json.loads(verify(files, "bundle.json", "--json").stdout)
    assert value["accepted"] and value["code"] == "accepted" and value["currency"] == "GBP"
    assert set(value["checks_ms"]) >= {"form", "documents", "records", "proof"}


def test_verify_refuses_with_a_reason(files: Path, house: House) -> None:
    tree = json.loads((files / "bundle.json").read_bytes())
    tree["statement"]["amount"] = "1"
    (files / "cheap.json").write_text(json.dumps(tree))
    done = verify(files, "cheap.json")
    assert done.returncode == 1 and done.stdout.startswith("refused: statement-amount")
    tree["statement"]["amount"] = 1.5
    (files / "malformed.json").write_text(json.dumps(tree))
    done = verify(files, "malformed.json", "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "json-number")
    nobody = files / "nobody.json"
    nobody.write_bytes(type(house.trust)().write())
    done = wattseal("verify", files / "bundle.json", "--trust", nobody)
    assert done.returncode == 1 and "untrusted-keys" in done.stdout
    assert house.enrolment_jws.kid in done.stdout


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty", b""),
        ("truncated", b'{"format":"wattseal-bundle/1","statement":'),
        ("binary", bytes(range(256))),
        ("deep", b"[" * 200_000),
        ("deeper", b'{"proof":' * 200_000),
        ("other", b'{"hello":1}'),
        ("float", b"[1.5]"),
    ],
)
def test_unusable_files_end_in_one_line(files: Path, name: str, data: bytes) -> None:
    (files / name).write_bytes(data)
    for done in (
        verify(files, name),
        wattseal("verify", files / "bundle.json", "--trust", files / name),
    ):
        assert done.returncode == 2 and done.stdout == ""
        first, *rest = done.stderr.splitlines()
        assert first.startswith("error: ") and len(rest) <= 1
        assert first == first[0].lower() + first[1:]


def test_huge_missing_and_strange_files(files: Path) -> None:
    with open(files / "huge", "wb") as huge:
        huge.truncate(1 << 32)
    for name in ("huge", "missing", "bundle.json/x", ".", "bun\ndle"):
        done = verify(files, name)
        assert done.returncode == 2 and done.stderr.startswith("error: file-")
    assert wattseal("verify", "/dev/zero", "--trust", files / "trust.json").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["verify"],
        ["verify", "x", "--nope"],
        ["collect", "--ledger", "/nonexistent/l.db", "--utility-port", "/dev/null"],
        ["collect", "--ledger", "l.db"],
        ["customer", "status", "--port", "/nonexistent"],
        ["provider", "enrol", "--dir", "/nonexistent", "--port", "/nonexistent"],
        ["demo", "--days", "0"],
        ["demo", "--interval", "7"],
        ["demo", "--load", "/nonexistent.csv"],
        ["customer", "openings", "--secrets", "/etc/passwd", "--ledger", "l.db"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_every_mistake_ends_in_one_line_and_exit_2(arguments: list[str], tmp_path: Path) -> None:
    line = [*COMMAND, *arguments]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["forks", "rejects"])
def test_a_list_of_nothing_says_so(what: str, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db"):
        pass
    assert wattseal("ledger", what, "--ledger", tmp_path / "ledger.db").stdout == "none\n"


def test_help_comes_at_once() -> None:
    """Nothing heavy is loaded for it: that waits until a command needs it."""
    code = "import sys, wattseal_host.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"gmpy2", "serial", "pymodbus", "starlette", "sqlalchemy", "joserfc", "numpy", "yaml"}
    loaded = set(done.stdout.split())
    assert "typer" in loaded and not heavy & loaded
    assert wattseal("--help").returncode == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", wattseal("--version").stdout)
    assert wattseal().returncode == 2


def test_a_reader_that_goes_away_is_no_error(files: Path) -> None:
    line = f"{sys.executable} -c 'from wattseal_host.cli.main import run; run()' verify"
    shell = f"{line} {files}/bundle.json --trust {files}/trust.json | true"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_provider_commands(tmp_path: Path) -> None:
    office, out = tmp_path / "office", tmp_path / "tariff.jws"
    assert wattseal("provider", "init", "--dir", office).returncode == 0
    again = wattseal("provider", "init", "--dir", office)
    assert again.returncode == 2 and again.stderr.startswith("error: key-exists")
    flat = wattseal(
        "provider", "tariff", "sign", "--dir", office, "--flat", "0.27", "--out", out,
        "--from", "2025-01-01", "--to", "2026-01-01", "--json",
    )  # fmt: skip
    assert json.loads(flat.stdout)["file"] == str(out)
    document = tmp_path / "tariff.json"
    document.write_text('{"name":"spy"}')
    bad = wattseal("provider", "tariff", "sign", "--dir", office, "--file", document, "--out", out)
    assert bad.returncode == 2 and bad.stderr.startswith("error: field-missing")
    assert wattseal("provider", "trust", "--dir", office, "--out", tmp_path / "t").returncode == 0
