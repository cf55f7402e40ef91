"""`rig flash`: the image is looked through, esptool itself writes it, and what fails is named."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys

import pytest
from esp_image import APPLICATION_AT, FILE_SYSTEM_AT, ROWS, image, part
from rom_peer import RomPeer
from typer.testing import CliRunner
from wattseal_hil.errors import BoardError
from wattseal_hil.real.flash import flash
from wattseal_hil.real.image import read_image
from wattseal_host.cli.rig import app

PAYLOAD = random.Random(5).randbytes(150_000)
CHIPS = {"esp32": 0x1000, "esp32s3": 0, "esp32c3": 0}


@pytest.fixture
def write(tmp_path):
    def write(data: bytes):
        path = tmp_path / "firmware.bin"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(("chip", "offset"), CHIPS.items())
def test_an_image_is_written_and_compared(chip, offset, write):
    data = image(chip, PAYLOAD)
    seen = []
    with RomPeer(chip, fill=0x5A) as peer:
        told = flash(read_image(write(data)), peer.port, progress=lambda done, _: seen.append(done))
        assert peer.flash[offset : offset + len(data)] == data
        assert peer.in_stub
        # Where the keys and the log are, nothing was touched.
        assert set(peer.flash[FILE_SYSTEM_AT:]) == {0x5A}
    assert told["verified"] and told["micropython"] == "1.25.0"
    assert told["offset"] == offset
    assert seen[-1] == 100.0 and len(seen) > 1


def test_everything_is_erased_only_when_told(write):
    with RomPeer("esp32c3", fill=0x5A) as peer:
        flash(read_image(write(image("esp32c3", PAYLOAD))), peer.port, erase=True)
        assert set(peer.flash[FILE_SYSTEM_AT:]) == {0xFF}


def test_another_chip_is_left_as_it_is(write):
    path = write(image("esp32s3", PAYLOAD))
    with RomPeer("esp32c3", fill=0x5A) as peer:
        with pytest.raises(BoardError) as caught:
            flash(read_image(path), peer.port)
        assert set(peer.flash) == {0x5A}
    assert caught.value.code == "chip-wrong"
    assert "esp32s3" in caught.value.detail and "ESP32-C3" in caught.value.detail


def test_a_bit_that_did_not_stick_is_found(write):
    with RomPeer("esp32", spoil=0x20000) as peer, pytest.raises(BoardError) as caught:
        flash(read_image(write(image("esp32", PAYLOAD))), peer.port)
    assert caught.value.code == "verify-failed"


@pytest.mark.parametrize("chip", CHIPS)
def test_esptool_reads_the_same_out_of_an_image(chip, tmp_path):
    """The images these tests make are images to esptool as well, hash and checksum included."""
    path = tmp_path / "application.bin"
    path.write_bytes(part(chip, b"MicroPython v1.25.0 on 2025-04-15", PAYLOAD))
    done = subprocess.run(
        [sys.executable, "-m", "esptool", "image-info", str(path)],
        capture_output=True, text=True, check=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.stdout.count("(valid)") == 2, done.stdout
    chip_line = next(line for line in done.stdout.splitlines() if line.startswith("Chip ID"))
    assert chip_line.split("(")[1].startswith(chip.upper().replace("ESP32", "ESP32-").rstrip("-"))


class TestImage:
    def refused(self, write, data: bytes) -> tuple[str, str]:
        with pytest.raises(BoardError) as caught:
            read_image(write(data))
        return caught.value.code, caught.value.detail

    def test_every_damaged_byte_of_the_parts_is_found(self, write, rng):
        data = image("esp32", PAYLOAD)
        for at in (0, 1, 12, 30, 0x7000, 0x7020, 0xF000, 0xF001, *rng.sample(
            range(0xF018, len(data)), 20
        )):
            spoilt = bytearray(data)
            spoilt[at] ^= 1 << rng.randrange(8)
            assert self.refused(write, bytes(spoilt))[0] in ("image-malformed", "image-chip"), at

    def test_cut_short(self, write, rng):
        data = image("esp32c3", PAYLOAD)
        for length in (0, 20, 0x7000, 0x8010, 0x10004, len(data) - 1):
            code, _ = self.refused(write, data[:length])
            assert code == "image-malformed"

    def test_things_that_are_no_images(self, write):
        assert "UF2" in self.refused(write, b"UF2\n" + bytes(600))[1]
        assert self.refused(write, b"#!/bin/sh\n" * 10)[0] == "image-malformed"
        alone = part("esp32", b"MicroPython v1.25.0 on 2025-04-15", PAYLOAD)
        assert "firmware.bin" in self.refused(write, alone)[1]

    def test_another_chip(self, write):
        assert self.refused(write, image("esp32c6", PAYLOAD))[0] == "image-chip"
        mixed = image("esp32s3", PAYLOAD, app_chip="esp32c3")
        assert self.refused(write, mixed)[0] == "image-malformed"

    def test_one_that_reaches_the_file_system(self, write):
        rows = (*ROWS[:2], (1, 0x81, 0x20000, 0x1000, "vfs"))
        assert "file system" in self.refused(write, image("esp32", PAYLOAD, rows))[1]

    def test_one_without_micropython(self, write):
        before = image("esp32", PAYLOAD)[: APPLICATION_AT - 0x1000]
        whole = before + part("esp32", b"something else", PAYLOAD)
        assert "MicroPython" in self.refused(write, whole)[1]

    def test_missing(self, tmp_path):
        with pytest.raises(BoardError) as caught:
            read_image(tmp_path / "none.bin")
        assert caught.value.code == "image-missing"


class TestPorts:
    def code(self, write, port: str) -> tuple[str, str]:
        with pytest.raises(BoardError) as caught:
            flash(read_image(write(image("esp32", b"x"))), port, attempts=1)
        return caught.value.code, caught.value.detail

    def test_missing(self, write):
        assert self.code(write, "/dev/ttyUSB99")[0] == "port-missing"
        assert self.code(write, __file__)[0] == "port-missing"

    def test_busy(self, write):
        with RomPeer("esp32") as peer:
            script = (
                "import fcntl, sys\nf = open(sys.argv[1], 'r+b', 0)\n"
                "fcntl.flock(f, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()"
            )
            with subprocess.Popen(
                [sys.executable, "-c", script, peer.port],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            ) as holder:  # fmt: skip
                assert holder.stdout and holder.stdout.readline()
                code, detail = self.code(write, peer.port)
                holder.communicate()
        assert code == "port-busy"
        assert f"({holder.pid})" in detail

    def test_denied(self, write, monkeypatch):
        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        with RomPeer("esp32") as peer:
            monkeypatch.setattr(os, "open", refuse)
            code, detail = self.code(write, peer.port)
        assert code == "port-denied"
        assert "usermod -aG" in detail

    def test_nobody_answers(self, write):
        with RomPeer("esp32") as peer:
            peer._op_08 = lambda *_: None  # type: ignore[method-assign]
            code, detail = self.code(write, peer.port)
        assert code == "chip-silent"
        assert "BOOT" in detail


class TestCommand:
    def test_json(self, write):
        data = image("esp32", PAYLOAD)
        with RomPeer("esp32") as peer:
            arguments = ["flash", "--image", str(write(data)), "--port", peer.port, "--json"]
            done = CliRunner().invoke(app, arguments, catch_exceptions=False)
            assert hashlib.md5(peer.flash[0x1000:][: len(data)]).digest() == hashlib.md5(
                data
            ).digest()
        assert done.exit_code == 0
        assert '"verified": true' in done.stdout

    def test_dry_run_touches_no_port(self, write):
        arguments = ["flash", "--image", str(write(image("esp32", PAYLOAD))), "--dry-run"]
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        assert "write-flash 0x1000" in done.stdout
