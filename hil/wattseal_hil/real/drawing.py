"""The drawings of docs/wiring.md: each board with its connections, from boards/*/pins.csv.

`python -m wattseal_hil.real.drawing docs` writes them; a test holds the committed ones to it.
"""

import sys
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from wattseal_hil.real.boards import BoardData, boards
from wattseal_hil.real.circuits import circuits

# Pin headers as they stand on the boards, seen from above with the antenna up.
_HEADERS = {
    "esp32": (
        "3V3 EN VP VN 34 35 32 33 25 26 27 14 12 GND 13 D2 D3 CMD 5V",
        "GND 23 22 TX RX 21 GND 19 18 5 17 16 4 0 2 15 D1 D0 CLK",
    ),
    "esp32s3": (
        "3V3 3V3 RST 4 5 6 7 15 16 17 18 8 3 46 9 10 11 12 13 14 5V GND",
        "GND TX RX 1 2 42 41 40 39 38 37 36 35 0 45 48 47 21 20 19 GND GND",
    ),
    "esp32c3": (
        "GND 3V3 3V3 2 3 GND RST GND 0 1 10 GND 5V 5V GND",
        "GND TX RX GND 9 8 GND 7 6 5 4 GND 18 19 GND",
    ),
}
_NOTES = {
    "esp32": ("USB: console, 5 V",),
    "esp32s3": ("both USB sockets:", "console, 5 V"),
    "esp32c3": ("USB socket: flashing, 5 V", "18 D-, 19 D+: console"),
}
_RAILS = {"3V3": "#c0392b", "5V": "#d9822b", "GND": "#222"}


class Part(NamedTuple):
    """What is connected: its pins (names in pins.csv, label at the part), colour, text."""

    title: str
    colour: str
    pins: dict[str, str]
    lines: tuple[str, ...]


PARTS = (
    Part("mains voltage", "#b5651d", {"VOLTAGE": "signal"},
         ("9 V AC adapter, 13 kΩ : 750 Ω,", "biased at 1.3 V; 300 Ω, 100 nF")),
    Part("current clamp", "#b5651d", {"CURRENT": "signal"},
         ("2000 : 1 into 22 Ω,", "biased at 1.3 V; 1 kΩ, 100 nF")),
    Part("utility port", "#2a4d8f",
         {"UTILITY_TX": "DI", "UTILITY_RX": "RO", "UTILITY_DIRECTION": "DE + /RE"},
         ("RS-485 transceiver at 3.3 V,", "Modbus RTU 19200 8E1")),
    Part("customer port", "#2e7d4f", {"CUSTOMER_TX": "to reader", "CUSTOMER_RX": "from reader"},
         ("P1 socket or USB-serial at 3.3 V,", "115200 8N1")),
    Part("case switch", "#7a3b8f", {"TAMPER": "switch"}, ("to GND, shut with the case",)),
    Part("display", "#55707a", {"DISPLAY_SDA": "SDA", "DISPLAY_SCL": "SCL"},
         ("SSD1306, 128 x 64, at 3.3 V,", "I²C 0x3C, 4.7 kΩ to 3.3 V each")),
    Part("pairing button", "#8a2f4a", {"PAIRING_BUTTON": "to GND"},
         ("the board's own BOOT button",)),
)  # fmt: skip

_WIDTH, _PITCH, _TOP = 1000, 26, 100
_LEFT, _RIGHT = 400, 600  # edges of the board
_BLOCK, _LANE = 250, 12


def draw(board: BoardData) -> str:
    """The drawing of one board, as SVG."""
    left, right = (names.split() for names in _HEADERS[board.chip])
    rows = max(len(left), len(right))
    body = [_block_column(board, left, 0), _block_column(board, right, 1)]
    height = max(_TOP + rows * _PITCH + 60, *(bottom for _, bottom in body)) + 20
    title = f"{board.product.removeprefix('wattseal meter on ')}: what is connected where"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="Inter, Helvetica, Arial, sans-serif" font-size="13" role="img" '
        'aria-labelledby="t">',
        f'<title id="t">{escape(title)}</title>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fbfaf6"/>',
        f'<text x="{_WIDTH // 2}" y="42" text-anchor="middle" font-size="20" font-weight="700" '
        f'fill="#222">{escape(title)}</text>',
        f'<text x="{_WIDTH // 2}" y="64" text-anchor="middle" fill="#555">seen from above, antenna '
        "up; numbers are GPIOs; extra-low voltage only, no mains on this board</text>",
        _outline(board, rows),
        _pins(board, left, 0),
        _pins(board, right, 1),
        *(text for text, _ in body),
        "</svg>",
    ]
    return "\n".join(out) + "\n"


def _outline(board: BoardData, rows: int) -> str:
    bottom = _TOP + rows * _PITCH + 8
    middle = (_LEFT + _RIGHT) // 2
    notes = "".join(
        f'<text x="{middle}" y="{bottom + 18 + 16 * k}" text-anchor="middle" fill="#555" '
        f'font-size="12">{escape(line)}</text>'
        for k, line in enumerate(_NOTES[board.chip])
    )
    return (
        f'<rect x="{_LEFT}" y="{_TOP - 16}" width="{_RIGHT - _LEFT}" height="{bottom - _TOP + 16}" '
        'rx="8" fill="#24423a" stroke="#16302a" stroke-width="1.5"/>'
        f'<rect x="{middle - 44}" y="{_TOP + 4}" width="88" height="96" rx="3" fill="#c9cdd1"/>'
        f'<text x="{middle}" y="{_TOP + 56}" text-anchor="middle" font-weight="700" fill="#333">'
        f"{board.machine}</text>"
        f'<rect x="{middle - 20}" y="{bottom - 16}" width="40" height="20" rx="3" fill="#a9b0b5"/>'
        f"{notes}"
    )


