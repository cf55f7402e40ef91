"""The meter under test, as a test talks about it: `meter.register_wh`, `meter.records()`.

It speaks through the ports of a rig, whatever rig that is, and opens each only for the question,
so that other tools may have it in between. Records are verified by the protocol's own chain before
they are handed over. Errors: BoardError `meter-silent` (no answer), `meter-answer` (no sensible
one), `meter-refused` (the meter's own reason is the detail); Refused `chain-…`.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from wattseal.chain import Chain, Config, verify_stretch
from wattseal.record import Record, decode_sealed

from wattseal_hil import modbus
from wattseal_hil.errors import BoardError
from wattseal_hil.pairing import Pairing, pair, press_for_pin
from wattseal_hil.questions import Means, means
from wattseal_hil.rig.interface import BUTTON, CUSTOMER_PORT, UTILITY_PORT, VIRTUAL_TIME, Rig

BAUD = 115200
BURST_MS = 970  # by default; only the register's mean power depends on it
_ALL = 1_000_000_000
_TELEGRAM = re.compile(rb"/[^!/]*![0-9A-F]{4}\r\n")
_CLOSED_BY = ("end", "error", "status", "pair", "measurement", "consent")


class Opening(NamedTuple):
    """What one sealed channel holds; only the customer's port tells. `value` in sealed units."""

    seq: int
    channel: int
    value: int
    flags: int
    blinding: int


