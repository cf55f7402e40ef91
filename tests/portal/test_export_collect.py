"""`wattseal export collect` against the real firmware, through a relay, in virtual time."""

from __future__ import annotations

import csv
import fcntl
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from standing_bench import DAY_S, HOUR_S, START_S, WATTS, Bench, Service, benches
from wattseal.errors import Misuse
from wattseal_host.errors import Unusable
from wattseal_host.export import fetch, recipient
from wattseal_host.export.kept import Kept


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    yield from benches(tmp_path, monkeypatch)


def day(number: int) -> str:
    return f"2026-01-{number:02}"


def energy_wh(file: Path) -> int:
    told = json.loads(file.read_text())
    assert told["format"] == "wattseal-export/1" and told["recipient"] == "https://a.example"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return sum(row["value"] for row in told["rows"])


@pytest.mark.slow
def test_day_after_day_until_it_is_withdrawn(bench: Bench) -> None:
    """Eight days: approved at home in the first hour, the meter unplugged on the fourth day and
    most of the fifth, withdrawn on the eighth."""
    digest = bench.sign("Daily", granularity_s=HOUR_S, every_s=20 * HOUR_S)
    bench.sleep(DAY_S + HOUR_S)
    bench.at(bench.board.now_s + 30, lambda: bench.decide(digest, True))
    bench.at(START_S + 3 * DAY_S + HOUR_S + 600, bench.cut)
    bench.at(START_S + 4 * DAY_S + 20 * HOUR_S, bench.mend)
    bench.at(START_S + 7 * DAY_S - HOUR_S, lambda: bench.decide(digest, False))
    told = bench.collect("--every", "1d", "--format", "json", "--format", "csv", code=4)
    days = [name for one in told for name in one["days"]]
    assert days == [day(1), day(2), day(3), day(4), day(5), day(6)]  # each of them once
    away = [one for one in told if one["state"] == "later"]
    assert away and {one["code"] for one in away} <= {"port-silent", "port-answer"}
    assert [day(4), day(5)] in [one["days"] for one in told]  # made up for, in one export
    assert told[-1]["state"] == "ended" and told[-1]["code"] == "export-withdrawn"
    for number in (2, 3, 4, 5, 6):
        assert energy_wh(bench.days / f"{day(number)}.json") == pytest.approx(24 * WATTS, abs=30)
        with (bench.days / f"{day(number)}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 24 and rows[0]["start_utc"] == f"{day(number)} 00:00:00"
        assert sum(float(row["import_kWh"]) for row in rows) == pytest.approx(24, abs=0.03)
    assert not list(bench.days.glob(f"{day(7)}*"))
    # Ever after it says so, and asks the meter nothing.
    bench.cut()
    (again,) = bench.collect(code=4)
    assert again["code"] == "export-withdrawn" and not again["days"]
    kept = Kept.load(bench.days / "collect.json", bench.secrets.meter, bytes.fromhex(digest))
    assert kept.withdrawn is not None
    assert kept.withdrawn[0] == pytest.approx(START_S + 7 * DAY_S - HOUR_S, abs=60)


def test_one_round_after_the_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody approves; somebody does; the same day is never fetched twice; what is false is not
    kept; it is withdrawn."""
    digest = bench.sign("Daily", granularity_s=HOUR_S)
    bench.sleep(DAY_S + HOUR_S)
    monkeypatch.setattr(fetch, "APPROVED_S", 5)
    (told,) = bench.collect(code=3)
    assert (told["state"], told["code"], told["days"]) == ("later", "applet-unpressed", [])
    bench.decide(digest, True)
    (told,) = bench.collect()
    assert told["days"] == [day(1)]
    # The meter was paired in the first half-hour: its first whole hour is the second.
    assert energy_wh(bench.days / f"{day(1)}.json") == pytest.approx(23 * WATTS, abs=30)
    assert bench.collect()[0]["days"] == []
    bench.sleep(DAY_S)
    real = bench.line.records
    with monkeypatch.context() as lying:

        def changed(*asked: Any) -> list[bytes]:
            return [one[:60] + bytes([one[60] ^ 1]) + one[61:] for one in real(*asked)]

        lying.setattr(bench.line, "records", changed)
        (told,) = bench.collect(code=2)
    assert told["state"] == "failed" and told["code"].startswith("chain-") and not told["days"]
    there = bench.days / f"{day(2)}.json"
    assert not there.exists()
    there.write_text("written before its process died")
    (told,) = bench.collect()
    assert told["days"] == [] and there.read_text().startswith("written before")
    (kept,) = bench.days.glob("collect.json")
    assert json.loads(kept.read_text())["next_s"] == START_S + 2 * DAY_S
    with (bench.days / ".lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Misuse, match="collect-running"):
            bench.collect()
    bench.sleep(DAY_S)
    bench.decide(digest, False)
    (told,) = bench.collect(code=4)
    assert told["code"] == "export-withdrawn" and not list(bench.days.glob(f"{day(3)}*"))


@pytest.mark.slow
def test_no_power_a_short_reach_and_a_new_customer(bench: Bench) -> None:
    """A day without power has a file without rows; days beyond the applet's reach are lost, aloud;
    whoever pairs anew ends it without a word."""
    digest = bench.sign("Two days", reach_s=4 * DAY_S)
    bench.sleep(DAY_S + HOUR_S)
    bench.at(bench.board.now_s + 30, lambda: bench.decide(digest, True))
    assert bench.collect()[0]["days"] == [day(1)]
    told = json.loads((bench.days / f"{day(1)}.json").read_text())
    assert told["every_s"] == 0 and len(told["rows"]) == 47
    bench.board.power_off()
    bench.sleep(2 * DAY_S)
    assert bench.collect(code=3)[0]["code"] == "port-silent"
    bench.board.power_on()
    bench.sleep(DAY_S)
    assert bench.collect()[0]["days"] == [day(2), day(3), day(4)]
    assert energy_wh(bench.days / f"{day(3)}.json") == 0
    # Power came back after one; what was used up to the next boundary is in the outage's record.
    assert energy_wh(bench.days / f"{day(4)}.json") == pytest.approx(22.5 * WATTS, abs=30)
    bench.sleep(4 * DAY_S)
    assert bench.collect()[0]["days"] == [day(6), day(7), day(8)]  # the fifth is lost
    bench.pair()
    bench.sleep(DAY_S)
    (told,) = bench.collect(code=4)
    assert told["code"] == "export-withdrawn" and told["days"] == []


@pytest.mark.slow
def test_nobody_is_asked_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times, a day apart at least, then no more; approved later, it is served."""
    digest = bench.sign("Daily", granularity_s=HOUR_S)
    bench.sleep(DAY_S + HOUR_S)
    monkeypatch.setattr(fetch, "APPROVED_S", 5)
    asked = []
    real = bench.line.mail

    def mail(kind: int, *what: Any) -> None:
        if kind == recipient.MANIFEST:
            asked.append(bench.board.now_s)
        real(kind, *what)

    def stop() -> None:
        raise SystemExit(7)

    monkeypatch.setattr(bench.line, "mail", mail)
    bench.at(START_S + 5 * DAY_S + 60, lambda: bench.decide(digest, True))
    bench.at(START_S + 7 * DAY_S, stop)
    told = bench.collect("--every", "1d", code=7)
    assert len(asked) == 3
    assert all(DAY_S <= later - one < 2 * DAY_S for one, later in pairwise(asked))
    assert {one["code"] for one in told[:3]} == {"applet-unpressed", "applet-unknown"}
    assert [name for one in told for name in one["days"]] == [day(5), day(6)]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--granularity-s", "900"], "collect-granularity"),
        (["--granularity-s", "5400"], "collect-granularity"),
        (["--granularity-s", "0"], "collect-granularity"),
        (["--from", "2026-01-01T12:00"], "time"), (["--every", "daily"], "usage"),
        (["--every", "0d"], "usage"), (["--format", "xml"], "usage"),
        (["--meter", "../../etc/passwd"], "usage"), (["--meter", "ABCD" * 8], "usage"),
        (["--meter", "00" * 16, "--meter", "00" * 16], "usage"), (["--port", "/dev/null"], "usage"),
    ],
)  # fmt: skip
def test_options_that_are_none(tmp_path: Path, words: list[str], code: str) -> None:
    bench = Service(tmp_path, "http://127.0.0.1:9", bytes(range(16)))
    bench.sign("Daily", granularity_s=HOUR_S)
    with pytest.raises(Misuse) as caught:
        bench.collect(*words)
    assert caught.value.code == code and not (tmp_path / "days").exists()


