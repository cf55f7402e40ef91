"""Local days of 23, 24 and 25 hours, as the grid and the tables show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_reader import PageReader, number
from report_samples import LONDON, MARCH_31_S, OCTOBER_27_S, make_report, make_slots
from wattseal_host.report import render
from wattseal_host.report.heat import Grid, heat_of_commitments
from wattseal_host.report.localtime import DAY_S, LocalTime, interval_name, length_text

HOUR_S = 3600
DAYS = {
    23: (MARCH_31_S, MARCH_31_S + 23 * HOUR_S),
    25: (OCTOBER_27_S - HOUR_S, OCTOBER_27_S + 24 * HOUR_S),
}


@given(st.integers(1704067200, 1735689599))
def test_local_time_agrees_with_the_zone(at_s: int) -> None:
    there = datetime.fromtimestamp(at_s, UTC).astimezone(ZoneInfo("Europe/London"))
    local = LocalTime(LONDON)
    assert local.offset_s(at_s) == there.utcoffset().total_seconds()  # type: ignore[union-attr]
    assert local.day(at_s) == (there.date() - datetime(1970, 1, 1).date()).days
    assert local.clock_s(at_s) == there.hour * 3600 + there.minute * 60 + there.second


@given(st.integers(1704067200, 1735689599), st.integers(1, 40 * DAY_S))
def test_pieces_cover_a_stretch_once(start_s: int, length_s: int) -> None:
    pieces = list(LocalTime(LONDON).pieces(start_s, start_s + length_s))
    assert sum(piece.length_s for piece in pieces) == length_s
    at_s = start_s
    for piece in pieces:
        assert piece.start_s == at_s
        assert piece.clock_s + piece.length_s <= DAY_S
        at_s += piece.length_s
    spots = {(p.day, p.clock_s, p.lane) for p in pieces}
    assert len(spots) == len(pieces)


@pytest.mark.parametrize("hours", DAYS)
def test_a_day_of_other_length_is_one_day(hours: int) -> None:
    from_s, to_s = DAYS[hours]
    slots = make_slots(start_s=from_s, days=(to_s - from_s) / DAY_S)
    page = PageReader(render(make_report(slots)))
    (row,) = page.tables["By day"][1:-1]
    assert number(row[1]) == 2 * hours
    assert "Sun" in row[0]


def test_the_doubled_hour_is_drawn_in_two_halves() -> None:
    from_s, to_s = DAYS[25]
    slots = make_slots(start_s=from_s, days=(to_s - from_s) / DAY_S)
    data = make_report(slots)
    figure = heat_of_commitments(Grid(data, LocalTime(LONDON), 1800), len(slots))
    drawn = {True: 0, False: 0}
    for mark in figure.marks:
        half = "half" in mark.style
        drawn[half] += sum(int(n) for n in re.findall(r"h(\d+)", mark.path))
    assert drawn == {True: 4, False: 46}


def test_the_skipped_hour_stays_empty() -> None:
    from_s, to_s = DAYS[23]
    slots = make_slots(start_s=from_s, days=(to_s - from_s) / DAY_S)
    grid = Grid(make_report(slots), LocalTime(LONDON), 1800)
    clocks = {piece.clock_s for _, piece in grid.pieces}
    assert HOUR_S not in clocks and len(clocks) == 46


def test_names_of_lengths() -> None:
    assert [interval_name(s) for s in (1800, 3600, 300, 700)] == [
        "half-hour",
        "hour",
        "5-minute slot",
        "700-second slot",
    ]
    assert [length_text(s) for s in (1800, 7200, 50700, 80)] == [
        "30 min",
        "2 h",
        "14 h 05 min",
        "1 min 20 s",
    ]
