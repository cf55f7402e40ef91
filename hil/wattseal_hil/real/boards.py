"""The boards of boards/, as data: chip, where the image goes, and what is on which pin."""

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wattseal_hil.errors import BoardError
from wattseal_hil.tree import BOARDS

# What MicroPython's images call the chip, and what native code is compiled for.
_MACHINES = {"esp32": "ESP32", "esp32s3": "ESP32S3", "esp32c3": "ESP32C3"}
_ARCHITECTURES = {"esp32": "xtensawin", "esp32s3": "xtensawin", "esp32c3": "rv32imc"}
_UARTS = {"esp32": 3, "esp32s3": 3, "esp32c3": 2}


@dataclass(frozen=True)
class BoardData:
    """One folder of boards/. pins: name in pins.csv -> GPIO."""

    folder: str
    chip: str
    product: str
    flash_offset: int
    pins: dict[str, int]

    @property
    def machine(self) -> str:
        """What `os.uname().machine` of a MicroPython image for it ends with."""
        return _MACHINES[self.chip]

    @property
    def architecture(self) -> str:
        """What mpy-cross calls the chip's instruction set."""
        return _ARCHITECTURES[self.chip]

    @property
    def wiring(self) -> str:
        """What the emulation below the firmware must know, as the end of its machine's name:
        voltage and current input, number of UARTs, tx and rx of the two ports, sda and scl of the
        display's bus, chip."""
        pins = self.pins
        ports = " ".join(
            f"{pins[port + '_TX']},{pins[port + '_RX']}" for port in ("CUSTOMER", "UTILITY")
        )
        bus = f"{pins['DISPLAY_SDA']},{pins['DISPLAY_SCL']}"
        uarts = _UARTS[self.chip]
        return f"{pins['VOLTAGE']} {pins['CURRENT']} {uarts} {ports} {bus} with {self.machine}"


@cache
def boards() -> dict[str, BoardData]:
    """The boards by chip: esp32, esp32s3, esp32c3."""
    found = [_read(path.parent) for path in sorted(BOARDS.glob("*/board.json"))]
    return {board.chip: board for board in found}


def board_of(chip: str) -> BoardData:
    """The board of a chip. Raises BoardError `chip-unknown`."""
    known = boards()
    if chip not in known:
        raise BoardError("chip-unknown", f"{chip} is none of {', '.join(known)}")
    return known[chip]


def _read(folder: Path) -> BoardData:
    described = json.loads((folder / "board.json").read_text("utf-8"))
    with (folder / "pins.csv").open(newline="") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    return BoardData(
        folder.name,
        described["mcu"],
        described["product"],
        int(described["deploy_options"]["flash_offset"], 0),
        {name: int(gpio.removeprefix("GPIO")) for name, gpio in rows},
    )
