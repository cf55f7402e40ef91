"""Driver of an SSD1306 display of 128 x 64 pixels on I2C. Loaded to draw only, see `once`.

A row is 16 characters of MicroPython's own font, 8 by 8. One that begins with a TAB is drawn at
twice the size: 8 characters, over two rows. 129 bytes of memory are all a picture takes.
"""

import asyncio

import framebuf
from micropython import const

_ADDRESS = const(0x3C)
_ROWS = const(8)
_WIDTH = const(128)

# Off; clock; 64 rows, from the first; charge pump; horizontal addressing; upright, as modules are
# mounted; alternating rows; half the contrast, which spares the panel; pre-charge, its level;
# picture from memory, not inverted.
_BEGIN = (
    b"\x00\xae\xd5\x80\xa8\x3f\xd3\x00\x40\x8d\x14\x20\x00\xa1\xc8\xda\x12\x81\x7f\xd9\xf1\xdb\x40"
    b"\xa4\xa6\x2e"
)
_WINDOW = b"\x00\x21\x00\x7f\x22\x00\x07"
_ON = b"\x00\xaf"
_OFF = b"\x00\xae"


def begin(i2c):
    """Set the display up, dark. OSError where none answers."""
    i2c.writeto(_ADDRESS, _BEGIN)


def off(i2c):
    """Let the display sleep: some microamperes."""
    i2c.writeto(_ADDRESS, _OFF)


async def draw(i2c, rows):
    """Show up to 8 rows of ASCII, nothing below them, and switch the display on.

    Other tasks run between two rows. OSError where no display answers.
    """
    data = bytearray(1 + _WIDTH)
    data[0] = 0x40
    cells = memoryview(data)[1:]
    screen = framebuf.FrameBuffer(cells, _WIDTH, 8, framebuf.MONO_VLSB)
    i2c.writeto(_ADDRESS, _WINDOW)
    drawn = 0
    for row in rows:
        large = row[:1] == "\t"
        if drawn + large >= _ROWS:
            break
        for half in (0, 4) if large else (0,):
            screen.fill(0)
            screen.text(row[1:] if large else row, 0, 0)
            if large:
                _enlarge(cells, half)
            i2c.writeto(_ADDRESS, data)
            drawn += 1
            await asyncio.sleep_ms(0)
    screen.fill(0)
    for _ in range(drawn, _ROWS):
        i2c.writeto(_ADDRESS, data)
    i2c.writeto(_ADDRESS, _ON)


def _enlarge(cells, half):
    """Make each dot of the left half four: of its upper (0) or its lower (4) dots."""
    for column in range(_WIDTH // 2 - 1, -1, -1):
        dots = cells[column] >> half
        dots = (dots & 1) * 3 | (dots & 2) * 6 | (dots & 4) * 12 | (dots & 8) * 24
        cells[2 * column] = cells[2 * column + 1] = dots
