"""Emulated test points after IEC 62053-21 class 1 and IEC 62053-22 class 0.5S, for many chips.

The points and limits are those of the standards' tables for a meter of 230 V, 5 A basic and 60 A
maximum current; the procedures are not. A board that passes here has shown that its arithmetic
copes with the faults of frontend.bench, nothing more: emulated test points, never compliance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from wattseal_hil.appliances import Phantom
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.calibrate import (
    BURST_MS,
    SETTINGS,
    VOLTS,
    bursts_for,
    calibrate_bench,
    observe,
)
from wattseal_hil.frontend import FrontEnd, bench
from wattseal_hil.questions import measurement

BASIC_A = 5.0
MOST_A = 60.0
IND, CAP = 60.0, -36.87  # degrees of power factor 0.5 inductive, 0.8 capacitive
_PRECISION = 0.0012
_NO_CREEP_BURSTS = 3000  # ten minutes
_STEADY = 10  # how often a register must have moved on, to be said to go on registering


@dataclass(frozen=True)
class Point:
    """A load, and the limits of its error in percent (None: the class does not test it).

    versus: the point of nominal voltage whose error is taken off (influence of the voltage).
    """

    name: str
    amps: float
    angle_deg: float
    class_1: float | None
    class_05s: float | None
    volts: float = VOLTS
    versus: str = ""


def _at(share: float, angle_deg: float, class_1: float | None, class_05s: float | None) -> Point:
    word = {0.0: "PF 1", IND: "PF 0.5 ind", CAP: "PF 0.8 cap"}[angle_deg]
    current = "Imax" if share * BASIC_A == MOST_A else f"{share:g} In"
    return Point(f"{current} {word}", share * BASIC_A, angle_deg, class_1, class_05s)


POINTS = (
    _at(0.01, 0.0, None, 1.0),
    _at(0.05, 0.0, 1.5, 0.5),
    _at(0.1, 0.0, 1.0, 0.5),
    _at(0.5, 0.0, 1.0, 0.5),
    _at(1, 0.0, 1.0, 0.5),
    _at(12, 0.0, 1.0, 0.5),
    _at(0.02, IND, None, 1.0),
    _at(0.1, IND, 1.5, 0.6),
    _at(0.2, IND, 1.0, 0.6),
    _at(0.5, IND, 1.0, 0.6),
    _at(1, IND, 1.0, 0.6),
    _at(12, IND, None, 0.6),
    _at(0.02, CAP, None, 1.0),
    _at(0.1, CAP, None, 0.6),
    _at(0.5, CAP, 1.0, 0.6),
    _at(1, CAP, 1.0, 0.6),
    _at(12, CAP, None, 0.6),
    Point("U -10 % PF 1", BASIC_A, 0.0, 0.7, 0.2, 0.9 * VOLTS, "1 In PF 1"),
    Point("U +10 % PF 1", BASIC_A, 0.0, 0.7, 0.2, 1.1 * VOLTS, "1 In PF 1"),
    Point("U -10 % PF 0.5 ind", BASIC_A, IND, None, 0.4, 0.9 * VOLTS, "1 In PF 0.5 ind"),
    Point("U +10 % PF 0.5 ind", BASIC_A, IND, None, 0.4, 1.1 * VOLTS, "1 In PF 0.5 ind"),
)
START_A = {"class_1": 0.004 * BASIC_A, "class_05s": 0.001 * BASIC_A}
CREEP_LIMIT_WH = 1.0  # one pulse of 1000 a kWh, in the standard's 600e6 / (1000 Un Imax) minutes


@dataclass(frozen=True)
class Row:
    """One point on one chip: error in percent, or for `starts` and `no creep` whether it held."""

    seed: int
    name: str
    error_percent: float | None
    class_1: bool | None
    class_05s: bool | None


Advance = Callable[[float, float], None]


def run_chip(
    seed: int,
    advance: Advance,
    front_end: FrontEnd | None = None,
    points: tuple[Point, ...] = POINTS,
) -> list[Row]:
    """Calibrate one emulated board and take it through all points; `advance(done, of all)`."""
    front_end = front_end or bench(seed)
    total = float(len(points) + 8)
    calibration = calibrate_bench(front_end, seed, lambda done, all: advance(5 * done / all, total))
    rows = []
    errors: dict[str, float] = {}
    with EmulatedBoard(
        seed=seed, settings=SETTINGS, front_end=front_end, calibration=calibration
    ) as board:
        board.power_on()
        for number, point in enumerate(points):
            advance(5 + number, total)
            load = Phantom(point.volts, point.amps, point.angle_deg)
            seen = observe(board, load, bursts_for(load.watts, _PRECISION))
            error = 100 * (seen.energy_w / load.watts - 1)
            errors[point.name] = error
            error -= errors[point.versus] if point.versus else 0.0
            rows.append(
                Row(seed, point.name, error, _in(error, point.class_1), _in(error, point.class_05s))
            )
        rows.append(_no_creep(board, seed))
        starts = {name: _starts(board, amps) for name, amps in START_A.items()}
        rows.append(Row(seed, "starts", None, starts["class_1"], starts["class_05s"]))
    return rows


def _in(error: float, limit: float | None) -> bool | None:
    return None if limit is None else abs(error) <= limit


def _imported_wh(board: EmulatedBoard) -> float:
    energy: int = measurement(board.customer_port)["import_uj"]
    return energy / 3.6e9


def _no_creep(board: EmulatedBoard, seed: int) -> Row:
    """At 115 % of the voltage, without a current, the register all but stands still."""
    board.plug(Phantom(1.15 * VOLTS, 0.0))
    board.run_until(board.now_s + 1)
    before_wh = _imported_wh(board)
    seconds = _NO_CREEP_BURSTS * BURST_MS / 1000
    board.run_until(board.now_s + seconds)
    test_s = 60 * 600e6 / (1000 * VOLTS * MOST_A)
    held = (_imported_wh(board) - before_wh) * test_s / seconds < CREEP_LIMIT_WH
    return Row(seed, "no creep", None, held, held)


def _starts(board: EmulatedBoard, amps: float) -> bool:
    """After a minute to begin, the register moves on in each of several spells."""
    board.plug(Phantom(VOLTS, amps))
    board.run_until(board.now_s + 60)
    seen_wh = [_imported_wh(board)]
    for _ in range(_STEADY):
        board.run_until(board.now_s + 20 * BURST_MS / 1000)
        seen_wh.append(_imported_wh(board))
    moved = [after > before for before, after in pairwise(seen_wh)]
    # Noise alone moves it now and then: half of the energy at least must be there.
    spent_wh = VOLTS * amps * _STEADY * 20 * BURST_MS / 3.6e6
    return all(moved) and seen_wh[-1] - seen_wh[0] > 0.5 * spent_wh
