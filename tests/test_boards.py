"""The boards' files are what MicroPython's own build tools take, and the firmware runs on each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from meter.board import of
from wattseal.record import INTERVAL, TAMPER
from wattseal_hil import debian
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.meter import Meter
from wattseal_hil.modbus import registers
from wattseal_hil.questions import measurement
from wattseal_hil.real.boards import board_of, boards
from wattseal_hil.rig.emulated import EmulatedRig

ROOT = Path(__file__).resolve().parents[1]
BOARDS = sorted(path.parent for path in (ROOT / "boards").glob("*/board.json"))
CHIPS = ("esp32", "esp32c3", "esp32s3")
OFFSETS = {"esp32": 0x1000, "esp32c3": 0, "esp32s3": 0}
# GPIOs of ADC1 that MicroPython knows (ports/esp32/machine_adc.c): Wi-Fi leaves that one alone.
ADC1 = {"esp32": range(32, 40), "esp32s3": range(1, 11), "esp32c3": range(5)}
# Flash and PSRAM, and USB: not to be had for anything else.
TAKEN = {
    "esp32": {1, 3, *range(6, 12)},
    "esp32s3": {19, 20, *range(26, 38), 43, 44},
    "esp32c3": {*range(11, 20), 20, 21},
}
INPUT_ONLY = {"esp32": range(34, 40), "esp32s3": (), "esp32c3": ()}


@pytest.fixture(scope="module")
def micropython() -> Path:
    """MicroPython's source tree."""
    try:
        return debian.source_tree()
    except BoardError as error:
        pytest.skip(f"no MicroPython sources to check the boards against: {error}")


def test_there_is_a_board_for_each_chip():
    assert sorted(boards()) == list(CHIPS)


