"""What a running meter is doing, as one object of JSON: `wattseal rig top` shows it.

A served rig looks for itself, at what passes by: nobody is asked anything, and no client loses a
byte. Of bare ports the watcher is the client.

    {"now_s": , "powered": , "failure": , "telegram": {...}, "ports": {"customer": {...},
     "utility": {...}}, "status": {...}, "heap_low_bytes": , "flash": {"programs": , "erases": },
     "display": }

telegram: see telegrams.py. A port: bytes to_meter and from_meter, and frames `good` and `bad` of
what the meter sent. status: the utility port's, of bare ports alone. display: its text,
of a board. What cannot be told is null.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.line_faults import crc16
from wattseal_hil.telegrams import TelegramStream

CUSTOMER, UTILITY = 0, 1
Tap = Callable[[int, bool, bytes, int], None]
_LONGEST_FRAME = 256
_STATUS_AT, _STATUS_REGISTERS = 64, 13


class Traffic:
    """Counts what passes the meter's two UARTs. `tap` may be called in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._telegrams = TelegramStream()
        self._bytes = {port: [0, 0] for port in (CUSTOMER, UTILITY)}
        self._frame = b""
        self._good = self._bad = 0

    def tap(self, port: int, to_meter: bool, data: bytes, at_us: int) -> None:
        with self._lock:
            self._bytes[port][to_meter] += len(data)
            if to_meter:
                # A request ends whatever answer was not whole.
                if port == UTILITY:
                    self._bad += bool(self._frame)
                    self._frame = b""
            elif port == CUSTOMER:
                self._telegrams.feed(data)
            else:
                self._frame += data
                if len(self._frame) > 4 and not crc16(self._frame):
                    self._good += 1
                    self._frame = b""
                elif len(self._frame) > _LONGEST_FRAME:
                    self._bad += 1
                    self._frame = b""

    def snapshot(self) -> dict[str, Any]:
        """`telegram` and `ports` of the object above."""

        def passed(port: int, good: int, bad: int) -> dict[str, int]:
            sent, came = self._bytes[port]
            return {"to_meter": came, "from_meter": sent, "good": good, "bad": bad}

        with self._lock:
            telegrams = self._telegrams
            return {
                "telegram": telegrams.newest,
                "ports": {
                    "customer": passed(CUSTOMER, telegrams.good, telegrams.bad),
                    "utility": passed(UTILITY, self._good, self._bad),
                },
            }


class BoardWatch:
    """Watches an emulated board in this process."""

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        self._traffic = Traffic()
        board.tap(self._traffic.tap)
        board.watch_heap()

    def snapshot(self, request: dict[str, Any] | None = None) -> dict[str, Any]:
        """The object above. `request`: of a control socket; there is nothing to say in it."""
        board = self._board
        failure = board.failure
        return {
            "now_s": board.now_s,
            "powered": board.powered,
            "failure": failure.code if failure else None,
            **self._traffic.snapshot(),
            "status": None,
            "heap_low_bytes": board.heap_low_bytes or None,
            "flash": {
                "programs": board.flash.total_programs,
                "erases": board.flash.total_erases,
            },
            "display": board.display_text(),
        }


class PortsWatch:
    """Watches a meter through its own ports, as pyserial opens them; either may be None.

    A port that is silent or cannot be opened ends it: BoardError `meter-silent`.
    """

    def __init__(self, customer: str | None, utility: str | None, baud: int = 115200) -> None:
        import serial

        self._traffic = Traffic()
        self._utility = utility
        self._line: Any = None
        if customer is not None:
            try:
                self._line = serial.serial_for_url(customer, baud, timeout=0.05)
            except (OSError, ValueError) as error:
                raise BoardError("meter-silent", f"{customer}: {error}") from None

    def snapshot(self) -> dict[str, Any]:
        """Take what has come since; ask the utility port for its status."""
        if self._line is not None:
            deadline_s = time.monotonic() + 1.2  # a telegram a second
            try:
                while time.monotonic() < deadline_s:
                    if data := self._line.read(max(1, self._line.in_waiting)):
                        self._traffic.tap(CUSTOMER, False, data, 0)
            except OSError as error:
                raise BoardError("meter-silent", str(error)) from None
        found = self._traffic.snapshot()
        found["ports"]["utility"] = None  # nothing passes there but our own questions
        if self._line is None:
            found["ports"]["customer"] = None
        status = None if self._utility is None else self._status()
        return {
            "now_s": status["clock_s"] if status else time.time(),
            "powered": None,
            "failure": None,
            **found,
            "status": status,
            "heap_low_bytes": None,
            "flash": None,
            "display": None,
        }

    def _status(self) -> dict[str, int]:
        from wattseal_hil import modbus

        assert self._utility is not None
        values = modbus.registers(self._utility, _STATUS_AT, _STATUS_REGISTERS)
        wide = [values[at] << 16 | values[at + 1] for at in range(0, 10, 2)]
        names = ("records", "oldest", "boot", "epoch", "clock_s")
        return {**dict(zip(names, wide, strict=True)), "bits": values[10]}

    def close(self) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.close()
