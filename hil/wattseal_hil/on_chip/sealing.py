"""Counts the instructions of sealing and of answering, on a chip's MicroPython under QEMU.

Runs on RISC-V 32 with one instruction a nanosecond; the machine's timer ticks every 100. Prints
lines of JSON: for each seal the instructions of every step, and the record for the bench to
check. Driven as by meter/sealer.py: between two steps other tasks run.
"""

import gc
import json

import machine
from meter.crc16 import MODBUS, crc16
from meter.modbus import Framer, Server, frame
from meter.openings import Openings
from wattseal.commitment import blinding_steps, commit_steps, mask_reading
from wattseal.ecdsa import public_key, sign_steps
from wattseal.p256 import encode_point, encode_scalar
from wattseal.record import INTERVAL, body_digest, encode_reading, meter_id

TIMER = 0x0200BFF8
SECRET = 0x1D92444B399FDFB82F6C1A7E614196E2567ACA8F6DBBA7A60F70354AF67553C4
SEALS = 8


class Keys:
    epoch = 3
    epoch_secret = bytes(range(32))
    meter = b""


class Image:
    """The longest answers a master can ask for."""

    identification = ((0, b"wattseal"),)

    def registers(self, address, count):
        return bytes(2 * count)

    def file_record(self, file, address, count):
        return bytes(2 * count)


def prepare(openings, seq, out):
    """What Sealer.prepare does."""
    scalar = openings.blinding(7, seq, 0)
    out.append(scalar)
    out.append((yield from blinding_steps(scalar)))


def seal(openings, seq, value, prepared, out):
    """What Sealer.reading does, but for the log."""
    meter = Keys.meter
    point = yield from commit_steps(value, prepared)
    channel = (encode_point(point), mask_reading(value, 0, openings.pad(7, seq, 0)))
    body = encode_reading(
        INTERVAL, meter, Keys.epoch, 7, seq, 1800 * seq, 1800, 0, 0, [channel], bytes(32)
    )
    out.append(body + (yield from sign_steps(SECRET, body_digest(body))))


def counted(steps):
    """Return the instructions of each step."""
    counts = []
    while True:
        before = machine.mem32[TIMER]
        done = False
        try:
            next(steps)
        except StopIteration:
            done = True
        counts.append((machine.mem32[TIMER] - before) * 100)
        if done:
            return counts


def answer(request):
    """Return the instructions from the last byte of a request to the first of its answer."""
    framer = Framer(1)
    server = Server(Image())
    data = bytes([1]) + request
    data += crc16(data, MODBUS).to_bytes(2, "little")
    before = machine.mem32[TIMER]
    frame(1, server.answer(framer.feed(data)))
    return (machine.mem32[TIMER] - before) * 100


def run():
    key = encode_point(public_key(SECRET))
    Keys.meter = meter_id(key)
    openings = Openings(Keys)
    gc.threshold(64 * 1024)  # as main.py
    for seq in range(1, SEALS + 1):
        value = seq * 0x1F3A5C7 & 0xFFFFFFFF
        out = []  # type: list
        idle = counted(prepare(openings, seq, out))
        critical = counted(seal(openings, seq, value, out.pop(), out))
        opening = encode_scalar(out[0]).hex()
        print(json.dumps([idle, critical, value, opening, key.hex(), out[1].hex()]))
    whole_record = bytes([20, 7, 6, 0, 1, 0, 0, 0, 120])
    print(json.dumps([answer(bytes([3, 0, 0, 0, 125])), answer(whole_record)]))


run()
