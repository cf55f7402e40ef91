"""How long a meter's flash lasts and how far back its log goes, measured and extrapolated.

    python tests/meter/wear.py [--days N]

On an emulated board with 2 MiB whose flash is full of data that never moves, as a log of many
months is: LittleFS levels wear over free blocks only.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import conftest  # noqa: F401  what makes the meter's modules importable
from wattseal_hil.board import FIRMWARE, EmulatedBoard
from wattseal_hil.loads import ProfileLoad
from wattseal_hil.nor import ERASE_BYTES

CYCLES = 100_000  # erases a block of NOR flash is good for, by the data sheets of ESP32 modules
YEARS = 15
BLOCKS = 512
DAY_S = 86_400
START_S = 1_767_225_600
# Bursts and telegrams leave the flash alone: what writes is at its defaults.
SETTINGS = {"burst_ms": 60_000, "telegram_ms": 3_600_000, "mains_cycles": 2}
FREE_BLOCKS = 24  # what the log keeps free when it begins a segment
FIRMWARE_BLOCKS = 75  # of bytecode files, where the firmware is no part of the image

_FILL = """
import os, time
with open("/filler", "wb") as file:
    while os.statvfs("/")[3] > {free}:
        file.write(b"x" * 2048)
        file.flush()
while True:
    time.sleep(3600)
"""
_LOG = """
import os, time
from meter.log import Log
from meter.storage import Storage
from wattseal.record import *
from wattseal.ecdsa import public_key, sign
from wattseal.p256 import encode_point
with open("/filler", "wb") as file:
    for _ in range({firmware}):
        file.write(b"x" * 4088)
secret = 0x1234567
key = encode_point(public_key(secret))
log = Log(Storage("/"))
previous = genesis(key)
channels = [(b"\\2" + os.urandom(32), os.urandom(5))] * {channels}
at = {start}
while not log.oldest:
    place = (meter_id(key), 0, 1, log.count, at)
    if log.count == 0:
        payload = origin_payload(1800, 0, {channels} * 2 - 1, key)
        body = encode_event(*place, 0, {channels} * 2 - 1, ORIGIN, payload, previous)
    else:
        body = encode_reading(INTERVAL, *place, 1800, 0, 0, channels, previous)
        at += 1800
    previous = body_digest(body)
    # Of a segment the last signature is looked at.
    signature = sign(secret, previous) if log.count % 96 == 95 else b"\\1" * 64
    log.append(body + signature)
    for _ in log.tidy_steps(1800, secret):
        pass
print("kept", log.count - 96)
while True:
    time.sleep(3600)
"""


def firmware_with(folder, main):
    """A directory with the meter's modules and another main.py."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("meter", "wattseal"):
        (folder / name).symlink_to(FIRMWARE / name)
    (folder / "main.py").write_text(main)
    return folder


def erases(folder, days):
    """Erases of each block in so many days at the defaults, on a flash with 24 blocks free."""
    folder.mkdir(parents=True, exist_ok=True)
    flash = folder / "full.bin"
    flash.write_bytes(b"\xff" * ERASE_BYTES * BLOCKS)
    filler = firmware_with(folder / "filler", _FILL.format(free=FREE_BLOCKS))
    with EmulatedBoard(workdir=folder, flash=flash, firmware=filler) as board:
        board.power_on()
    with EmulatedBoard(
        workdir=folder, flash=flash, start_s=START_S, settings=SETTINGS, load=ProfileLoad()
    ) as board:
        board.power_on()
        board.run_until(START_S + DAY_S // 8)
        before = board.flash.erases
        board.run_until(START_S + DAY_S // 8 + round(days * DAY_S))
        return [after - one for after, one in zip(board.flash.erases, before, strict=True)]


def report(counted, days):
    """Print the arithmetic; return the years until the busiest block has had its cycles."""
    total, used, most = sum(counted), sum(count > 0 for count in counted), max(counted)
    years = CYCLES / most * days / 365.25
    even = CYCLES * used / total * days / 365.25
    print(f"{days:g} days: {total} erases on {used} of {BLOCKS} blocks, at most {most} on one")
    print(f"{CYCLES} / {most} * {days:g} days = {years:.0f} years for the busiest block")
    print(f"{CYCLES} * {used} / {total} * {days:g} days = {even:.0f} years evenly spread")
    return years


def kept(folder, channels):
    """How many half-hours a log of so many channels keeps that nobody ever collected."""
    main = _LOG.format(channels=channels, firmware=FIRMWARE_BLOCKS, start=START_S)
    firmware = firmware_with(folder / f"log{channels}", main)
    with EmulatedBoard(workdir=folder / f"board{channels}", firmware=firmware) as board:
        board.power_on()
        (line,) = [line for line in board.console.splitlines() if line.startswith("kept")]
    return int(line.split()[1])


def main():
    """Measure; the exit status is 1 below 15 years or 13 months."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=30)
    days = parser.parse_args().days
    with tempfile.TemporaryDirectory(prefix="wattseal-wear-") as root:
        good = report(erases(Path(root) / "wear", days), days) >= YEARS
        for channels in (1, 2):
            count = kept(Path(root), channels)
            months = count / 48 / 365.25 * 12
            print(f"{channels} channel(s): {count} half-hours kept, {months:.1f} months")
            good = good and months >= 13
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
