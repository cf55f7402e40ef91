"""Modbus RTU as a sniffer hears it: requests and answers on one wire, cut into exchanges. No I/O.

A frame has no mark at its beginning, only a length that follows from its first bytes and a CRC
at its end. So at each byte: does the answer to the last request begin here, or a request? What
is neither, or of another unit or function than collecting uses, is noise and skipped by one byte.
The frames themselves are decoded by pymodbus, as they are when the host asks on its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from wattseal_host.collect.registers import UNIT_ID

MAX_FRAME_BYTES = 256
_EXCEPTION = 0x80
_READ_REGISTERS, WRITE_REGISTERS, _READ_FILES = 3, 16, 20
_USED = (_READ_REGISTERS, WRITE_REGISTERS, _READ_FILES)
_CRC_BYTES = 2
_REQUESTS, _ANSWERS = DecodePDU(True), DecodePDU(False)


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, decoded by pymodbus; answer None: there was none."""

    request: Any
    answer: Any


class UtilityStream:
    """Cuts a byte stream into Exchanges."""

    def __init__(self) -> None:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._buffer = bytearray()
        self._request: Any = None
        self._function = 0
        self.noise_bytes = 0

    def feed(self, data: bytes) -> list[Exchange]:
        """What became complete with these bytes, in order."""
        self._buffer += data
        return self._cut(final=False)

    def close(self) -> list[Exchange]:
        """What is left when nothing more comes."""
        found = self._cut(final=True)
        return found + self._settle(None)

    def _cut(self, final: bool) -> list[Exchange]:
        found: list[Exchange] = []
        at = 0
        # A view of fixed bytes: deleting from the front for each frame would copy the rest.
        data = bytes(self._buffer)
        while at < len(data):
            size, is_answer = self._frame(data, at, final)
            if size is None:
                break
            if size == 0:
                self.noise_bytes += 1
                at += 1
                continue
            pdu = data[at + 1 : at + size - _CRC_BYTES]
            if is_answer:
                found += self._settle(_ANSWERS.decode(pdu))
            else:
                found += self._settle(None)
                self._request, self._function = _REQUESTS.decode(pdu), pdu[0]
            at += size
        del self._buffer[:at]
        return found

    def _frame(self, data: bytes, at: int, final: bool) -> tuple[int | None, bool]:
        """(length of the frame that begins here, whether it is an answer); length 0: none does;
        None: that cannot be told before more bytes come."""
        short = False
        head = data[at : at + MAX_FRAME_BYTES]
        if head[0] != UNIT_ID:
            return 0, False
        for is_answer in (True, False) if self._request is not None else (False,):
            size = _answer_size(head, self._function) if is_answer else _request_size(head)
            if size is None or len(head) < size:
                short = True
            elif size and _is_frame(head[:size]):
                return size, is_answer
        return (None if short and not final else 0), False

    def _settle(self, answer: Any) -> list[Exchange]:
        request, self._request = self._request, None
        return [] if request is None else [Exchange(request, answer)]


def _request_size(head: bytes) -> int | None:
    """Bytes of the request that begins so; 0: none does; None: more bytes are needed."""
    if len(head) < 3:
        return None if len(head) < 2 or head[1] in _USED else 0
    if head[1] == _READ_REGISTERS:
        return 8
    if head[1] == WRITE_REGISTERS:
        if len(head) < 7:
            return None
        return 7 + head[6] + _CRC_BYTES if head[4] == 0 and head[6] == 2 * head[5] else 0
    if head[1] == _READ_FILES and head[2] % 7 == 0 and 0 < head[2] <= 245:
        return 3 + head[2] + _CRC_BYTES
    return 0


def _answer_size(head: bytes, function: int) -> int | None:
    """The same of an answer to a request of that function."""
    if len(head) < 3:
        return None
    if head[1] == function | _EXCEPTION:
        return 5
    if head[1] == function == WRITE_REGISTERS:
        return 8
    return 3 + head[2] + _CRC_BYTES if head[1] == function else 0


def _is_frame(frame: bytes) -> bool:
    return FramerRTU.check_CRC(frame[:-_CRC_BYTES], int.from_bytes(frame[-_CRC_BYTES:], "big"))
