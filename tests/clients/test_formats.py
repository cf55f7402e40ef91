"""Files for other programs, read back by those programs' own libraries in an environment apart."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from environment import environment
from house import START_S as HOUSE_START_S
from house import WATTS, House
from household_files import READINGS, Files, make_files
from in_process import wattseal
from sealed_house import INTERVAL_S, START_S
from wattseal_host.keys import load_key, public_bytes

LIBRARIES = ["greenbutton-objects>=2024.7", "pyocmf[crypto]>=0.6", "defusedxml"]
READ_GREEN_BUTTON = """
import json, sys
from greenbutton_objects.parse import parse_feed
(point,) = parse_feed(sys.argv[1])
print(json.dumps({
    "service": point.serviceCategory.name,
    "readings": [{
        "title": reading.title,
        "kind": [reading.readingType.kind.name, reading.readingType.uom.name,
                 reading.readingType.flowDirection.name, reading.readingType.commodity.name,
                 reading.readingType.accumulationBehaviour.name,
                 reading.readingType.dataQualifier.name, reading.readingType.defaultQuality.name],
        "power": reading.readingType.powerOfTenMultiplier,
        "length": reading.readingType.intervalLength,
        "blocks": [[block.interval.start.timestamp(), block.interval.duration.total_seconds()]
                   for block in reading.intervalBlocks],
        "intervals": [[one.timePeriod.start.timestamp(), one.timePeriod.duration.total_seconds(),
                       one._value, one.value_symbol, [q.quality.name for q in one.readingQualities]]
                      for one in reading.intervalReadings],
    } for reading in sorted(point.meterReadings, key=lambda one: one.link_self)],
}))
"""
READ_OCMF = """
import json, sys
from pyocmf import OCMF
text = open(sys.argv[1]).read()
record = OCMF.from_string(text, strict=True)
begin, end = record.payload.RD
print(json.dumps({
    "good": record.verify_signature(sys.argv[2]),
    "other": record.verify_signature(sys.argv[3]),
    "altered": OCMF.from_string(text.replace('"TX":"E"', '"TX":"C"')).verify_signature(sys.argv[2]),
    "serial": record.payload.MS,
    "vendor": record.payload.model_extra,
    "register": [end.RI.is_transaction_register, end.RI.info.category, end.RI.info.description],
    "begin": [begin.TM.timestamp.timestamp(), str(begin.RV), begin.TX, begin.RU],
    "end": [end.TM.timestamp.timestamp(), str(end.RV), end.TX, end.RU, end.ST],
    "wrong": [str(issue) for issue in record.check_eichrecht(errors_only=True)],
}))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("household"))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    python = environment(LIBRARIES)
    folder = tmp_path_factory.mktemp("readers")

    def run(script: str, *arguments: object) -> Any:
        (folder / "read.py").write_text(script)
        done = subprocess.run(
            [str(python), str(folder / "read.py"), *map(str, arguments)],
            env={"PATH": os.defpath}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_green_button(files: Files, read: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "usage.xml"
    made = wattseal(
        "customer", "save", "green-button", *files.options, "--zone", "Europe/Berlin", "--out", out
    )
    assert made.returncode == 0, made.stderr
    told = read(READ_GREEN_BUTTON, out)
    assert told["service"] == "electricity"
    assert [one["title"] for one in told["readings"]] == [
        "Received from the grid", "Delivered to the grid"
    ]  # fmt: skip
    for channel, one in enumerate(told["readings"]):
        flow = ("forward", "reverse")[channel]
        assert one["kind"] == [
            "energy", "wattHours", flow, "electricity", "deltaData", "normal", "raw"
        ]  # fmt: skip
        assert (one["power"], one["length"]) == (-1, INTERVAL_S)
        quality = {0: [], 1: ["other"], 8: ["other"]}
        assert one["intervals"] == [
            [start_s, length_s, values[channel], "Wh",
             ["questionable"] if hidden else quality[flags]]
            for start_s, length_s, values, flags, hidden in READINGS
        ]  # fmt: skip
        zone = ZoneInfo("Europe/Berlin")
        days = {datetime.fromtimestamp(start_s, zone).date() for start_s, *_ in READINGS}
        assert len(one["blocks"]) == len(days)
        first, last = one["blocks"][0], one["blocks"][-1]
        assert first[0] == READINGS[0][0]
        assert sum(last) == READINGS[-1][0] + READINGS[-1][1]


def test_asked_of_the_meter_itself(home: House, read: Callable[..., Any], tmp_path: Path) -> None:
    """The real firmware's port, its openings checked, and nothing of the epoch before."""
    home._secrets.save(tmp_path / "home.json")
    out = tmp_path / "usage.xml"
    line = ["customer", "save", "green-button", "--secrets", tmp_path / "home.json", "--out", out]
    made = wattseal(*line, "--port", home.board.customer_port, "--json")
    assert made.returncode == 0, made.stderr
    (one,) = read(READ_GREEN_BUTTON, out)["readings"]
    assert len(one["intervals"]) == json.loads(made.stdout)["records"] == 1
    start_s, length_s, value, unit, quality = one["intervals"][0]
    assert (length_s, unit, quality) == (1800, "Wh", []) and start_s > HOUSE_START_S
    assert value == pytest.approx(WATTS / 2, rel=0.02)
    unplugged = wattseal(*line[:-1], tmp_path / "none", "--port", "/dev/pts/no")
    assert unplugged.returncode == 2 and unplugged.stderr.startswith("error: port-missing")
    assert not (tmp_path / "none").exists()


def test_ocmf(files: Files, read: Callable[..., Any], tmp_path: Path) -> None:
    out, key = tmp_path / "sum.ocmf", tmp_path / "own.pem"
    line = ["customer", "save", "ocmf", files.disclosure, "--trust", files.trust, "--key", key]
    made = wattseal(*line, "--new-key", "--out", out, "--json")
    assert made.returncode == 0, made.stderr
    value = json.loads(made.stdout)
    other = wattseal(
        *line[:-1], tmp_path / "other.pem", "--new-key", "--out", tmp_path / "o", "--json",
        "--query", "sum(export[2025-01-01..2025-01-02])",
    )  # fmt: skip
    told = read(READ_OCMF, out, value["public_key"], json.loads(other.stdout)["public_key"])
    assert (told["good"], told["other"], told["altered"]) == (True, False, False)
    kwh = Fraction(sum(values[0] for _, _, values, *_ in files.disclosed), 10_000)
    assert Fraction(told["end"][1]) == Fraction(value["kwh"]) == kwh
    assert told["begin"] == [files.from_s, "0", "B", "kWh"]
    assert [told["end"][0], *told["end"][2:]] == [files.to_s, "E", "kWh", "G"]
    assert told["register"][:2] == [True, "import"] and "at meter" in told["register"][2]
    assert told["serial"] == files.house.meter.meter.hex()
    # It names the proof, so that nobody takes the signature for one.
    assert told["vendor"]["WD"] == files.digest
    assert told["vendor"]["WK"] == files.house.meter.key.hex() != public_bytes(load_key(key)).hex()
    assert told["vendor"]["WR"] == 'A | B "GmbH"' and told["vendor"]["WQ"] == "sum(import)"
    again = wattseal(*line, "--out", out)
    assert again.returncode == 0, again.stderr

    told = read(READ_OCMF, tmp_path / "o", value["public_key"], value["public_key"])
    assert told["good"] is False and told["register"][1] == "export"
    exported = sum(v[1] for s, _, v, *_ in files.disclosed if s < START_S + 86400)
    assert Decimal(told["end"][1]) == Decimal(exported).scaleb(-4)
    assert told["end"][0] - told["begin"][0] == timedelta(days=1).total_seconds()
    assert datetime.fromtimestamp(told["begin"][0], UTC) == datetime(2025, 1, 1, tzinfo=UTC)
