"""The meter as it is now: one reader of the customer port for everybody who asks.

A thread of its own reads the telegrams, opens the port again whenever it went away, and puts other
people's questions to the meter in between, for a serial port has room for one at a time.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from wattseal.errors import WattsealError

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.stream import Telegram
from wattseal_host.errors import PortError

SILENT_S = 10.0  # a meter sends every second
RETRY_S = 1.0
ANSWER_S = 120.0
_LINE = re.compile(r"(\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3})\(([0-9A-Za-z.]{0,96})(?:\*\w+)?\)")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,3})?")
_METER = re.compile(r"[0-9a-f]{32}")

T = TypeVar("T")


@dataclass(frozen=True)
class Live:
    """meter: 16 bytes, as the telegram says, which nobody signed. Registers are of both tariffs
    together; current_a in whole amperes, as P1 has it."""

    meter: bytes
    import_w: int
    export_w: int
    import_wh: int
    export_wh: int
    voltage_mv: int
    current_a: int


@dataclass(frozen=True)
class State:
    """trouble: "" while telegrams come; else a code: `port-waiting` (nothing came yet),
    `port-missing`, `port-silent`, `meter-pinned` (another meter's port). live: the newest
    telegram, None with trouble."""

    live: Live | None
    trouble: str


def read_live(telegram: Telegram) -> Live | None:
    """What a telegram says; None where something is missing or no such value."""
    found = [match for line in telegram.lines if (match := _LINE.fullmatch(line))]
    fields = {match[1]: match[2] for match in found}
    try:
        meter = bytes.fromhex(fields["0-0:96.1.1"]).decode("ascii")
        if not _METER.fullmatch(meter):
            return None
        return Live(
            bytes.fromhex(meter),
            _thousandths(fields["1-0:1.7.0"]),
            _thousandths(fields["1-0:2.7.0"]),
            _thousandths(fields["1-0:1.8.1"]) + _thousandths(fields["1-0:1.8.2"]),
            _thousandths(fields["1-0:2.8.1"]) + _thousandths(fields["1-0:2.8.2"]),
            _thousandths(fields["1-0:32.7.0"]),
            _thousandths(fields["1-0:31.7.0"]) // 1000,
        )
    except (KeyError, ValueError):
        return None


def _thousandths(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(3, "0"))


class Keeper:
    """Keeps one customer port open. meter: whose it must be, where that is known; silent_s: after
    so long without a telegram the port is silent. Use as a context manager; every method may be
    called from any thread."""

    def __init__(self, port: str, meter: bytes | None = None, silent_s: float = SILENT_S) -> None:
        self._port, self._meter, self._silent_s = port, meter, silent_s
        self._jobs: queue.SimpleQueue[tuple[Future, Callable[[CustomerPort], object]]]
        self._jobs = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._tried = threading.Event()
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._heard_s = 0.0
        self._trouble = "port-waiting"
        self._open = False
        self._thread = threading.Thread(target=self._run, name="customer port", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._wake.set()
        self._thread.join(10)

    def state(self) -> State:
        with self._lock:
            if self._trouble or self._live is None:
                return State(None, self._trouble or "port-waiting")
            if time.monotonic() - self._heard_s > self._silent_s:
                return State(None, "port-silent")
            return State(self._live, "")

    def ask(self, question: Callable[[CustomerPort], T]) -> T:
        """Put a question to the meter when the line is free. Raises what it raises; PortError
        `port-missing` while there is no port."""
        future: Future[T] = Future()
        with self._lock:
            if not self._open:
                raise PortError("port-missing", self._port)
            self._jobs.put((future, question))
        self._wake.set()
        try:
            return future.result(ANSWER_S)
        except TimeoutError as error:
            raise PortError("port-silent", f"no answer on {self._port}") from error

    def first(self, question: Callable[[CustomerPort], T]) -> T:
        """`ask`, at the beginning: when the port has been opened, or could not be."""
        self._tried.wait(ANSWER_S)
        return self.ask(question)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with CustomerPort(self._port) as port:
                    with self._lock:
                        self._open = True
                        if self._trouble == "port-missing":
                            self._trouble = "port-waiting"
                    self._tried.set()
                    while not self._closing.is_set():
                        self._serve(port)
            except (WattsealError, OSError):
                self._gone()
            self._tried.set()
            self._wake.clear()
            self._closing.wait(RETRY_S)
        self._gone()

    def _serve(self, port: CustomerPort) -> None:
        self._wake.clear()
        while True:
            try:
                future, question = self._jobs.get_nowait()
            except queue.Empty:
                break
            try:
                future.set_result(question(port))
            except BaseException as error:
                future.set_exception(error)
                if isinstance(error, PortError) and error.code == "port-missing":
                    raise
        port.listen(self._heard, self._wake)

    def _heard(self, telegram: Telegram) -> None:
        live = read_live(telegram)
        if live is None:
            return
        with self._lock:
            other = self._meter is not None and live.meter != self._meter
            self._trouble = "meter-pinned" if other else ""
            self._live, self._heard_s = live, time.monotonic()

    def _gone(self) -> None:
        with self._lock:
            self._open = False
            self._trouble = "port-missing"
            while not self._jobs.empty():
                self._jobs.get()[0].set_exception(PortError("port-missing", self._port))
