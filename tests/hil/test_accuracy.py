"""Emulated test points of class 1: every one passes, on boards with faulty parts.

`make accuracy` takes more boards, the extremes of the converter's reference among them.
"""

import os
from dataclasses import replace

import pytest
from wattseal_hil.accuracy import POINTS, Row, run_chip
from wattseal_hil.accuracy_picture import picture
from wattseal_hil.frontend import bench

CLASS_1 = tuple(point for point in POINTS if point.class_1 is not None)
MANY = int(os.environ.get("WATTSEAL_CHIPS") or 0)


def failures(rows: list[Row]) -> list[Row]:
    assert {row.name for row in rows} >= {point.name for point in CLASS_1} | {"no creep", "starts"}
    return [row for row in rows if row.class_1 is False]


@pytest.mark.parametrize("seed", [3, 4])
def test_every_point_of_class_1_passes(seed):
    assert not failures(run_chip(seed, lambda done, of_all: None, points=CLASS_1))


@pytest.mark.skipif(not MANY, reason="many boards take minutes: make accuracy")
@pytest.mark.parametrize("seed", range(100, 100 + MANY))
def test_every_point_of_class_1_passes_on_many_boards(seed):
    assert not failures(run_chip(seed, lambda done, of_all: None))


@pytest.mark.skipif(not MANY, reason="many boards take minutes: make accuracy")
@pytest.mark.parametrize("vref_mv", [1000.0, 1200.0])
def test_the_extremes_of_the_reference(vref_mv):
    front_end = bench(7)
    front_end = replace(front_end, converter=replace(front_end.converter, vref_mv=vref_mv))
    assert not failures(run_chip(7, lambda done, of_all: None, front_end, CLASS_1))


def test_the_picture_shows_every_error_once():
    rows = [Row(seed, point.name, 0.1, True, None) for seed in (1, 2) for point in POINTS]
    rows += [Row(1, "1 In PF 1", 99.0, False, False), Row(1, "no creep", None, True, True)]
    drawn = picture(rows)
    assert drawn.count('r="3"') == 2 * len(POINTS) + 1
    for point in POINTS:
        assert drawn.count(f">{point.name}</text>") == 1
