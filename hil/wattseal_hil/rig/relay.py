"""Between the clients and the real ports of a board: a relay for each, and a tape where wanted."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from wattseal_hil.port_server import PortServer
from wattseal_hil.recorder import BoardRecorder

_LINES = {"customer": (115200, "N"), "utility": (19200, "E")}
_NUMBERS = {"customer": 0, "utility": 1}


class Relays:
    """`urls` are what clients open: a relay on this machine where the port is a device, else the
    port itself (socket://, rfc2217://), which then cannot be recorded."""

    def __init__(self, customer: str | None, utility: str | None) -> None:
        self.urls: dict[str, str] = {}
        self._servers: list[PortServer] = []
        self._tape: BoardRecorder | None = None
        self._lock = threading.Lock()
        self._last_us = 0
        ports = {"customer": customer, "utility": utility}
        wired = {name: port for name, port in ports.items() if port}
        self.recordable = bool(wired) and not any("://" in port for port in wired.values())
        for name, port in wired.items():
            self.urls[name] = port
            if "://" not in port:
                baud, parity = _LINES[name]
                tap = partial(self._hear, _NUMBERS[name])
                server = PortServer(port, baud, ("127.0.0.1", 0), parity, tap)
                self._servers.append(server)
                self.urls[name] = f"socket://127.0.0.1:{server.port}"

    def close(self) -> None:
        self.stop_recording()
        for server in self._servers:
            server.close()

    def _now_us(self) -> int:
        """The wall clock, but never backwards."""
        self._last_us = max(self._last_us, time.time_ns() // 1000)
        return self._last_us

    def record(self, path: str | Path, header: dict[str, Any]) -> None:
        self.stop_recording()
        with self._lock:
            self._tape = BoardRecorder(path, header, self._now_us)

    def stop_recording(self) -> None:
        with self._lock:
            tape, self._tape = self._tape, None
            if tape:
                tape.close()

    def _hear(self, number: int, to_meter: bool, data: bytes) -> None:
        with self._lock:
            if self._tape:
                self._tape.hear(number, to_meter, data, self._now_us())

    def supply(self, on: bool) -> None:
        with self._lock:
            if self._tape:
                self._tape.supply(on, self._now_us())

    def console(self, data: bytes) -> None:
        with self._lock:
            if self._tape:
                self._tape.console(data)
