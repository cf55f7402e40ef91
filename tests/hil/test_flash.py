"""The emulated NOR flash: what a cell can and cannot do, on the VM."""

import os
import socket
import subprocess

import pytest
from wattseal_hil.board import FLASH_BYTES
from wattseal_hil.errors import BoardError
from wattseal_hil.link import SHIM, SharedMemory
from wattseal_hil.nor import FlashImage

BLOCKS = 16


def on_flash(vm, image, body: str):
    """Run `body`, which has `flash`, on the VM; exit status, output, message, wear."""
    script = (
        f"import sys\nsys.path.insert(0, {str(SHIM)!r})\nimport nor\n"
        f"flash = nor.Nor(int(sys.argv[5]), {BLOCKS})\n{body}"
    )
    path = image.path.with_suffix(".py")
    path.write_text(script)
    shared = SharedMemory()
    ours, theirs = socket.socketpair()
    fd = os.open(image.path, os.O_RDWR)
    fds = (theirs.fileno(), shared.fd, fd)
    argv = [*vm.argv, str(path), str(fds[0]), str(fds[1]), "0", "0", str(fd), *[""] * 12]
    done = subprocess.run(argv, pass_fds=fds, capture_output=True, text=True, check=False)
    ours.setblocking(False)
    try:
        message = ours.recv(16)
    except BlockingIOError:
        message = b""
    wear = shared.wear(BLOCKS)
    for thing in (ours, theirs, shared):
        thing.close()
    os.close(fd)
    return done, message, wear


@pytest.fixture
def image(tmp_path):
    image = FlashImage(tmp_path / "flash.bin", BLOCKS * 4096)
    yield image
    image.close()


def test_programs_clear_bits_and_erases_set_them(vm, image):
    done, message, (programs, erases) = on_flash(
        vm,
        image,
        "b = bytearray(4)\n"
        "flash.writeblocks(3, b'\\xf0\\xff\\x55\\xff', 8)\n"
        "flash.writeblocks(3, b'\\xa0\\x00\\x55\\x0f', 8)\n"
        "flash.readblocks(3, b, 8); print(list(b))\n"
        "flash.writeblocks(4, b'\\x00', 4095)\n"
        "print(flash.ioctl(6, 3), flash.ioctl(4, 0), flash.ioctl(5, 0))\n"
        "flash.readblocks(3, b, 8); print(list(b))\n",
    )
    assert done.stdout.splitlines() == [
        "[160, 0, 85, 15]",
        f"0 {BLOCKS} 4096",
        "[255, 255, 255, 255]",
    ], done.stderr
    assert not message
    assert (programs[3], programs[4], sum(programs)) == (2, 1, 3)
    assert (erases[3], sum(erases)) == (1, 1)
    data = image.path.read_bytes()
    assert data[4 * 4096 + 4095] == 0
    assert data.count(255) == len(data) - 1


@pytest.mark.parametrize("old, new", [(0x00, 0x01), (0x7F, 0xFF), (0x55, 0xAA)])
def test_a_program_that_would_set_a_bit_stops_the_board(vm64, image, old, new):
    body = f"flash.writeblocks(0, bytes([{old}]), 5)\nflash.writeblocks(0, bytes([{new}]), 5)\n"
    done, message, _ = on_flash(vm64, image, body + "print('survived')\n")
    assert done.returncode == 70
    assert message[:1] == b"F"
    assert "survived" not in done.stdout
    assert image.path.read_bytes()[5] == old


def test_a_flash_fault_is_an_error_of_the_board(vm64, make_board, firmware):
    path = firmware("import nor\nnor.emu.send(70)\nnor.emu.quit(70)\n")
    with pytest.raises(BoardError) as fault:
        make_board(vm64, firmware=path).power_on()
    assert fault.value.code == "flash-overwrite"


def test_a_new_image_is_erased(tmp_path):
    image = FlashImage(tmp_path / "flash.bin", FLASH_BYTES)
    assert image.blocks == 512
    assert image.path.read_bytes() == b"\xff" * FLASH_BYTES
    image.close()


def test_an_image_belongs_to_one_board_at_a_time(tmp_path):
    first = FlashImage(tmp_path / "flash.bin", FLASH_BYTES)
    with pytest.raises(BoardError) as refused:
        FlashImage(tmp_path / "flash.bin", FLASH_BYTES)
    assert refused.value.code == "flash-busy"
    first.close()
    FlashImage(tmp_path / "flash.bin", FLASH_BYTES).close()


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097 * 16, 4096 * 4097])
def test_an_image_of_another_size_is_refused(tmp_path, size):
    (tmp_path / "flash.bin").touch()
    os.truncate(tmp_path / "flash.bin", size)
    with pytest.raises(BoardError) as refused:
        FlashImage(tmp_path / "flash.bin", FLASH_BYTES)
    assert refused.value.code == "flash-size"


def test_the_file_system_wears_the_flash_as_counted(vm64, make_board):
    board = make_board(vm64)
    board.power_on()
    before = board.flash
    board.run_until(board.now_s + 60)
    after = board.flash
    assert after.total_programs > before.total_programs + 60
    assert after.total_erases >= before.total_erases
    assert len(after.erases) == 512
