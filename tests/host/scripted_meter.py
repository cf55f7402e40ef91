"""A meter's customer port on a pty, scripted: it tells the records it is given, and may break."""

from __future__ import annotations

import json
import os
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sealed_house import INTERVAL_S, SealingMeter


class ScriptedMeter:
    """Answers `?status` and `?history` out of `meter.sealed`. told: the records it shows (may be
    other bytes than it sealed); oldest: the first it still has, as it says."""

    def __init__(self, meter: SealingMeter, boot: int = 1) -> None:
        self.meter = meter
        self.told = list(meter.sealed)
        self.boot = boot
        self.oldest = 0

    def answer(self, request: bytes) -> bytes:
        out = b""
        for line in request.split(b"\r\n"):
            if line:
                out += self._answer(line.decode("ascii"))
        return out

    def _answer(self, line: str) -> bytes:
        words = line.split(" ")
        if words[0] == "?status":
            return self.status()
        if words[0] == "?history":
            return self.history(int(words[1]), int(words[2]))
        return b"#error bad-command\r\n"

    def status(self) -> bytes:
        value = {
            "meter": self.meter.meter.hex(),
            "key": self.meter.key.hex(),
            "interval_s": INTERVAL_S,
            "unit_exponent": self.meter.exponent,
            "channel_set": (1 << self.meter.channels) - 1,
            "boot": self.boot,
            "oldest_seq": self.oldest,
            "next_seq": len(self.told),
        }
        return f"#status {json.dumps(value)}\r\n".encode()

    def history(self, first: int, count: int) -> bytes:
        places = range(first, min(first + count, len(self.told)))
        lines = [f"#record {seq} {self.told[seq].hex()}\r\n" for seq in places]
        return "".join([*lines, f"#end {places.stop}\r\n"]).encode()


@contextmanager
def wire(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A pty whose far end gives `answer(request)` to whatever arrives in one piece."""
    master, slave = os.openpty()
    tty.setraw(slave)

    def serve() -> None:
        try:
            while data := os.read(master, 4096):
                reply = answer(data)
                while reply:
                    reply = reply[os.write(master, reply) :]
        except OSError:
            return

    far_end = threading.Thread(target=serve, daemon=True)
    far_end.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        far_end.join(1)
        os.close(master)
