"""The customer port's byte stream: DSMR 5 P1 telegrams with reply lines in between. No I/O.

A telegram runs from "/" to "!CCCC" (CRC-16/ARC over both marks included, upper-case hex). Lines
between telegrams that begin with "#" are replies to commands. What fits neither is dropped: a
reader may join in the middle of anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TELEGRAM_BYTES = 4096
MAX_LINE_BYTES = 4096
SEALED = re.compile(rb"0-0:96\.128\.0\(([0-9A-F]{2,1000})\)")
_END = re.compile(rb"!([0-9A-F]{4})\r\n")


@dataclass(frozen=True)
class Telegram:
    """lines: between the identification and the CRC; sealed: the newest record's bytes,
    unverified, or None."""

    identification: str
    lines: tuple[str, ...]
    sealed: bytes | None


def crc16_arc(data: bytes) -> int:
    """CRC-16/ARC: polynomial x^16 + x^15 + x^2 + 1 reflected, initial value 0."""
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_row(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC_TABLE = [_crc_row(byte) for byte in range(256)]


class CustomerStream:
    """Cuts a byte stream into Telegrams and reply lines (str, without "#")."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.bad_telegrams = 0

    def feed(self, data: bytes) -> list[Telegram | str]:
        """What became complete with these bytes, in order."""
        self._buffer += data
        found: list[Telegram | str] = []
        while self._buffer:
            first = self._buffer[0]
            if first == ord("/"):
                item = self._telegram()
            elif first == ord("#"):
                item = self._reply()
            else:
                self._skip()
                continue
            if item is None:
                break
            if item is not _DROPPED:
                found.append(item)
        return found

    def _skip(self) -> None:
        marks = [at for at in (self._buffer.find(b"/"), self._buffer.find(b"#")) if at >= 0]
        del self._buffer[: min(marks, default=len(self._buffer))]

    def _telegram(self) -> Telegram | str | None:
        end = _END.search(self._buffer)
        restart = self._buffer.find(b"/", 1)
        if end is None and restart < 0:
            if len(self._buffer) > MAX_TELEGRAM_BYTES:
                return self._drop(1)
            return None
        if end is None or 0 <= restart < end.start():
            return self._drop(restart)
        body = bytes(self._buffer[: end.start() + 1])
        crc = int(end[1], 16)
        if len(body) > MAX_TELEGRAM_BYTES or crc16_arc(body) != crc or not body.isascii():
            return self._drop(end.end())
        del self._buffer[: end.end()]
        lines = body[1:-1].decode("ascii").split("\r\n")
        sealed = SEALED.search(body)
        return Telegram(
            lines[0],
            tuple(line for line in lines[1:] if line),
            bytes.fromhex(sealed[1].decode("ascii")) if sealed and not len(sealed[1]) % 2 else None,
        )

    def _drop(self, count: int) -> str:
        """Give up the bytes of a broken telegram."""
        del self._buffer[:count]
        self.bad_telegrams += 1
        return _DROPPED

    def _reply(self) -> Telegram | str | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > MAX_LINE_BYTES:
                self._buffer.clear()
            return None
        line = bytes(self._buffer[1:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        try:
            return line.decode("ascii")
        except UnicodeDecodeError:
            return _DROPPED


_DROPPED = "\0dropped"
