"""Where things are on each chip the meter runs on: pins, UARTs, converter.

The chip tells which entry holds, so the same files run on every board. Names and pins are those
of boards/*/pins.csv; what is connected to them: docs/wiring.md.
"""

# chip: GPIOs of voltage, current, pairing button; (UART, tx, rx) of the customer's and the
# utility's port; (scl, sda) of the display; steps of the converter at 150 and 2450 mV, between
# which it is straight at 11 dB, and nanovolts a step where the chip's own calibration cannot be
# had.
_BOARDS = {
    "ESP32": (34, 35, 0, (1, 17, 16), (2, 26, 25), (22, 21), (10, 2865), 805_634),
    "ESP32S3": (1, 2, 0, (1, 17, 18), (2, 5, 4), (9, 8), (198, 3236), 757_021),
    # Two UARTs: the console is on USB, in the image of boards/.
    "ESP32C3": (0, 1, 9, (0, 6, 7), (1, 4, 5), (2, 8), (219, 3583), 683_761),
}


class Board:
    """Pins and constants of one board.

    voltage, current, button   GPIO numbers
    customer, utility          (UART, tx, rx) of the two ports
    display                    (scl, sda) of the display's I2C
    straight                   (lowest, highest) step of the converter that may be trusted
    nv_per_step                nanovolts at the pin of one step, nominally
    """

    def __init__(self, entry):
        self.voltage, self.current, self.button = entry[:3]
        self.customer, self.utility, self.display = entry[3:6]
        self.straight, self.nv_per_step = entry[6:]


def of(machine):
    """Return the Board of a chip, as `os.uname().machine` names it ("... with ESP32S3").

    ValueError for a chip the meter does not know.
    """
    chip = machine.rsplit(" with ", 1)[-1].split("-")[0]
    if chip not in _BOARDS:
        raise ValueError("no pins are known for " + machine)
    return Board(_BOARDS[chip])
