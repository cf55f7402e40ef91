"""Readings in formats: what stands in them, rules of local time, and what is refused."""

from __future__ import annotations

import csv
import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from household_files import READINGS, Files, make_files
from hypothesis import given
from hypothesis import strategies as st
from in_process import wattseal
from sealed_house import SealingMeter
from wattseal.errors import Refused
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.itself import MeterSelf
from wattseal_host.customer.formats.gather import Gathered, from_port
from wattseal_host.customer.formats.green_button import to_green_button
from wattseal_host.customer.formats.summer_time import NO_RULE, moment, rules_of
from wattseal_host.customer.formats.table import safe, to_table
from wattseal_host.customer.openings import Opening
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.stretch import Stretch
from wattseal_host.units import Unit


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("household"))


def test_table(files: Files, tmp_path: Path) -> None:
    out = tmp_path / "readings.csv"
    done = wattseal(
        "customer", "save", "csv", *files.options, "--zone", "America/New_York", "--out", out,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"] == len(READINGS)
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "start_utc", "end_utc", "start_local", "end_local", "seconds", "import_kWh", "export_kWh",
        "flags",
    ]  # fmt: skip
    for row, (start_s, length_s, values, flags, hidden) in zip(rows, READINGS, strict=True):
        assert datetime.fromisoformat(row["start_utc"] + "Z").timestamp() == start_s
        assert datetime.fromisoformat(row["end_local"]).timestamp() == start_s + length_s
        assert row["end_local"].endswith("-05:00") and row["seconds"] == str(length_s)
        found = [row["import_kWh"], row["export_kWh"]]
        assert [Decimal(value) * 10_000 for value in found] == list(values)
        words = {8: "lead-in", 1: "power-lost", 0: ""}[flags]
        assert row["flags"] == ("saturated" if hidden else words)


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    cell = safe(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in (text, "'" + text)


def test_local_hours_that_come_twice_stay_apart() -> None:
    autumn_s = int(datetime(2025, 10, 26, 0, 30, tzinfo=UTC).timestamp())
    meter = SealingMeter("autumn").origin(autumn_s)
    for at in range(3):
        meter.reading(at)
    zone = ZoneInfo("Europe/Berlin")
    rows = to_table(_gathered(meter), zone).decode().splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == [
        "2025-10-26T02:30:00+02:00", "2025-10-26T02:00:00+01:00", "2025-10-26T02:30:00+01:00"
    ]  # fmt: skip
    feed = ElementTree.fromstring(to_green_button(_gathered(meter), zone))
    space = "{http://naesb.org/espi}"
    told = {name: feed.findtext(f".//{space}{name}") for name in
            ("dstStartRule", "dstEndRule", "dstOffset", "tzOffset")}  # fmt: skip
    # Last Sunday of March at 2, of October at 3: as the schema's own bits have it.
    assert told == {
        "dstStartRule": "3E0E2000", "dstEndRule": "AE0E3000", "dstOffset": "3600",
        "tzOffset": "3600",
    }  # fmt: skip


ZONES = {
    "Europe/London": (0, 3600), "America/New_York": (-18000, 3600), "Asia/Kolkata": (19800, 0),
    "Australia/Sydney": (36000, 3600), "Australia/Lord_Howe": (37800, 1800), "UTC": (0, 0),
    "Europe/Dublin": (0, 3600), "America/Santiago": (-14400, 3600), "Asia/Beirut": (7200, 3600),
    "America/St_Johns": (-12600, 3600), "Asia/Jerusalem": (7200, 3600),
}  # fmt: skip


@pytest.mark.parametrize("name", ZONES)
def test_rules_give_the_zone_s_own_time(name: str) -> None:
    zone = ZoneInfo(name)
    from_s = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
    rules = rules_of(zone, from_s, from_s + 500 * 86400)
    assert (rules.offset_s, rules.summer_s) == ZONES[name]
    if rules.begins == NO_RULE:
        assert rules.ends == NO_RULE
        return
    for year in range(2024, 2034):
        begins = moment(rules.begins, year) - timedelta(seconds=rules.offset_s)
        ends = moment(rules.ends, year) - timedelta(seconds=rules.offset_s + rules.summer_s)
        for at, after in ((begins, True), (ends, False)):
            for step, summer in ((-1, not after), (0, after)):
                told = (at.replace(tzinfo=UTC) + timedelta(seconds=step)).astimezone(zone)
                expected = rules.offset_s + summer * rules.summer_s
                assert told.utcoffset() == timedelta(seconds=expected), (name, year)


@pytest.mark.parametrize(("name", "year"), [("Africa/Casablanca", 2025), ("Europe/Istanbul", 2016)])
def test_a_zone_no_rule_describes_is_refused(name: str, year: int) -> None:
    from_s = int(datetime(year, 1, 5, tzinfo=UTC).timestamp())
    with pytest.raises(Refused) as caught:
        rules_of(ZoneInfo(name), from_s, from_s + 700 * 86400)
    assert caught.value.code == "format-zone"


def _gathered(meter: SealingMeter, unit: str = "Wh") -> Gathered:
    from wattseal_host.customer.recover import readings_of

    stretch = Stretch.from_sealed(meter.sealed[1:])
    openings = Secrets(meter.meter, meter.key, dict(meter.secrets)).opener().open_stretch(stretch)
    measure = Unit(unit, meter.exponent)
    enrolment = Enrolment(
        meter.meter, meter.key, measure, 1800, ("import", "export")[: meter.channels]
    )
    return Gathered(enrolment, readings_of(stretch, openings, measure))


def test_what_is_no_energy() -> None:
    meter = SealingMeter("road", exponent=3).origin().reading(7)
    gathered = _gathered(meter, "m")
    with pytest.raises(Refused) as caught:
        to_green_button(gathered, ZoneInfo("UTC"))
    assert caught.value.code == "format-unit"
    rows = list(csv.DictReader(to_table(gathered, ZoneInfo("UTC")).decode().splitlines()))
    assert rows[0]["import_m"] == "7000"


@pytest.mark.parametrize("exponent", [0, 1])
def test_the_unit_is_what_the_records_say(exponent: int) -> None:
    """A port says of its unit what it likes; what it sealed is signed."""
    meter = SealingMeter("told").origin().reading(7)
    stretch = Stretch.from_sealed(meter.sealed)
    held = Secrets(meter.meter, meter.key, dict(meter.secrets))
    said = Enrolment(meter.meter, meter.key, Unit("Wh", exponent), 1800, ("import",))

    class Port:
        def itself(self) -> MeterSelf:
            return MeterSelf(said, len(meter.sealed), 0, 1)

        def history(self, _: int) -> list[bytes]:
            return meter.sealed

        def openings(self, first: int, count: int) -> list[Opening]:
            return held.opener().open_stretch(stretch)

    def gather() -> Gathered:
        return from_port(cast(CustomerPort, Port()), held, 0, 2**32, lambda done, of: None)

    if not exponent:
        assert [one.value for one in gather().readings] == [7]
        return
    with pytest.raises(Refused, match="meter-differs"):
        gather()


def test_an_exponent_the_schema_has_not() -> None:
    gathered = _gathered(SealingMeter("fine", exponent=-4).origin().reading(123))
    feed = ElementTree.fromstring(to_green_button(gathered, ZoneInfo("UTC")))
    space = "{http://naesb.org/espi}"
    assert feed.findtext(f".//{space}powerOfTenMultiplier") == "-6"
    assert feed.findtext(f".//{space}value") == "12300"


def _spoil(files: Files, tmp_path: Path, name: str) -> tuple[list[object], str]:
    """(a command, the code it must end with)."""
    out = ["--out", tmp_path / "out"]
    save = ["customer", "save", "green-button", *files.options, *out]
    sign = ["customer", "save", "ocmf", files.disclosure, "--trust", files.trust]
    signing = [*sign, "--key", tmp_path / "key.pem", "--new-key", *out]
    match name:
        case "zone":
            return [*save, "--zone", "Mars/Base"], "zone-unknown"
        case "zone-path":
            return [*save, "--zone", "../../etc/passwd"], "zone-unknown"
        case "period":
            return [*save, "--from", "2030-01-01"], "readings-none"
        case "time":
            return [*save, "--from", "yesterday"], "time"
        case "both":
            return [*save, "--port", "/dev/null"], "source"
        case "folder":
            return [*save[:-1], tmp_path / "no" / "out"], "system"
        case "device":
            # Whoever may rename in /dev would put a file in place of the device.
            return [*save[:-1], "/dev/null"], "file-not-regular"
        case "directory":
            return [*save[:-1], tmp_path], "file-not-regular"
        case "stranger":
            meter = SealingMeter("stranger").origin()
            path = tmp_path / "stranger.json"
            Secrets(meter.meter, meter.key, {0: bytes(32)}).save(path)
            return [*save, "--secrets", path], "meter-unknown"
        case "wrong-secret":
            meter = files.house.meter
            path = tmp_path / "wrong.json"
            Secrets(meter.meter, meter.key, {0: bytes(32)}).save(path)
            return [*save, "--secrets", path], "opening-false"
        case "unit":
            path = tmp_path / "km.db"
            meter = files.house.meter
            with Ledger(path) as ledger:
                one = files.house.enrolment
                unit = Unit("m", one.unit.exponent)
                ledger.add_meter(Enrolment(one.meter, one.key, unit, one.interval_s, one.channels))
                ledger.append(meter.meter, meter.sealed, "utility")
            return [*save, "--ledger", path], "format-unit"
        case "altered":
            value = json.loads(files.disclosure.read_bytes())
            value["answers"][0]["answer"] = str(int(value["answers"][0]["answer"]) + 1)
            path = tmp_path / "told.json"
            path.write_text(json.dumps(value))
            return [*sign[:3], path, *signing[4:]], "proof-false"
        case "rubbish":
            path = tmp_path / "told.json"
            path.write_bytes(os.urandom(300))
            return [*sign[:3], path, *signing[4:]], "json-encoding"
        case "no-sum":
            return [*signing, "--query", "sum(import) >= 10"], "ocmf-query"
        case "not-asked":
            return [*signing, "--query", "sum(export)"], "ocmf-query"
        case "no-key":
            return [*sign, "--key", tmp_path / "none.pem", *out], "file-missing"
        case "untrusted":
            path = tmp_path / "trust.json"
            trust = {"format": "wattseal-trust/1", "meters": [], "providers": []}
            path.write_text(json.dumps(trust))
            return [*signing, "--trust", path], "untrusted-keys"
    raise AssertionError(name)


@pytest.mark.parametrize(
    "name",
    [
        "zone", "zone-path", "period", "time", "both", "folder", "device", "directory", "stranger",
        "wrong-secret", "unit",
        "altered", "rubbish", "no-sum", "not-asked", "no-key", "untrusted",
    ],
)  # fmt: skip
def test_one_clear_error_and_no_file(files: Files, tmp_path: Path, name: str) -> None:
    command, code = _spoil(files, tmp_path, name)
    done = wattseal(*command)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {code}"), line
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))
    assert not (tmp_path / "key.pem").exists()


def test_an_existing_key_is_never_overwritten(files: Files, tmp_path: Path) -> None:
    line = ["customer", "save", "ocmf", files.disclosure, "--trust", files.trust, "--new-key"]
    line += ["--key", tmp_path / "key.pem", "--out", tmp_path / "out"]
    assert wattseal(*line).returncode == 0
    kept = (tmp_path / "key.pem").read_bytes()
    (tmp_path / "out").unlink()
    done = wattseal(*line)
    assert done.returncode == 2 and done.stderr.startswith("error: key-exists")
    assert (tmp_path / "key.pem").read_bytes() == kept and not (tmp_path / "out").exists()
