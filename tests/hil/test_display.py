"""The emulated SSD1306: registers, picture, text; and the display as a rig shows it."""

import base64
import json
import zlib

import pytest
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.control import Control
from wattseal_hil.display import ACK, NAK, TIMEOUT, UNKNOWN, Bus, Ssd1306, png_of, text_of
from wattseal_hil.errors import BoardError
from wattseal_hil.pairing import read_pin
from wattseal_hil.rig.emulated import EmulatedRig
from wattseal_hil.rig.interface import DISPLAY, Rig
from wattseal_hil.vm import find_vm

UPRIGHT = bytes([0x00, 0x20, 0x00, 0xA1, 0xC8, 0xDA, 0x12, 0x8D, 0x14, 0xAF])
# A driver's own words, with MicroPython's framebuf.
DRAW = """
import framebuf
data = bytearray(1024)
screen = framebuf.FrameBuffer(data, 128, 64, framebuf.MONO_VLSB)
for row, text in enumerate(("Hello, world!", "0123456789 {}~", "", "kWh @#$%&")):
    screen.text(text, 0, 8 * row)
print(data.hex())
"""


@pytest.fixture
def chip():
    made = Ssd1306()
    made.write(UPRIGHT)
    return made


def lit(chip):
    return {(x, y) for y, row in enumerate(chip.pixels()) for x, dot in enumerate(row) if dot}


def test_a_window_is_filled_row_by_row_and_begins_again(chip):
    chip.write(bytes([0x00, 0x21, 10, 12, 0x22, 2, 3]))
    chip.write(bytes([0x40, 1, 1, 1, 0x80, 0x80, 0x80]))
    assert lit(chip) == {(x, y) for x in (10, 11, 12) for y in (16, 31)}
    chip.write(bytes([0x40, 0]))
    assert (10, 16) not in lit(chip)


def test_page_mode_and_single_commands(chip):
    chip.write(bytes([0x80, 0x20, 0x80, 0x02, 0x80, 0xB1, 0x80, 0x0F, 0x80, 0x17, 0x40, 1, 1]))
    assert lit(chip) == {(127, 8), (0, 8)}


def test_vertical_mode(chip):
    chip.write(bytes([0x00, 0x20, 1, 0x21, 5, 6, 0x22, 0, 1]))
    chip.write(bytes([0x40, 1, 1, 1]))
    assert lit(chip) == {(5, 0), (5, 8), (6, 0)}


@pytest.mark.parametrize(
    ("commands", "where"),
    [
        ([], {(0, 0)}), ([0xC0], {(0, 63)}), ([0xD3, 8], {(0, 56)}), ([0x48], {(0, 56)}),
        ([0xA7], None), ([0xA5], None), ([0xAE], set()), ([0x8D, 0x10], set()),
        ([0xA8, 31], {(0, 0)}), ([0x81, 255, 0xE3, 0xD9, 0xF1, 0x2E], {(0, 0)}),
    ],
)  # fmt: skip
def test_registers_decide_what_is_seen(chip, commands, where):
    chip.write(bytes([0x40, 1]))
    chip.write(bytes([0x00, *commands]))
    if where is None:
        assert len(lit(chip)) >= 128 * 64 - 1
    else:
        assert lit(chip) == where


def test_columns_are_mapped_when_they_are_written(chip):
    chip.write(bytes([0x00, 0xA0, 0x40 | 0]) + b"")
    chip.write(bytes([0x40, 1]))
    chip.write(bytes([0x00, 0xA1]))
    assert lit(chip) == {(127, 0)}


def test_a_bus_answers_or_does_not():
    bus = Bus()
    assert bus.write(0x3C, UPRIGHT) == ACK and bus.write(0x3D, UPRIGHT) == NAK
    bus.stuck = True
    assert bus.write(0x3C, UPRIGHT) == TIMEOUT
    bus.stuck = False
    bus.take_away()
    assert bus.write(0x3C, UPRIGHT) == NAK and not bus.display.on


def test_text_is_what_framebuf_draws(chip):
    import subprocess

    vm = find_vm()
    done = subprocess.run([*vm.argv, "-c", DRAW], capture_output=True, text=True, check=True)
    chip.write(bytes([0x00, 0x21, 0, 127, 0x22, 0, 7]))
    chip.write(b"\x40" + bytes.fromhex(done.stdout))
    text = "Hello, world!\n0123456789 {}~\n\nkWh @#$%&\n\n\n\n"
    assert text_of(chip.pixels(), vm) == text
    chip.write(bytes([0x00, 0xA7]))
    assert text_of(chip.pixels(), vm) == text
    chip.write(bytes([0x00, 0xA6]))
    chip.write(bytes([0x40, 0x55]))
    assert text_of(chip.pixels(), vm) == UNKNOWN + text[1:]


def test_a_picture_holds_every_pixel(chip):
    chip.write(bytes([0x00, 0x21, 10, 12, 0x22, 2, 3]))
    chip.write(bytes([0x40, 1, 1, 1]))
    png = png_of(chip.pixels(), 2)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert int.from_bytes(png[at + 8 + size : at + 12 + size], "big") == zlib.crc32(kind + data)
        chunks[kind] = data
        at += size + 12
    width, height = (int.from_bytes(chunks[b"IHDR"][k : k + 4], "big") for k in (0, 4))
    assert (width, height) == (2 * 128 + 8, 2 * 64 + 8)
    rows = zlib.decompress(chunks[b"IDAT"])
    dots = {(at % (width + 1) - 1, at // (width + 1)) for at, dot in enumerate(rows) if dot}
    assert {((x - 4) // 2, (y - 4) // 2) for x, y in dots} == {(10, 16), (11, 16), (12, 16)}
    assert len(dots) == 12


def test_a_rig_shows_it_and_so_does_its_control_socket():
    with EmulatedBoard() as board:
        rig = EmulatedRig.around(board)
        control = Control(rig)
        rig.start()
        assert rig.display.text.strip() == ""
        rig.press_button()
        assert read_pin(rig, 1) in rig.display.text
        rig.press_button()
        assert rig.display.expect("press to pair", 40)
        answer = control.obey(json.dumps({"do": "display", "png": True}).encode())
        assert answer["text"] == rig.display.text
        assert base64.b64decode(answer["png"]) == rig.display.png()
        with pytest.raises(BoardError) as caught:
            rig.display.expect("no such word", 1)
        assert caught.value.code == "display-silent"
        with pytest.raises(BoardError) as caught:
            read_pin(rig, 1)
        assert caught.value.code == "pin-unseen"


def test_a_pin_is_read_from_the_display_or_else_the_console():
    class Shown(Rig):
        features = frozenset({DISPLAY})
        now_s = 0.0
        console = "notice: PIN 222222\nnotice: PIN 333333\n"

        def display_text(self):
            return "For a.example\nPIN 012345\n\n\n\n\n\n"

    class Bare(Shown):
        def display_text(self):
            raise BoardError("feature-missing", "display")

    assert read_pin(Shown()) == "012345"
    assert read_pin(Bare()) == "333333"
