"""Faults of flash and power: exactly the operation asked for, exactly as far as asked."""

import mmap
import random

import pytest
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.faults import (
    KINDS,
    FlashOperation,
    Overwriting,
    PowerCut,
    Recorder,
    Refusal,
    WornBlock,
)
from wattseal_hil.nor import ERASE_BYTES

WRITER = """
import os, time
n = len(os.listdir("/"))
while True:
    try:
        with open("/%d" % n, "wb") as file:
            file.write(bytes([n]) * 300)
        print("wrote", n)
        n += 1
    except OSError as error:
        print("failed", error)
    time.sleep(1)
"""


@pytest.fixture
def make(make_board, vm64, firmware):
    path = firmware(WRITER)
    return lambda: make_board(vm64, firmware=path)


def image_of(board: EmulatedBoard) -> bytes:
    return (board.workdir / "flash.bin").read_bytes()


def recorded(board, seconds=5) -> Recorder:
    recorder = Recorder(image_of(board))
    board.inject(recorder)
    board.power_on()
    board.run_until(board.now_s + seconds)
    return recorder


def test_a_journal_gives_the_flash_before_every_operation(make):
    board = make()
    recorder = recorded(board)
    programs = sum(1 for operation in recorder.operations if operation.data)
    assert board.flash.total_programs == programs
    assert board.flash.total_erases == len(recorder.operations) - programs
    images = [bytes(image) for image in recorder.images()]
    assert images[0] == recorder.start
    assert images[-1] == image_of(board)
    assert len(images) == len(recorder.operations) + 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_power_fails_at_the_very_operation(make, kind, rng):
    recorder = recorded(make())
    images = [bytes(image) for image in recorder.images()]
    program = rng.choice([i for i, x in enumerate(recorder.operations) if len(x.data) > 8])
    erase = rng.choice([i for i, x in enumerate(recorder.operations) if not x.data])
    for at in (program, erase):
        board = make()
        board.inject(PowerCut(at + 1, kind, random.Random(1)))
        board.power_on()
        end_s = board.now_s + 5
        board.run_until(end_s)
        assert (board.powered, board.now_s, board.failure) == (False, end_s, None)
        operation = recorder.operations[at]
        old = images[at][operation.address : operation.end]
        cells = operation.cells(old, kind, random.Random(1))
        assert image_of(board) == (
            images[at][: operation.address] + cells + images[at][operation.end :]
        )
        if kind in ("before", "after"):
            assert image_of(board) == images[at + (kind == "after")]
        board.inject(None)
        board.power_on()
        board.run_until(end_s + 5)
        assert board.console.count("wrote") >= 5


def test_torn_cells_hold_old_or_new_bits(rng):
    old, new = rng.randbytes(64), rng.randbytes(64)
    operation = FlashOperation(0, new)
    assert operation.cells(old, "before", rng) == old
    assert operation.cells(old, "after", rng) == new
    for kind in ("prefix", "suffix", "bits"):
        cells = operation.cells(old, kind, rng)
        assert cells not in (old, new)
        for o, n, c in zip(old, new, cells, strict=True):
            assert (c ^ o) & ~(o ^ n) == 0
    assert FlashOperation(8192, b"").end == 8192 + ERASE_BYTES


def test_a_flash_that_refuses_is_an_error_to_the_firmware_and_no_end(make):
    board = make()
    board.power_on()
    board.run_until(board.now_s + 3)
    board.inject(Refusal(count=4))
    board.run_until(board.now_s + 10)
    failed = board.console.count("failed [Errno 5] EIO")
    assert 1 <= failed <= 4
    assert board.console.count("wrote") >= 8
    board.power_off()
    board.power_on()
    assert "wrote" in board.console


def test_a_worn_block_is_gone_round(make):
    """LittleFS reads back what it programs and takes another block."""
    board = make()
    board.power_on()
    board.run_until(board.now_s + 2)
    board.inject(WornBlock(8))
    board.run_until(board.now_s + 20)
    assert "failed" not in board.console
    assert board.console.count("wrote") >= 20


def test_a_program_over_programmed_cells_clears_bits():
    with mmap.mmap(-1, 4096) as image:
        image[:] = b"\xff" * 4096
        image[10:12] = b"\xf0\x0f"
        overwriting = Overwriting()
        assert overwriting.judge(FlashOperation(12, b"\x12"), image) == "go"
        assert overwriting.judge(FlashOperation(0, b""), image) == "go"
        assert overwriting.judge(FlashOperation(9, b"\xaa\x3c\x3c"), image) == "lose"
        assert image[9:12] == b"\xaa\x30\x0c"
        assert overwriting.count == 1
