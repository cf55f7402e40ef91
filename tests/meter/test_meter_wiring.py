"""docs/wiring.md: its numbers, computed anew; its pins and settings; its drawings."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from meter.board import of
from meter.settings import Settings, parse
from wattseal_hil.real.boards import board_of
from wattseal_hil.real.drawing import drawings

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "wiring.md").read_text("utf-8")
CHIPS = ("esp32", "esp32s3", "esp32c3")
E24 = (10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82,
       91)  # fmt: skip
TURNS = 2000
DIVIDER = 750 / 13750
SWING_MV = 1150


def rows() -> dict[str, list[str]]:
    """First cell of a table row -> the others."""
    found = {}
    for line in TEXT.splitlines():
        if line.startswith("|"):
            first, *others = [cell.strip() for cell in line.strip("|").split("|")]
            found[first.strip("` ")] = others
    return found


ROWS = rows()


def number(text: str) -> float:
    match = re.search(r"-?\d+(\.\d+)?", text)
    assert match, text
    return float(match[0])


def parallel(a: float, b: float) -> float:
    return a * b / (a + b)


def shown(name: str) -> float:
    """The last cell of a row, as a number."""
    return number(ROWS[name][-1])


RMS_MV = SWING_MV / math.sqrt(2)
CURRENT_OHM = 22 + 1000
VOLTAGE_OHM = parallel(13_000, 750) + 300


def corner_hz(ohm: float) -> float:
    return 1 / (2 * math.pi * ohm * 100e-9)


def shift_deg(ohm: float) -> float:
    return math.degrees(math.atan(50 / corner_hz(ohm)))


@pytest.mark.parametrize(
    ("name", "value", "places"),
    [
        ("bias", 3300 * 13 / 33, 0),
        ("swing either way", min(1300 - 150, 2450 - 1300), 0),
        ("largest RMS of a sine", RMS_MV, 0),
        ("source of the bias", parallel(20, 13), 2),
        ("it settles in (τ)", parallel(20e3, 13e3) * 10e-6 * 1000, 0),
        ("sensitivity, `current_uv_per_a", 22 / TURNS * 1e6, 0),
        ("largest current", RMS_MV / (1000 * 22 / TURNS), 1),
        ("power in the burden then", (RMS_MV / 1000) ** 2 / 22 * 1000, 0),
        ("at the pin", 11_000 * DIVIDER, 0),
        ("voltage_nv_per_v", 11 / 230 * DIVIDER * 1e9, 0),
        ("largest mains voltage", RMS_MV / (600 / 230), 0),
        ("current drawn from the adapter", 11 / 13.75, 2),
        ("current input", CURRENT_OHM, 0),
        ("voltage input", VOLTAGE_OHM, 0),
        ("corner, current", corner_hz(CURRENT_OHM), 0),
        ("shift at 50 Hz, current", shift_deg(CURRENT_OHM), 3),
        ("shift at 50 Hz, voltage", shift_deg(VOLTAGE_OHM), 3),
        ("difference", shift_deg(CURRENT_OHM) - shift_deg(VOLTAGE_OHM), 3),
        ("loss at 50 Hz", 100 * (1 - 1 / math.hypot(1, 50 / corner_hz(CURRENT_OHM))), 2),
    ],
)
def test_numbers(name, value, places):
    assert shown(name) == pytest.approx(round(value, places))


def test_the_design_is_the_firmwares_default():
    settings = Settings()
    assert settings.current_uv_per_a == shown("sensitivity, `current_uv_per_a")
    assert settings.voltage_nv_per_v == shown("voltage_nv_per_v")
    assert f"arctan(50 / {corner_hz(VOLTAGE_OHM):.0f})" in TEXT


@pytest.mark.parametrize("fuse_a", [25, 40, 63, 100])
def test_burdens_for_other_fuses(fuse_a):
    computed, burden, setting, largest = map(number, ROWS[f"{fuse_a} A"])
    wanted = RMS_MV / 1000 * TURNS / (1.1 * fuse_a)
    assert computed == pytest.approx(round(wanted, 1))
    assert burden == max(value for value in E24 if value <= wanted)
    assert setting == burden * 500
    assert largest == pytest.approx(round(RMS_MV / 1000 * TURNS / burden, 1))
    parse(f'{{"current_uv_per_a": {setting:.0f}}}')


@pytest.mark.parametrize("column", range(3), ids=CHIPS)
def test_the_converters(column):
    known = of(f"x with {board_of(CHIPS[column]).machine}")
    step_uv = known.nv_per_step / 1000
    assert number(ROWS["a step, µV"][column]) == pytest.approx(step_uv, abs=0.05)
    assert number(ROWS["step at 150 mV"][column]) == known.straight[0]
    assert number(ROWS["step at 2450 mV"][column]) == known.straight[1]
    offset_mv = number(ROWS["input at step 0, mV"][column])
    assert offset_mv + known.straight[0] * step_uv / 1000 == pytest.approx(150, abs=0.5)
    shown_ma = number(ROWS["a step of current with 22 Ω, mA"][column])
    assert shown_ma == pytest.approx(step_uv / 11, abs=0.05)
    pins = ROWS["inputs used (ADC1: a running radio leaves it alone)"][column]
    assert [int(pin) for pin in pins.split(",")] == [known.voltage, known.current]


@pytest.mark.parametrize("chip", CHIPS)
def test_the_settings_are_the_pins_of_the_board(chip):
    board = board_of(chip)
    name = board.product.removeprefix("wattseal meter on ")
    lines = [line for line in TEXT.splitlines() if line.startswith(f"| {name} | `{{")]
    settings = parse(lines[0].split("`")[1])
    assert settings.direction_pin == board.pins["UTILITY_DIRECTION"]
    assert settings.tamper_pin == board.pins["TAMPER"]


def test_the_lines_bias():
    found = re.search(r"3\.3 V · 60 / \(60 \+ 780\) = (\d+) mV", TEXT)
    assert found and int(found[1]) == round(3300 * 60 / 840) > 200


@pytest.mark.parametrize("name", [*(f"wiring-{chip}.svg" for chip in CHIPS), "wiring-circuits.svg"])
def test_the_drawings_are_as_the_script_makes_them(name):
    """`python -m wattseal_hil.real.drawing docs` makes them anew."""
    assert (DOCS / name).read_text("utf-8") == drawings()[name]
    assert name in TEXT