def test_an_applet_or_a_state_of_something_else(tmp_path: Path) -> None:
    bench = Service(tmp_path, "http://127.0.0.1:9", bytes(range(16)))
    bench.sign("Daily", granularity_s=HOUR_S)
    (tmp_path / "recipient.pem").rename(tmp_path / "other.pem")
    bench.sign("Another", granularity_s=HOUR_S)
    (tmp_path / "other.pem").rename(tmp_path / "recipient.pem")
    with pytest.raises(Misuse, match="another recipient"):
        bench.collect()
    path = tmp_path / "collect.json"
    Kept(bytes(16), bytes(32), True, DAY_S, 5, 7, bytes(32), (9, 10)).save(path)
    assert Kept.load(path, bytes(16), bytes(32)).withdrawn == (9, 10)
    good = path.read_text()
    for meter, changed in (
        (b"x" * 16, good), (bytes(16), "{}"), (bytes(16), good.replace("86400", "-1")),
        (bytes(16), good.replace("true", "1")), (bytes(16), good.replace('"seq":7', '"seq":7.5')),
        (bytes(16), good.replace('"at_s":9,', "")),
    ):  # fmt: skip
        path.write_text(changed)
        with pytest.raises(Unusable, match="collect-state"):
            Kept.load(path, meter, bytes(32))


def test_a_port_of_ones_own_wants_none_of_the_relay_s_libraries() -> None:
    """Which come with wattseal[portal] alone."""
    without = "import sys; sys.modules.update(dict.fromkeys(('httpx', 'starlette', 'uvicorn')));"
    parts = "wattseal_host.export.collecting, wattseal_host.export.service, wattseal_host.cli.main"
    subprocess.run([sys.executable, "-c", f"{without} import {parts}"], check=True)
