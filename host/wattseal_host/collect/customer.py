"""The customer port: telegrams as they come, and the line protocol, by pyserial.

Commands are one line, `?name arguments`; replies are lines that begin with "#". Every reply is
parsed strictly; an `#error CODE` becomes PortError `port-refused` with that code as the detail.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from secrets import token_bytes
from types import TracebackType
from typing import Any

import serial
from wattseal.errors import Malformed
from wattseal.events import MAX_APPLETS
from wattseal.p256 import N
from wattseal.pairing_customer import Customer

from wattseal_host.collect import replies
from wattseal_host.collect.itself import MeterSelf
from wattseal_host.collect.place import CUSTOMER, Place
from wattseal_host.collect.replies import (
    MeterBill,
    Pairing,
    PortApplet,
    PortOpening,
    PriceListState,
)
from wattseal_host.collect.stream import CustomerStream, Telegram
from wattseal_host.collect.tap import Tap, tapped
from wattseal_host.errors import PortError

BAUD = 115200
HISTORY_CHUNK = 40
CHANNELS = 2


class CustomerPort:
    """One meter's customer port. Use as a context manager; one thread at a time."""

    def __init__(self, port: str, timeout_s: float = 3.0, tap: Tap | None = None) -> None:
        self.place = Place(CUSTOMER, port)
        self._tap = tap
        self._timeout_s = timeout_s
        self._stream = CustomerStream()
        self._serial: Any = None
        self._begun = False

    def __enter__(self) -> CustomerPort:
        try:
            opened = serial.serial_for_url(
                self.place.port, baudrate=BAUD, timeout=0.05, write_timeout=self._timeout_s
            )
        except (OSError, ValueError) as error:
            raise PortError("port-missing", f"{self.place.port} cannot be opened") from error
        self._serial = tapped(opened, self._tap)
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
        return replies.read_status(line)

    def itself(self) -> MeterSelf:
        """Who the meter is and how far its log goes, out of `status`; the id is checked."""
        return replies.read_self(self.status())

    def pair(self, pin: str, draw: Callable[[int], bytes] = token_bytes) -> Pairing:
        """The next epoch's secret, for the PIN the meter shows after a press of its button.

        draw: random bytes. Refused `spake2-confirmation`: whoever answers is not the meter that
        showed the PIN. A wrong PIN is PortError `port-refused` with `pairing-pin`.
        """
        ephemeral = int.from_bytes(draw(48), "big") % (N - 1) + 1
        customer = Customer(pin.encode("ascii"), ephemeral, draw(32))
        (line,) = self._command(f"?pair {customer.share.hex()}", "pair")
        meter, key, share = replies.read_pairing_share(line)
        try:
            confirmation = customer.confirm(key, share)
        except Malformed as error:
            raise PortError("port-answer", f"pairing: {error.code}") from error
        (line,) = self._command(f"?pair {confirmation.hex()} {customer.random.hex()}", "pair")
        epoch, confirmation, meter_random = replies.read_pairing_end(line)
        return Pairing(meter, key, epoch, customer.secret(confirmation, meter_random))

    def consent(self) -> tuple[bool, bytes]:
        """(whether consumption is shown on the utility port, a fresh challenge)."""
        (line,) = self._command("?consent", "consent")
        return replies.read_consent(line)

    def decide(self, state: int, proof: bytes) -> None:
        """Give (1) or withdraw (2) consent, with the proof for the newest challenge."""
        self._command(f"?consent {state} {proof.hex()}", "consent")

    def applets(self) -> list[PortApplet]:
        """The applets on the meter, as it tells them."""
        lines = self._command("?applet", "applet", "end", MAX_APPLETS + 1)[:-1]
        return [replies.read_applet(line) for line in lines]

    def decide_applet(self, state: int, digest: bytes, proof: bytes) -> None:
        """Approve (1) or withdraw (2) an applet, with the proof for the newest challenge."""
        line = f"?applet {state} {digest.hex()} {proof.hex()}"
        self._command(line, "applet", "end", MAX_APPLETS + 1)

    def history(self, from_seq: int, count: int = HISTORY_CHUNK) -> list[bytes]:
        """Up to `count` sealed records from `from_seq`, unverified; fewer at the end."""
        result: list[bytes] = []
        for line in self._command(f"?history {from_seq} {count}", "record", "end", count)[:-1]:
            seq, data = replies.read_record(line)
            if seq != from_seq + len(result):
                raise PortError("port-answer", f"record {seq} out of order")
            result.append(data)
        return result

    fetch = history

    def openings(self, from_seq: int, count: int = HISTORY_CHUNK) -> list[PortOpening]:
        """Openings of up to `count` records of the current epoch, unchecked."""
        most = CHANNELS * count
        lines = self._command(f"?openings {from_seq} {count}", "opening", "end", most)[:-1]
        result = [replies.read_opening(line) for line in lines]
        if any(not from_seq <= opening.seq < from_seq + count for opening in result):
            raise PortError("port-answer", "opening out of range")
        return result

    def bill(self, from_seq: int, runs: Sequence[tuple[int, Sequence[int]]]) -> MeterBill:
        """The meter's own sums over its log: for each run so many records at a weight for each
        channel, from `from_seq` on. Unchecked."""
        lines = [f"?bill {from_seq}"]
        lines += [" ".join(map(str, ("?bill", count, *weights))) for count, weights in runs]
        for line in lines:
            told = replies.read_bill(self._command(line, "bill")[0])
        if told.next_seq != from_seq + sum(count for count, _ in runs):
            raise PortError("port-answer", "bill of other records")
        return told

    def prices(self) -> PriceListState:
        """The display's price list, and a fresh challenge."""
        return replies.read_prices(self._command("?prices", "prices")[0])

    def send_prices(self, at: int, data: bytes) -> None:
        """The next bytes of a new list, `at` bytes into it."""
        told = replies.read_prices(self._command(f"?prices {at} {data.hex()}", "prices")[0])
        if told.sent_bytes != at + len(data):
            raise PortError("port-answer", "prices")

    def use_prices(self, proof: bytes) -> None:
        """Put the new list to work, with the proof for the newest challenge."""
        self._command(f"?prices {proof.hex()}", "prices")

    def _command(self, line: str, name: str, last: str | None = None, most: int = 1) -> list[str]:
        """Send one line; the replies' texts after their names, up to the one named `last`.

        A meter that babbles is not listened to for ever: at most `most` replies before the last.
        What others left in the meter's line, noise or the requests of a client that took this for
        another port, spoils the first command only, which is given again.
        """
        first, self._begun = not self._begun, True
        try:
            return self._ask(line, name, last, most)
        except PortError as error:
            if not first or (error.code, error.detail) != ("port-refused", "bad-command"):
                raise
            return self._ask(line, name, last, most)

    def _ask(self, line: str, name: str, last: str | None, most: int) -> list[str]:
        self._write(line.encode("ascii") + b"\r\n")
        answers: list[str] = []
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
                answers.append(text)
                if head == (last or name):
                    return answers
                if len(answers) > most:
                    raise PortError("port-answer", f"no end of replies to {line.split()[0]}")
                deadline = time.monotonic() + self._timeout_s
        raise PortError("port-silent", f"no answer to {line.split()[0]} on {self.place.port}")

    def _write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except OSError as error:
            raise PortError("port-missing", f"{self.place.port} takes nothing") from error

    def _read(self) -> list[Telegram | str]:
        try:
            return self._stream.feed(self._serial.read(max(1, self._serial.in_waiting)))
        except OSError as error:
            raise PortError("port-missing", f"{self.place.port} went away") from error
