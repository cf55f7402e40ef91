"""Counts the instructions of the meter's own bill, a record, on a chip's MicroPython under QEMU.

The log is a list of bodies: what reading flash costs is not in it. Prints one line of JSON: the
instructions of the whole command, the records, and the answer for the bench to check.
"""

import gc
import json
import sys

import machine


class Asyncio:
    """`asyncio` is no part of this VM; all that is used gives the others a turn."""

    @staticmethod
    async def sleep_ms(milliseconds):
        pass


sys.modules["asyncio"] = Asyncio
from meter.bill import answer  # noqa: E402
from meter.openings import Openings  # noqa: E402
from wattseal.commitment import mask_reading  # noqa: E402
from wattseal.record import INTERVAL, encode_reading  # noqa: E402

TIMER = 0x0200BFF8
RECORDS = 96
POINT = b"\2" + bytes(32)


class Keys:
    epoch = 3
    epoch_secret = bytes(range(32))
    meter = bytes(16)


class Log:
    """`count` records of readings 0, 1000, 2000, …"""

    count = RECORDS

    def __init__(self, openings):
        self._openings = openings

    def body(self, seq):
        channel = (POINT, mask_reading(1000 * seq, 0, self._openings.pad(7, seq, 0)))
        return encode_reading(
            INTERVAL, Keys.meter, 3, 7, seq, 1800 * seq, 1800, 0, 0, [channel], bytes(32)
        )


class Kept(Log):
    """The same, made beforehand, so that only the reading of it is counted."""

    def __init__(self, openings):
        made = Log(openings)
        self._bodies = [made.body(seq) for seq in range(RECORDS)]

    def body(self, seq):
        return self._bodies[seq]


def run():
    openings = Openings(Keys)
    log = Kept(openings)
    lines = []  # type: list
    state = []  # type: list

    async def line(text):
        lines.append(text)

    def command(*words):
        try:  # noqa: SIM105 (contextlib is no part of this VM)
            answer(words, state, log, openings, Keys, line).send(None)
        except StopIteration:
            pass

    gc.threshold(64 * 1024)  # as main.py
    command(b"0")
    before = machine.mem32[TIMER]
    command(b"%d" % RECORDS, b"31410")
    print(json.dumps([(machine.mem32[TIMER] - before) * 100, RECORDS, lines[-1]]))


run()
