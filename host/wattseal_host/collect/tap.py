"""A tap on a serial line: every byte that passes is told to a listener, unchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TO_METER, TO_HOST = "meter", "host"
Tap = Callable[[str, bytes], None]


class TappedSerial:
    """A pyserial port that tells `tap(direction, bytes)` of what is written and read."""

    def __init__(self, port: Any, tap: Tap) -> None:
        self._port = port
        self._tap = tap

    def write(self, data: bytes) -> int | None:
        self._tap(TO_METER, bytes(data))
        written: int | None = self._port.write(data)
        return written

    def read(self, size: int = 1) -> bytes:
        data: bytes = self._port.read(size)
        if data:
            self._tap(TO_HOST, data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def tapped(port: Any, tap: Tap | None) -> Any:
    return port if tap is None else TappedSerial(port, tap)
