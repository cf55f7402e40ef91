"""An export of 13 months of half-hours, by a meter within the memory gate.

    python tests/meter/long_export.py [--months N]

The log is made here, record by record with commitments that open, and put on the flash by the
meter's own log. The meter then runs as bytecode files on the 32-bit VM with 128 KiB of heap: every
reading, over a link that breaks in the middle, then the sums of days. All of it is checked.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import conftest  # noqa: F401  what makes the meter's modules importable
from export_bench import Service, applet
from wattseal import keytree
from wattseal.commitment import mask_reading
from wattseal.ecdsa import public_key, sign
from wattseal.p256 import encode_point
from wattseal.record import (
    INTERVAL,
    ORIGIN,
    body_digest,
    encode_event,
    encode_reading,
    genesis,
    meter_id,
    origin_payload,
)
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.vm import find_vm
from wattseal_host.engine import commitment_to
from wattseal_host.export.items import check
from wear import firmware_with

START_S = 1_735_689_600  # 2025-01-01
INTERVAL_S = 1800
DAY_S = 86_400
HEAP_BYTES = 128 << 10
SHIM_BYTES = 8047
SECRET = 0x1234567
OWNER = bytes(range(32))
FREE_BYTES = 4 << 10
SETTINGS = {"burst_ms": 60_000, "telegram_ms": 3_600_000}

_MAIN = """
import os, time
from meter.log import Log
from meter.storage import Storage
storage = Storage("/")
storage.folder("keys")
storage.replace("keys/device", {device})
storage.replace("keys/epochs", bytes(4) + {owner})
storage.replace("keys/boot", bytes([0, 0, 0, 1]))
log = Log(storage)
with open("/rom/records.bin", "rb") as file:
    while True:
        head = file.read(2)
        if not head:
            break
        log.append(file.read(int.from_bytes(head, "big")))
        log.collected = log.count
        for _ in log.tidy_steps(1800, {secret}):
            pass
print("kept", log.count, log.oldest)
while True:
    time.sleep(3600)
"""


def records(months):
    """Sealed records; only the last of each segment has a signature that verifies."""
    key = encode_point(public_key(SECRET))
    meter = meter_id(key)
    body = encode_event(
        meter, 0, 1, 0, START_S, 0, 1, ORIGIN, origin_payload(INTERVAL_S, 0, 1, key), genesis(key)
    )
    count = round(months * 365.25 / 12 * 48)
    found = []
    block = -1
    for seq in range(count + 1):
        if seq:
            if seq // keytree.BLOCK_RECORDS != block:
                block = seq // keytree.BLOCK_RECORDS
                secret = keytree.block_key(OWNER, meter, 0, block)
            value = 200 + seq * 7 % 900
            point = commitment_to(value, keytree.blinding(secret, meter, 1, seq, 0))
            hidden = mask_reading(value, 0, keytree.pad(secret, meter, 1, seq, 0))
            at_s = START_S + (seq - 1) * INTERVAL_S
            body = encode_reading(
                INTERVAL, meter, 0, 1, seq, at_s, INTERVAL_S, 0, 0,
                [(encode_point(point), hidden)], body_digest(body),
            )  # fmt: skip
        good = seq % 96 == 95 or seq == count
        found.append(body + (sign(SECRET, body_digest(body)) if good else b"\1" * 64))
    return found


def exported(service, name, begin_s, end_s, granularity_s, breaks):
    """The items of an export, and the seconds it took."""
    one = service.export(begin_s, end_s, granularity_s)
    service.agree(one, name)
    count = service.chunks
    begun_s = time.monotonic()
    for number in range(count):
        if breaks and number == count // 2:
            service.close()
            service.passes(120)
            service.__init__(service.board)
        one.open(number, number + 1 == count, service.chunk(number))
        if sys.stderr.isatty():
            print(f"\rchunk {number + 1} of {count}", end="", file=sys.stderr)
    return service.fetch(one), time.monotonic() - begun_s


def main():
    """Run it; the exit status is 1 if memory runs low or anything does not fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--months", type=float, default=13)
    months = parser.parse_args().months
    sealed = records(months)
    end_s = START_S + (len(sealed) - 1) * INTERVAL_S
    with tempfile.TemporaryDirectory(prefix="wattseal-long-") as root:
        folder = Path(root)
        main_py = _MAIN.format(device=SECRET.to_bytes(32, "big"), owner=OWNER, secret=SECRET)
        filler = firmware_with(folder / "filler", main_py)
        data = b"".join(len(one).to_bytes(2, "big") + one for one in sealed)
        (filler / "records.bin").write_bytes(data)
        with EmulatedBoard(workdir=folder / "board", firmware=filler) as board:
            board.power_on()
            print(board.console.strip().splitlines()[-1])
        options = {"form": "mpy", "heap_bytes": HEAP_BYTES + SHIM_BYTES, "start_s": end_s + 5}
        with EmulatedBoard(
            find_vm(32), folder / "board", settings=SETTINGS, load=ConstantLoad(500), **options
        ) as board:
            board.watch_heap()
            board.power_on()
            service = Service(board)
            name, manifest = applet()
            board.sleep(120)
            service.deploy(manifest)
            board.sleep(120)
            key = encode_point(public_key(SECRET))
            for granularity_s in (0, DAY_S):
                begin_s = START_S + 3 * INTERVAL_S if not granularity_s else START_S
                items, spent_s = exported(
                    service, name, begin_s, end_s, granularity_s, not granularity_s
                )
                found = check(items, sealed, key, begin_s, end_s, granularity_s, INTERVAL_S)
                readings = sum(one.readings for one in found.opened)
                print(
                    f"{len(items)} items, {readings} readings, checked; {spent_s:.0f} s, at least "
                    f"{board.heap_low_bytes} bytes of heap were free"
                )
                board.sleep(700)
            good = board.heap_low_bytes >= FREE_BYTES
            service.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
