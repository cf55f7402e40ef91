"""The boards' files have the form MicroPython's build wants, and the firmware's pins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BOARDS = sorted(path.parent for path in (ROOT / "boards").glob("*/board.json"))


def test_there_is_a_board():
    assert BOARDS


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.name)
class TestBoard:
    def test_description(self, board: Path):
        description = json.loads((board / "board.json").read_text())
        assert description["mcu"] == "esp32"
        assert description["deploy_options"] == {"flash_offset": "0x1000"}
        assert (board / "board.md").read_text().strip()
        assert "MICROPY_HW_BOARD_NAME" in (board / "mpconfigboard.h").read_text()

    def test_manifest_leads_to_the_firmware(self, board: Path):
        cmake = (board / "mpconfigboard.cmake").read_text()
        assert "set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)" in cmake
        included = re.findall(r'include\("(.*?)"\)', (board / "manifest.py").read_text())
        assert included[0] == "$(PORT_DIR)/boards/manifest.py"
        assert (board / included[1]).resolve() == ROOT / "firmware" / "manifest.py"

    def test_pins_are_those_of_the_firmware(self, board: Path):
        named = dict(line.split(",GPIO") for line in (board / "pins.csv").read_text().split())
        main = (ROOT / "firmware" / "main.py").read_text()
        adcs = re.findall(r"ADC\(Pin\((\d+)\)", main)
        uarts = re.findall(r"UART\(\s*\d, .*?tx=(\d+), rx=(\d+)", main, re.DOTALL)
        (button,) = re.findall(r"button = Pin\((\d+)", main)
        assert [named["VOLTAGE"], named["CURRENT"]] == adcs
        assert (named["CUSTOMER_TX"], named["CUSTOMER_RX"]) == uarts[0]
        assert (named["UTILITY_TX"], named["UTILITY_RX"]) == uarts[1]
        assert named["PAIRING_BUTTON"] == button
