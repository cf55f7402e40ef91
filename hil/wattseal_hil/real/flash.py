"""A MicroPython image onto a board, by esptool as a program of its own.

The image is looked through first (image.py). esptool is told the chip the image is for, so it
stops at another one before it has erased anything; after writing it compares an MD5 the board made
of what is in flash. The file system behind the image, with the meter's keys and log, stays, unless
everything is to be erased.
"""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.real.image import Image
from wattseal_hil.real.ports import check_port

BAUD = 460800
ATTEMPTS = 7
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINES_MAX = 400
# What esptool says -> code, and what to do about it.
_MEANINGS = (
    (r"This chip is (\S+),? not", "chip-wrong", "the image is for {chip}, the board has {0}"),
    (r"port is busy|[Cc]ould not exclusively lock", "port-busy", "the port is in use"),
    (r"No serial data received|Failed to connect|Wrong boot mode|Invalid head of packet",
     "chip-silent", "the boot-loader does not answer: hold BOOT, press EN (RESET), release BOOT, "
     "and try again; or the port leads to something else"),
    (r"MD5 of file does not match|[Vv]erif\w+ failed|digest mismatch", "verify-failed",
     "what is in flash is not what was sent: try again with --baud 115200"),
    (r"won't fit|will not fit|exceeds", "flash-small", "the board's flash is too small"),
)  # fmt: skip


def command(
    image: Image, port: str, baud: int = BAUD, erase: bool = False, attempts: int = ATTEMPTS
) -> list[str]:
    """The command that `flash` runs."""
    return [
        *(sys.executable, "-m", "esptool", "--chip", image.board.chip, "--port", port),
        *("--baud", str(baud), "--connect-attempts", str(attempts), "write-flash"),
        *(["--erase-all"] if erase else []),
        *(f"{image.board.flash_offset:#x}", str(image.path)),
    ]


def flash(
    image: Image,
    port: str,
    *,
    baud: int = BAUD,
    erase: bool = False,
    attempts: int = ATTEMPTS,
    progress: Callable[[float, float], None] | None = None,
) -> dict[str, Any]:
    """Write an image and compare it. attempts: to wake the boot-loader. progress(percent, 100).

    Raises BoardError: port-missing, port-denied, port-busy, chip-silent, chip-wrong, flash-small,
    verify-failed, flash-failed.
    """
    check_port(port)
    said, status = _run(command(image, port, baud, erase, attempts), progress)
    if status or "Hash of data verified" not in said:
        raise _failure(said, image)
    if progress:
        progress(100.0, 100.0)
    mac = re.search(r"MAC:\s+(\S+)", said)
    kind = re.search(r"Chip type:\s+(.+)", said)
    return {
        "port": port, "chip": image.board.chip, "offset": image.board.flash_offset,
        "bytes": image.size, "micropython": image.version, "verified": True, "erased": erase,
        "chip_type": kind[1].strip() if kind else "", "mac": mac[1] if mac else "",
    }  # fmt: skip


def _run(arguments: list[str], progress: Callable[[float, float], None] | None) -> tuple[str, int]:
    """(what it printed, exit status). It shows its progress to a terminal only, so it gets one."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "xterm"}
    process = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    said = ""
    try:
        while True:
            try:
                more = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            said += _COLOURS.sub("", more.decode("utf-8", "replace"))
            percents = _PERCENT.findall(said.rsplit("\n", 1)[-1])
            if progress and percents:
                progress(float(percents[-1]), 100.0)
        return said, process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        os.close(master)


def _failure(said: str, image: Image) -> BoardError:
    for pattern, code, meaning in _MEANINGS:
        if found := re.search(pattern, said):
            return BoardError(code, meaning.format(*found.groups(), chip=image.board.chip))
    lines = [line.strip() for line in re.split(r"[\r\n]+", said) if line.strip()]
    last = " ".join(lines[-3:])[-_LINES_MAX:]
    return BoardError("flash-failed", f"esptool: {last or 'no reason given'}")
