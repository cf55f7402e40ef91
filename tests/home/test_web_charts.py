"""The charts' axis of time: local hours and days, where they are, and no more than have room."""

import re

import pytest
from wattseal_host.report.localtime import LocalTime
from wattseal_host.web import charts

JAN_S = 1_767_225_600  # 2026-01-01T00:00Z
MARCH_S = 1_774_652_400  # 2026-03-28T00:00 in Brussels; an hour is left out the day after
BRUSSELS = LocalTime(((JAN_S, 3600), (1_774_746_000, 7200)))
UTC = LocalTime(())


def marks(svg):
    """(place, text) of the labels under the axis."""
    found = re.findall(r'<text x="([\d.]+)" y="222" text-anchor="middle">([^<]+)</text>', svg)
    return [(float(at), text) for at, text in found]


def drawn(from_s, hours, local):
    curve = [(from_s + 3600 * at, from_s + 3600 * (at + 1), 1000.0) for at in range(hours)]
    return marks(charts.load_curve(curve, 1000.0, 1000.0, local))


@pytest.mark.parametrize(
    ("hours", "texts"),
    [
        (4, ["1 Jan", "01:00", "02:00", "03:00"]),
        (24, ["1 Jan", "06:00", "12:00", "18:00"]),
        (48, ["1 Jan", "12:00", "2 Jan", "12:00"]),
        (31 * 24, ["1 Jan", "8 Jan", "15 Jan", "22 Jan", "29 Jan"]),
    ],
)
def test_hours_or_days_as_the_period_is_long(hours, texts):
    found = drawn(JAN_S, hours, UTC)
    assert [text for _, text in found] == texts
    assert found[0][0] == charts.LEFT


def test_a_day_of_23_hours():
    found = drawn(MARCH_S, 47, BRUSSELS)
    assert [text for _, text in found] == ["28 Mar", "12:00", "29 Mar", "12:00"]
    width = (charts.WIDTH - charts.LEFT) / 47
    hours = [round((at - charts.LEFT) / width, 2) for at, _ in found]
    assert hours == pytest.approx([0, 12, 24, 35], abs=0.02)


def test_a_day_each_and_not_more_names_than_have_room():
    days = [(f"{day + 1} Jan 2026", 1000.0 * day) for day in range(31)]
    assert [text for _, text in marks(charts.daily(days))] == [
        "1 Jan", "8 Jan", "15 Jan", "22 Jan", "29 Jan",
    ]  # fmt: skip
    assert marks(charts.daily(days[:1])) == [((charts.LEFT + charts.WIDTH) / 2, "1 Jan")]
