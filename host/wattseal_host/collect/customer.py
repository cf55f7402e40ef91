"""The customer port: telegrams as they come, and the line protocol, by pyserial.

Commands are one line, `?name arguments`; replies are lines that begin with "#". Every reply is
parsed strictly; an `#error CODE` becomes PortError `port-refused` with that code as the detail.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import serial
from wattseal.errors import Malformed
from wattseal.p256 import N

from wattseal_host.collect.stream import CustomerStream, Telegram
from wattseal_host.documents import Enrolment
from wattseal_host.encoding import from_decimal, malformed
from wattseal_host.errors import PortError
from wattseal_host.fields import Fields
from wattseal_host.strict_json import loads
from wattseal_host.units import Unit, channels_of

BAUD = 115200
HISTORY_CHUNK = 40
_SELF = {"meter", "key", "interval_s", "unit_exponent", "channel_set", "next_seq"}


@dataclass(frozen=True)
class Pairing:
    """What the meter hands over once: the epoch that will begin, and its 32-byte secret."""

    meter: bytes
    key: bytes
    epoch: int
    secret: bytes


@dataclass(frozen=True)
class MeterSelf:
    """What a meter says of itself: its configuration, and the records in its log."""

    configuration: Enrolment
    next_seq: int

    @property
    def meter(self) -> bytes:
        return self.configuration.meter


@dataclass(frozen=True)
class PortOpening:
    """One opening as the meter tells it: not checked against the commitment yet."""

    seq: int
    channel: int
    value: int
    hidden_flags: int
    blinding: int


class CustomerPort:
    """One meter's customer port. Use as a context manager; one thread at a time."""

    def __init__(self, port: str, timeout_s: float = 3.0) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._stream = CustomerStream()
        self._serial: Any = None

    def __enter__(self) -> CustomerPort:
        try:
            self._serial = serial.serial_for_url(
                self._port, baudrate=BAUD, timeout=0.05, write_timeout=self._timeout_s
            )
        except (OSError, ValueError) as error:
            raise PortError("port-missing", f"{self._port} cannot be opened") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._serial.close()

    def listen(self, on_telegram: Callable[[Telegram], None], stop: threading.Event) -> None:
        """Pass on every telegram until `stop` is set and nothing is waiting any more."""
        while True:
            stopping = stop.is_set()
            items = self._read()
            for item in items:
                if isinstance(item, Telegram):
                    on_telegram(item)
            if stopping and not self._serial.in_waiting:
                return

    def status(self) -> dict[str, Any]:
        """What the meter says of itself, as it says it (integers, strings, booleans)."""
        (line,) = self._command("?status", "status")
        try:
            value = loads(line.encode("ascii"), max_bytes=4096, max_depth=2)
        except Malformed as error:
            raise PortError("port-answer", f"status: {error.code}") from error
        if type(value) is not dict:
            raise PortError("port-answer", "status")
        return value

    def identity(self) -> MeterSelf:
        """Who the meter is and how far its log goes, out of `status`; the id is checked."""
        value = self.status()
        try:
            fields = Fields(value, "status", set(_SELF), set(value) - _SELF)
            described = Enrolment(
                meter=fields.hexadecimal("meter", 16),
                key=fields.hexadecimal("key", 33),
                unit=Unit("Wh", fields.integer("unit_exponent")),
                interval_s=fields.integer("interval_s"),
                channels=channels_of(fields.integer("channel_set")),
            )
            meter = Enrolment.read(described.write())
            return MeterSelf(meter, fields.integer("next_seq", 0, 2**32 - 1))
        except Malformed as error:
            raise PortError("port-answer", f"status: {error.detail}") from error

    def pair(self, customer_random: bytes) -> Pairing:
        """Ask for a new epoch secret, made with our 32 random bytes. The button opens the way."""
        (line,) = self._command(f"?pair {customer_random.hex()}", "pair")
        try:
            value = loads(line.encode("ascii"), max_bytes=4096, max_depth=2)
            fields = Fields(value, "pair", {"meter", "key", "epoch", "secret"})
            return Pairing(
                fields.hexadecimal("meter", 16),
                fields.hexadecimal("key", 33),
                fields.integer("epoch", 1, 2**32 - 1),
                fields.hexadecimal("secret", 32),
            )
        except Malformed as error:
            # Never the line itself: it holds a secret.
            raise PortError("port-answer", f"pairing: {error.code}") from error

    def history(self, from_seq: int, count: int = HISTORY_CHUNK) -> list[bytes]:
        """Up to `count` sealed records from `from_seq`, unverified; fewer at the end."""
        result: list[bytes] = []
        for line in self._command(f"?history {from_seq} {count}", "record", "end")[:-1]:
            seq, data = _split(line, 2)
            if _integer(seq) != from_seq + len(result) or len(result) == count:
                raise PortError("port-answer", f"record {seq[:12]} out of order")
            result.append(_bytes(data))
        return result

    def openings(self, from_seq: int, count: int = HISTORY_CHUNK) -> list[PortOpening]:
        """Openings of up to `count` records of the current epoch, unchecked."""
        result = []
        for line in self._command(f"?openings {from_seq} {count}", "opening", "end")[:-1]:
            seq, channel, value, flags, blinding = _split(line, 5)
            opening = PortOpening(
                _integer(seq),
                _integer(channel),
                _integer(value),
                _integer(flags),
                int.from_bytes(_bytes(blinding, 32), "big"),
            )
            if opening.blinding >= N or not from_seq <= opening.seq < from_seq + count:
                raise PortError("port-answer", "opening out of range")
            result.append(opening)
        return result

    def _command(self, line: str, name: str, last: str | None = None) -> list[str]:
        """Send one line; the replies' texts after their names, up to the one named `last`."""
        self._serial.write(line.encode("ascii") + b"\r\n")
        replies: list[str] = []
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            for item in self._read():
                if isinstance(item, Telegram):
                    continue
                head, _, text = item.partition(" ")
                if head == "error":
                    raise PortError("port-refused", text[:40])
                if head not in (name, last):
                    raise PortError("port-answer", f"unexpected reply to {line.split()[0]}")
                replies.append(text)
                if head == (last or name):
                    return replies
                deadline = time.monotonic() + self._timeout_s
        raise PortError("port-silent", f"no answer to {line.split()[0]} on {self._port}")

    def _read(self) -> list[Telegram | str]:
        try:
            return self._stream.feed(self._serial.read(max(1, self._serial.in_waiting)))
        except OSError as error:
            raise PortError("port-missing", f"{self._port} went away") from error


def _split(line: str, count: int) -> list[str]:
    parts = line.split(" ")
    if len(parts) != count:
        raise PortError("port-answer", "reply fields")
    return parts


def _integer(text: str) -> int:
    try:
        value = from_decimal(text, "reply")
        if not 0 <= value < 2**32:
            raise malformed("reply")
    except Malformed as error:
        raise PortError("port-answer", "reply number") from error
    return value


def _bytes(text: str, length: int | None = None) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise PortError("port-answer", "reply bytes") from error
    if data.hex() != text.lower() or (length is not None and len(data) != length):
        raise PortError("port-answer", "reply bytes")
    return data
