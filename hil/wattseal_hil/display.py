"""The display of an emulated board: an SSD1306 of 128 x 64 pixels, as its registers have it.

What was sent to it decides what is seen: a display that is off, has no charge pump or maps its rows
the wrong way shows just that. As modules with this chip are mounted, a picture stands upright with
columns remapped (A1) and rows scanned from the last (C8).
"""

from __future__ import annotations

import struct
import subprocess
import zlib
from functools import lru_cache

from wattseal_hil.vm import Vm

WIDTH, HEIGHT = 128, 64
PAGES = HEIGHT // 8
COLUMNS = WIDTH // 8  # of text
ADDRESS = 0x3C
ACK, TIMEOUT, NAK = b"D", b"E", b"N"
UNKNOWN = "\ufffd"  # for pixels that are no character

# How many bytes follow a command; none where it is not listed.
_ARGUMENTS = {
    0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0x81: 1, 0x8D: 1, 0xA3: 2,
    0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1,
}  # fmt: skip
_HORIZONTAL, _VERTICAL, _PAGE = range(3)


class Ssd1306:
    """The chip and its glass, from power-on."""

    def __init__(self) -> None:
        self.ram = [bytearray(WIDTH) for _ in range(PAGES)]
        self.on = self.inverted = self.all_on = self.pumped = False
        self.contrast = 0x7F
        self.remapped = self.from_last = False
        self.alternative_rows = True
        self.start_line = self.offset = 0
        self.rows = HEIGHT
        self._mode = _PAGE
        self._columns = (0, WIDTH - 1)
        self._pages = (0, PAGES - 1)
        self._column = self._page = 0
        self._pending: list[int] = []

    def write(self, data: bytes) -> None:
        """One transfer, the address left out."""
        at = 0
        while at < len(data):
            control, at = data[at], at + 1
            end = at + 1 if control & 0x80 else len(data)
            for byte in data[at:end]:
                if control & 0x40:
                    self._store(byte)
                else:
                    self._command(byte)
            at = end

    def _command(self, byte: int) -> None:
        self._pending.append(byte)
        command, *told = self._pending
        if len(told) == _ARGUMENTS.get(command, 0):
            self._pending = []
            self._do(command, told)

    def _do(self, command: int, told: list[int]) -> None:
        if command < 0x20:  # where to write, in page mode
            shift = command & 0x10
            column = self._column & (0x0F if shift else 0x70)
            self._column = column | ((command & 7) << 4 if shift else command & 15)
        elif command == 0x20:
            self._mode = min(told[0] & 3, _PAGE)
        elif command == 0x21:
            self._columns = (told[0] & 127, told[1] & 127)
            self._column = self._columns[0]
        elif command == 0x22:
            self._pages = (told[0] & 7, told[1] & 7)
            self._page = self._pages[0]
        elif 0x40 <= command < 0x80:
            self.start_line = command & 63
        elif command == 0x81:
            self.contrast = told[0]
        elif command == 0x8D:
            self.pumped = bool(told[0] & 4)
        elif command & 0xFE == 0xA0:
            self.remapped = bool(command & 1)
        elif command & 0xFE == 0xA4:
            self.all_on = bool(command & 1)
        elif command & 0xFE == 0xA6:
            self.inverted = bool(command & 1)
        elif command == 0xA8:
            self.rows = (told[0] & 63) + 1
        elif command & 0xFE == 0xAE:
            self.on = bool(command & 1)
        elif 0xB0 <= command < 0xB8:
            self._page = command & 7
        elif command & 0xF0 == 0xC0:
            self.from_last = bool(command & 8)
        elif command == 0xD3:
            self.offset = told[0] & 63
        elif command == 0xDA:
            self.alternative_rows = bool(told[0] & 0x10)

    def _store(self, byte: int) -> None:
        # The map of columns holds for what is written, not for what is there.
        column = self._column if self.remapped else WIDTH - 1 - self._column
        self.ram[self._page][column] = byte
        if self._mode == _PAGE:
            self._column = (self._column + 1) % WIDTH
        elif self._mode == _HORIZONTAL:
            self._column, over = _next(self._column, self._columns, WIDTH)
            if over:
                self._page = _next(self._page, self._pages, PAGES)[0]
        else:
            self._page, over = _next(self._page, self._pages, PAGES)
            if over:
                self._column = _next(self._column, self._columns, WIDTH)[0]

    def pixels(self) -> list[bytes]:
        """What shines: 64 rows of 128 bytes, 1 or 0, from the top left."""
        if not self.on or not self.pumped:
            return [bytes(WIDTH)] * HEIGHT
        picture = []
        for y in range(HEIGHT):
            if y >= self.rows:
                picture.append(bytes(WIDTH))
                continue
            line = y if self.from_last else self.rows - 1 - y
            if not self.alternative_rows:
                line = line // 2 + (HEIGHT // 2) * (line % 2)
            line = (line + self.start_line + self.offset) % HEIGHT
            shift = line % 8
            picture.append(
                bytes(
                    self.all_on or (cell >> shift & 1) ^ self.inverted
                    for cell in self.ram[line // 8]
                )
            )
        return picture


def _next(at: int, window: tuple[int, int], size: int) -> tuple[int, bool]:
    return (window[0], True) if at == window[1] else ((at + 1) % size, False)


class Bus:
    """The I2C bus of a board and the display on it. stuck: a line is held low, nothing passes;
    absent: no display is connected."""

    def __init__(self) -> None:
        self.display = Ssd1306()
        self.stuck = self.absent = False
        self.transfers = 0

    def power_off(self) -> None:
        """Nothing remembers anything."""
        self.display = Ssd1306()

    def take_away(self) -> None:
        """Pull the display's plug."""
        self.power_off()
        self.absent = True

    def write(self, address: int, data: bytes) -> bytes:
        """What becomes of a transfer: ACK, NAK or TIMEOUT."""
        self.transfers += 1
        if self.stuck:
            return TIMEOUT
        if self.absent or address != ADDRESS:
            return NAK
        self.display.write(data)
        return ACK


# What can be made of pixels

_FONT = """
import framebuf
cell = bytearray(8)
screen = framebuf.FrameBuffer(cell, 8, 8, framebuf.MONO_VLSB)
for code in range(32, 127):
    screen.fill(0)
    screen.text(chr(code), 0, 0)
    print(cell.hex())
"""


@lru_cache(maxsize=2)
def _font(argv: tuple[str, ...]) -> dict[bytes, str]:
    """Glyph -> character, as the VM's own framebuf draws it: 8 columns, the lowest bit on top."""
    done = subprocess.run([*argv, "-c", _FONT], capture_output=True, text=True, check=True)
    glyphs = [bytes.fromhex(line) for line in done.stdout.split()]
    return {glyph: chr(32 + number) for number, glyph in enumerate(glyphs)}


def text_of(pixels: list[bytes], vm: Vm) -> str:
    """8 lines of up to 16 characters, their ends stripped. Characters of double size count as
    ordinary ones, in the upper of their two lines. Inverted pages read alike."""
    return _read(tuple(pixels), tuple(vm.argv))


@lru_cache(maxsize=16)
def _read(pixels: tuple[bytes, ...], argv: tuple[str, ...]) -> str:
    font = _font(argv)
    lit = sum(map(sum, pixels))
    if lit > WIDTH * HEIGHT // 2:
        pixels = tuple(bytes(1 - dot for dot in row) for row in pixels)
    lines: list[str] = []
    while len(lines) < PAGES:
        large = _line(pixels, 8 * len(lines), font, 2) if len(lines) < PAGES - 1 else UNKNOWN
        if large.strip() and UNKNOWN not in large:
            lines += [large, ""]
        else:
            lines.append(_line(pixels, 8 * len(lines), font, 1))
    return "\n".join(line.rstrip() for line in lines)


def _line(pixels: tuple[bytes, ...], top: int, font: dict[bytes, str], scale: int) -> str:
    return "".join(
        font.get(_cell(pixels, left, top, scale), UNKNOWN)
        for left in range(0, WIDTH, 8 * scale)
    )


def _cell(pixels: tuple[bytes, ...], left: int, top: int, scale: int) -> bytes:
    """The 8 columns of a cell; b"" where dots of a larger one are not alike."""
    columns = bytearray(8)
    for y in range(8 * scale):
        for x in range(8 * scale):
            dot = pixels[top + y][left + x]
            if dot != pixels[top + y // scale * scale][left + x // scale * scale]:
                return b""
            columns[x // scale] |= dot << y // scale
    return bytes(columns)


def png_of(pixels: list[bytes], scale: int = 4) -> bytes:
    """The picture as a PNG file, each pixel `scale` wide; a thin dark frame around it."""
    margin = 2 * scale
    blank = bytes(WIDTH * scale + 2 * margin)
    rows = [blank] * margin
    for row in pixels:
        wide = b"".join(bytes([dot]) * scale for dot in row)
        rows += [bytes(margin) + wide + bytes(margin)] * scale
    rows += [blank] * margin

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checked)

    # One byte a pixel, an index into a palette of two colours.
    head = struct.pack(">IIBBBBB", len(blank), len(rows), 8, 3, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    colours = bytes([9, 12, 16, 188, 226, 255])
    chunks = [(b"IHDR", head), (b"PLTE", colours), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)