def _pin_y(row: int) -> int:
    return _TOP + row * _PITCH + 10


def _pins(board: BoardData, names: list[str], side: int) -> str:
    used = {str(gpio): part.colour for part in PARTS for name in part.pins
            if (gpio := board.pins[name]) is not None}  # fmt: skip
    x, label = ((_LEFT + 12, _LEFT + 26), (_RIGHT - 12, _RIGHT - 26))[side]
    anchor = ("start", "end")[side]
    out = []
    for row, name in enumerate(names):
        colour = used.get(name) or _RAILS.get(name, "#7d8f8a")
        weight = ' font-weight="700"' if name in used else ""
        fill = "#fff" if name in used or name in _RAILS else "#9db3ac"
        out.append(
            f'<circle cx="{x}" cy="{_pin_y(row)}" r="6" fill="{colour}" stroke="#f3e9c8" '
            f'stroke-width="1.5"/><text x="{label}" y="{_pin_y(row) + 4}" fill="{fill}" '
            f'text-anchor="{anchor}"{weight}>{name}</text>'
        )
    return "\n".join(out)


def _block_column(board: BoardData, names: list[str], side: int) -> tuple[str, int]:
    """The parts beside one header and their wires; where they end."""
    terminals: list[tuple[int, Part, str, str]] = []  # row, part, label, GPIO
    for part in PARTS:
        for name, label in part.pins.items():
            gpio = str(board.pins[name])
            if gpio in names:
                terminals.append((names.index(gpio), part, label, gpio))
    first = {p.title: min(row for row, q, _, _ in terminals if q is p) for _, p, _, _ in terminals}
    order = sorted((p for p in PARTS if p.title in first), key=lambda part: first[part.title])
    heights = [46 + 24 * sum(p is part for _, p, _, _ in terminals) + 17 * len(part.lines)
               for part in order]  # fmt: skip
    y = max(90, _TOP + (len(names) * _PITCH - sum(heights) - 16 * (len(order) - 1)) // 2)
    x = (30, _WIDTH - 30 - _BLOCK)[side]
    out, wires = [], []
    for part, height in zip(order, heights, strict=True):
        out.append(_block(part, x, y, height))
        mine = sorted(row for row, p, _, _ in terminals if p is part)
        for place, row in enumerate(mine):
            label = next(word for r, _, word, _ in terminals if r == row)
            at = y + 46 + 24 * place
            edge, text_x = ((x + _BLOCK, x + _BLOCK - 12), (x, x + 12))[side]
            out.append(
                f'<circle cx="{edge}" cy="{at}" r="4" fill="{part.colour}"/><text x="{text_x}" '
                f'y="{at + 4}" text-anchor="{("end", "start")[side]}" fill="#222" '
                f'font-weight="600">{escape(label)}</text>'
            )
            wires.append((_pin_y(row), at, part.colour))
        y += height + 16
    return "\n".join([_wires(wires, side), *out]), y


def _block(part: Part, x: int, y: int, height: int) -> str:
    lines = "".join(
        f'<text x="{x + 14}" y="{y + height - 12 - 17 * (len(part.lines) - 1 - k)}" fill="#555" '
        f'font-size="12.5">{escape(line)}</text>'
        for k, line in enumerate(part.lines)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{_BLOCK}" height="{height}" rx="9" fill="#fff" '
        f'stroke="{part.colour}" stroke-width="1.6"/><text x="{x + 14}" y="{y + 23}" '
        f'font-size="15" font-weight="700" fill="{part.colour}">{escape(part.title)}</text>{lines}'
    )


def _wires(wires: list[tuple[int, int, str]], side: int) -> str:
    """Each on a lane of its own: of those that go up the highest turns first, of the others the
    lowest, so that none crosses another."""
    up = sorted(wire for wire in wires if wire[1] < wire[0])
    down = sorted((wire for wire in wires if wire[1] >= wire[0]), reverse=True)
    sign, edge = ((-1, _LEFT), (1, _RIGHT))[side]
    end = (30 + _BLOCK, _WIDTH - 30 - _BLOCK)[side]
    out = []
    for group in (up, down):
        for number, (pin_y, at, colour) in enumerate(group):
            lane = edge + sign * (18 + _LANE * number)
            out.append(
                f'<path d="M{edge - sign * 12} {pin_y}H{lane}V{at}H{end}" fill="none" '
                f'stroke="{colour}" stroke-width="2.2" stroke-linejoin="round"/>'
            )
    return "\n".join(out)


def drawings() -> dict[str, str]:
    """{file name: SVG} of all of them."""
    made = {f"wiring-{chip}.svg": draw(board) for chip, board in boards().items()}
    return {**made, "wiring-circuits.svg": circuits()}


if __name__ == "__main__":
    for name, text in drawings().items():
        (Path(sys.argv[1]) / name).write_text(text, "utf-8")