@pytest.mark.parametrize("folder", BOARDS, ids=lambda path: path.name)
class TestFiles:
    def test_description(self, folder: Path):
        description = json.loads((folder / "board.json").read_text())
        chip = description["mcu"]
        assert int(description["deploy_options"]["flash_offset"], 0) == OFFSETS[chip]
        header = (folder / "mpconfigboard.h").read_text()
        assert f'MICROPY_HW_MCU_NAME "{board_of(chip).machine}"' in header

    def test_cmake(self, folder: Path, micropython: Path):
        cmake = (folder / "mpconfigboard.cmake").read_text()
        assert "set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)" in cmake
        chip = json.loads((folder / "board.json").read_text())["mcu"]
        assert (f"set(IDF_TARGET {chip})" in cmake) == (chip != "esp32")
        port = micropython / "ports" / "esp32"
        named = re.search(r"set\(SDKCONFIG_DEFAULTS(.*?)\)", cmake, re.DOTALL)
        assert named
        for name in named[1].split():
            path = Path(name.replace("${MICROPY_BOARD_DIR}", str(folder)))
            assert (port / path).is_file(), name

    def test_pins_pass_the_ports_own_generator(self, folder: Path, micropython: Path, tmp_path):
        maker = micropython / "ports" / "esp32" / "boards" / "make-pins.py"
        done = subprocess.run(
            [
                sys.executable, str(maker), "--board-csv", str(folder / "pins.csv"),
                "--prefix", str(maker.parent / "pins_prefix.c"),
                "--output-source", str(tmp_path / "pins.c"),
                "--output-header", str(tmp_path / "pins.h"),
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "MP_QSTR_UTILITY_DIRECTION" in (tmp_path / "pins.c").read_text()

    def test_the_manifest_freezes_the_firmware(self, folder: Path, micropython: Path, tmp_path):
        frozen = evaluate(folder / "manifest.py", micropython, tmp_path)
        firmware = ROOT / "firmware"
        sources = {str(x.relative_to(firmware)) for x in firmware.rglob("*.py")} - {"manifest.py"}
        ours = {target for target, path in frozen.items() if ROOT in path.parents}
        assert ours == sources | {"wattseal/comb_data.py"}
        assert "_boot.py" in frozen  # the port's own


def evaluate(manifest: Path, micropython: Path, tmp_path: Path) -> dict[str, Path]:
    """What a manifest freezes, by MicroPython's own tool: name in the image -> source.

    The source package lacks micropython-lib, whose packages the port's manifest wants: empty ones
    stand in for it.
    """
    port = micropython / "ports" / "esp32"
    wanted = re.findall(r'require\("(.*?)"\)', (port / "boards" / "manifest.py").read_text())
    for name in wanted:
        (tmp_path / "lib" / "micropython" / name).mkdir(parents=True)
        (tmp_path / "lib" / "micropython" / name / "manifest.py").write_text("")
    script = (
        "import sys, manifestfile as m\n"
        "port, top, lib, path = sys.argv[1:]\n"
        "found = m.ManifestFile(m.MODE_FREEZE, "
        "{'PORT_DIR': port, 'MPY_DIR': top, 'MPY_LIB_DIR': lib})\n"
        "found.execute(path)\n"
        "for file in found.files(): print(file.target_path, file.full_path, sep='\\t')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(port), str(micropython), str(tmp_path / "lib"),
         str(manifest)],
        env={"PYTHONPATH": str(micropython / "tools")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {target: Path(path).resolve() for target, path in rows}


def test_the_download_pages_tool_takes_them(micropython, tmp_path):
    """Features and deploy texts, by MicroPython's tools/autobuild/build-downloads.py."""
    place = tmp_path / "ports" / "esp32" / "boards"
    place.mkdir(parents=True)
    (place / "deploy.md").write_bytes(
        (micropython / "ports" / "esp32" / "boards" / "deploy.md").read_bytes()
    )
    for folder in BOARDS:
        shutil.copytree(folder, place / folder.name)
    (tmp_path / "out").mkdir()
    tool = micropython / "tools" / "autobuild" / "build-downloads.py"
    done = subprocess.run(
        [sys.executable, str(tool), str(tmp_path), str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert {entry["id"] for entry in index} == {folder.name for folder in BOARDS}
    page = (tmp_path / "out" / "WATTSEAL_ESP32_DEVKITC.md").read_text()
    assert "write_flash 0x1000" in page


@pytest.mark.parametrize("chip", CHIPS)
class TestPins:
    def test_they_are_the_firmwares(self, chip: str):
        data = board_of(chip)
        known = of(f"Some module with {data.machine}")
        pins = data.pins
        assert (known.voltage, known.current) == (pins["VOLTAGE"], pins["CURRENT"])
        assert known.customer[1:] == (pins["CUSTOMER_TX"], pins["CUSTOMER_RX"])
        assert known.utility[1:] == (pins["UTILITY_TX"], pins["UTILITY_RX"])
        assert known.button == pins["PAIRING_BUTTON"]

    def test_the_chip_can_use_them_so(self, chip: str):
        pins = board_of(chip).pins
        assert len(set(pins.values())) == len(pins)
        assert {pins["VOLTAGE"], pins["CURRENT"]} <= set(ADC1[chip])
        assert not set(pins.values()) & TAKEN[chip]
        others = set(pins.values()) - {pins["VOLTAGE"], pins["CURRENT"]}
        assert not others & set(INPUT_ONLY[chip])

    def test_the_straight_part_is_150_to_2450_mv(self, chip: str):
        known = of(f"x with {board_of(chip).machine}")
        offset_mv = 142 if chip == "esp32" else 0
        for step, mv in zip(known.straight, (150, 2450), strict=True):
            assert offset_mv + step * known.nv_per_step / 1e6 == pytest.approx(mv, abs=0.5)


@pytest.mark.parametrize("machine", ["ESP32-D2WD", "ESP32-UNICORE"])
def test_variants_of_a_chip_are_that_chip(machine):
    assert of(f"Generic ESP32 module with {machine}").voltage == 34


def test_a_chip_nobody_wired_is_refused():
    with pytest.raises(ValueError, match="no pins"):
        of("ESP32C6 module with ESP32C6")


@pytest.mark.parametrize("chip", CHIPS)
def test_the_whole_firmware_runs_on_each(chip: str):
    """Boot, measure, seal, both ports, the button: with each board's pins and converter."""
    pins = board_of(chip).pins
    settings = {
        "interval_s": 60,
        "tamper_pin": pins["TAMPER"],
        "direction_pin": pins["UTILITY_DIRECTION"],
    }
    with EmulatedRig(chip=chip, load=1000, settings=settings) as rig:
        rig.power_on()
        rig.sleep(130)
        meter = Meter(rig)
        assert meter.power_w == pytest.approx(1000, rel=0.01)
        assert measurement(rig.customer_port)["flags"] == 0
        assert [record.kind for record in meter.records()].count(INTERVAL) == 2
        assert not meter.status()["pairing_open"]
        rig.press_button()
        assert meter.status()["pairing_open"]
        assert registers(rig.utility_port, 0, 2) == [0x5753, 0x4C31]
        assert rig.pin(pins["UTILITY_DIRECTION"]) == 0  # it listens again
        rig.drive_pin(pins["TAMPER"], 1)
        rig.sleep(60)
        assert any(record.event == TAMPER for record in meter.records())


def test_wires_elsewhere_are_noticed(tmp_path):
    """The emulation holds the firmware to its board's pins: another board's do not work."""
    wrong = tmp_path / "firmware"
    wrong.mkdir()
    (wrong / "main.py").write_text("from machine import UART\nUART(2, tx=26, rx=25)\n")
    for chip in ("esp32c3", "esp32s3"):
        with (
            EmulatedBoard(chip=chip, firmware=wrong) as board,
            pytest.raises(BoardError) as caught,
        ):
            board.power_on()
        assert "ValueError" in caught.value.detail


def test_a_stock_image_on_a_c3_is_refused_with_the_reason(tmp_path):
    """MicroPython raises ValueError for buffers on the UART of its console (machine_uart.c)."""
    firmware = shutil.copytree(ROOT / "firmware", tmp_path / "firmware")
    with (firmware / "boot.py").open("a") as boot:
        boot.write(
            "\nimport machine\n"
            "class Taken(machine.UART):\n"
            "    def __init__(self, id, *a, **k):\n"
            "        if id == 0 and 'txbuf' in k: raise ValueError('UART buffer size is fixed')\n"
            "        super().__init__(id, *a, **k)\n"
            "machine.UART = Taken\n"
        )
    with (
        EmulatedBoard(chip="esp32c3", firmware=firmware) as board,
        pytest.raises(BoardError) as caught,
    ):
        board.power_on()
    assert "UART 0 is not free in this image: see docs/wiring.md" in caught.value.detail
