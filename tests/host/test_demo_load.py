"""The demo's load: its own local dates or new ones, and periods of whole local days."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from households import utc_s
from in_process import wattseal
from wattseal.errors import Misuse
from wattseal_host.cli.demo_load import plan
from wattseal_host.localstamps import find_zone

LONDON = find_zone("Europe/London")


def write(path: Path, stamps: list[str]) -> Path:
    rows = [f"{stamp},0.{i % 9 + 1}\n" for i, stamp in enumerate(stamps)]
    path.write_text("start,kwh\n" + "".join(rows))
    return path


def naive(start: str, count: int, minutes: int = 60) -> list[str]:
    first = datetime.fromisoformat(start)
    return [f"{first + timedelta(minutes=minutes * i):%Y-%m-%d %H:%M}" for i in range(count)]


def test_local_dates_over_the_long_day(tmp_path: Path) -> None:
    """The hour that comes twice has two energies, so it must be listed twice."""
    hours = naive("2023-10-29 00:00", 24)
    twice = [*hours[:2], hours[1], *hours[2:]]
    draw = plan(write(tmp_path / "l.csv", twice), None, 1, LONDON)
    assert (draw.from_s, draw.to_s - draw.from_s) == (utc_s("2023-10-28 23:00"), 25 * 3600)
    first_run, second_run = draw.from_s + 3600, draw.from_s + 7200
    assert [round(draw.load.power_w(at)) for at in (first_run, second_run)] == [200, 300]
    with pytest.raises(Misuse, match="load-gap"):
        plan(write(tmp_path / "l.csv", hours), None, 1, LONDON)


def test_local_dates_over_the_short_day(tmp_path: Path) -> None:
    hours = naive("2023-03-26 00:00", 24)
    draw = plan(write(tmp_path / "l.csv", [hours[0], *hours[2:]]), None, 1, LONDON)
    assert draw.to_s - draw.from_s == 23 * 3600
    with pytest.raises(Misuse, match="never comes"):
        plan(write(tmp_path / "l.csv", hours), None, 1, LONDON)


def test_new_dates_run_on_whatever_the_old_ones_were(tmp_path: Path) -> None:
    path = write(tmp_path / "l.csv", naive("2013-06-01 00:00", 60, 30))
    draw = plan(path, "2023-10-29", 1, LONDON)
    assert (draw.from_s, draw.to_s - draw.from_s) == (utc_s("2023-10-28 23:00"), 25 * 3600)
    assert round(draw.load.power_w(draw.from_s)) == 200
    assert plan(None, "2023-03-26", 2, LONDON).from_s == utc_s("2023-03-26")
    with pytest.raises(Misuse, match="load-short"):
        plan(path, "2023-10-29", 2, LONDON)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("start,watts\n2023-01-01,1\n", "load-csv"),
        ("start,kwh\n2023-01-01 00:00,1\n", "load-csv"),
        ("start,kwh\n2023-01-01 00:00,1\n2023-01-01 01:00,much\n", "load-csv"),
        ("start,kwh\n2023-01-01 00:00,1\n2023-01-01 01:00\n", "load-csv"),
        ("start,kwh\n2023-01-01 00:00,1\n2023-01-01 01:00,1\n2023-01-01 03:00,1\n", "load-gap"),
        ("start,kwh\n2023-01-01 01:00,1\n2023-01-01 00:00,1\n", "stamp"),
    ],
)
def test_loads_that_do_not_say_it_are_refused(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "l.csv"
    path.write_text(text)
    with pytest.raises(Misuse) as caught:
        plan(path, None, 1, LONDON)
    assert caught.value.code == code


def test_options_that_say_nothing_are_refused_with_what_to_do(tmp_path: Path) -> None:
    out = "--out", tmp_path / "out"
    done = wattseal("demo", "--minor-units", *out)
    assert done.returncode == 2
    assert done.stderr.startswith("error: usage:") and "--prices" in done.stderr
    for load in ((), ("--load", write(tmp_path / "l.csv", naive("2013-06-01 00:00", 60, 30)))):
        done = wattseal("demo", "--start", "", "--days", 1, *load, *out)
        assert (done.returncode, done.stderr.split(":")[1]) == (2, " start")
    # Local midnight of Nepal is at 18:15 UTC.
    done = wattseal("demo", "--zone", "Asia/Kathmandu", "--days", 1, *out)
    assert done.returncode == 2
    assert "error: load-start" in done.stderr and "--interval 900" in done.stderr
    assert not (tmp_path / "out").exists()