class Meter:
    """The meter on this rig. `timeout_s`: how long an answer may take, in real seconds."""

    def __init__(self, rig: Rig, timeout_s: float = 5.0) -> None:
        self.rig = rig
        self.timeout_s = timeout_s

    # The customer's port

    def ask(self, command: str) -> list[str]:
        """The lines that answer `?command`, without their `#`; the last is `end` or the only one.

        Raises BoardError `meter-refused` for `#error CODE`.
        """
        with self._customer_port() as line:
            line.write(b"\r\n" + command.encode("ascii") + b"\r\n")
            answer: list[str] = []
            for text in self._lines(line, f"no answer to {command}"):
                if text.startswith("#"):
                    answer.append(text[1:])
                    word, _, rest = text[1:].partition(" ")
                    if word == "error":
                        raise BoardError("meter-refused", rest)
                    if word in _CLOSED_BY:
                        return answer
        raise AssertionError("unreachable")

    def status(self) -> dict[str, Any]:
        """What `?status` says: integers, strings and truth values, by name."""
        return self._object("?status")

    @property
    def register_wh(self) -> int:
        """Energy imported so far, in whole Wh."""
        return self._integer("register_wh")

    @property
    def export_wh(self) -> int:
        return self._integer("export_wh")

    @property
    def power_w(self) -> int:
        """Mean power of the last burst of samples."""
        return self._integer("power_w")

    @property
    def boot(self) -> int:
        """The boot counter: it rises with every start of the firmware, and never falls."""
        return self._integer("boot")

    def records(self, first: int | None = None) -> list[Record]:
        """The sealed log from record `first` on (by default the oldest kept), verified."""
        status = self.status()
        if first is None:
            first = int(status["oldest_seq"])
        sealed = [
            bytes.fromhex(text.split()[2])
            for text in self.ask(f"?history {first} {_ALL}")
            if text.startswith("record ")
        ]
        config = Config(status["interval_s"], status["unit_exponent"], status["channel_set"])
        return verified(sealed, bytes.fromhex(status["key"]), config)

    @property
    def newest(self) -> Record:
        """The newest sealed record. Raises BoardError `meter-answer` before the first."""
        status = self.status()
        if not status["next_seq"]:
            raise BoardError("meter-answer", "nothing is sealed yet")
        return self.records(int(status["next_seq"]) - 1)[0]

    def openings(self, first: int) -> list[Opening]:
        """What the records of the current epoch hold, from record `first` on, for its customer."""
        found = []
        for text in self.ask(f"?openings {first} {_ALL}"):
            word, *fields = text.split()
            if word == "opening":
                seq, channel, value, flags = map(int, fields[:4])
                found.append(Opening(seq, channel, value, flags, int(fields[4], 16)))
        return found

    def telegram(self) -> str:
        """The next DSMR telegram, from `/` to its checksum. Board time passes until it is there."""
        step_s = 0.25 if VIRTUAL_TIME in self.rig.features else 0.0
        with self._customer_port() as line:
            received = b""
            deadline_s = time.monotonic() + self.timeout_s
            while time.monotonic() < deadline_s:
                self.rig.sleep(step_s)
                received += line.read(max(1, line.in_waiting))
                if found := _TELEGRAM.search(received):
                    return found.group().decode("ascii")
        raise BoardError("meter-silent", "no telegram came")

    def measure(self, seconds: float = 10.0) -> Means:
        """Let so much board time pass; the means of what was measured meanwhile."""
        first = self._object("?measurement")
        self.rig.sleep(seconds)
        return means(first, self._object("?measurement"), BURST_MS)

    def pair(self) -> Pairing:
        """Press the button and pair by the PIN the meter shows: the secret of the epoch that begins
        with the next interval."""
        self.rig.require(BUTTON)
        return pair(self.ask, press_for_pin(self.rig))

    # The utility's port

    def registers(self, address: int, count: int) -> list[int]:
        """Holding registers of the utility port, 16 bits each, by Modbus RTU."""
        self.rig.require(UTILITY_PORT)
        return modbus.registers(self.rig.utility_port, address, count, self.timeout_s)

    def utility_records(self, first: int = 0) -> list[Record]:
        """The sealed log as the utility reads it from its own port, verified."""
        self.rig.require(UTILITY_PORT)
        return verified(*modbus.sealed_log(self.rig.utility_port, first, self.timeout_s))

    # Underneath

    @contextlib.contextmanager
    def _customer_port(self) -> Iterator[Any]:
        import serial

        self.rig.require(CUSTOMER_PORT)
        port = self.rig.customer_port
        try:
            line = serial.serial_for_url(port, BAUD, timeout=0.05)
        except (OSError, ValueError) as error:
            raise BoardError("meter-silent", f"{port}: {error}") from None
        try:
            yield line
        except OSError as error:
            raise BoardError("meter-silent", f"{port}: {error}") from None
        finally:
            line.close()

    def _lines(self, line: Any, complaint: str) -> Iterator[str]:
        """Whole lines as they come, until nothing has come for `timeout_s`."""
        rest = b""
        deadline_s = time.monotonic() + self.timeout_s
        while time.monotonic() < deadline_s:
            if more := line.read(max(1, line.in_waiting)):
                deadline_s = time.monotonic() + self.timeout_s
                *whole, rest = (rest + more).split(b"\r\n")
                for text in whole:
                    yield text.decode("ascii", "replace")
        raise BoardError("meter-silent", f"{self.rig.customer_port}: {complaint}")

    def _object(self, command: str) -> dict[str, Any]:
        text = self.ask(command)[-1]
        try:
            answer = json.loads(text.partition(" ")[2])
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise BoardError("meter-answer", f"to {command}: {text[:60]}")
        return answer

    def _integer(self, name: str) -> int:
        value = self.status().get(name)
        if type(value) is not int:
            raise BoardError("meter-answer", f"?status has no number {name}")
        return value


def verified(sealed: list[bytes], key: bytes, config: Config) -> list[Record]:
    """Decode a stretch of sealed records, and refuse it unless the chain holds and is signed.

    A stretch that begins with record 0 is held to begin with the meter's ORIGIN.
    """
    if not sealed:
        return []
    records = [decode_sealed(data) for data in sealed]
    head = records[0]
    chain = Chain(key, config)
    if head.seq:
        chain = Chain(key, config, head.previous, head.seq, head.start_s)
    verify_stretch([record.body for record in records], records[-1].signature, chain)
    return records
