"""What a stream of the customer's port shows: whole telegrams, and what stands in one.

Passive: nothing is asked. What is no telegram with the right check sum is counted and left.
"""

from __future__ import annotations

import re
from typing import Any

from wattseal.errors import WattsealError
from wattseal.record import EVENT, INTERVAL, OUTAGE, decode_sealed

from wattseal_hil.line_faults import crc16

_LONGEST = 4096
_OBIS = re.compile(r"^(\d+-\d+:\d+\.\d+\.\d+)\(([^*)]*)(?:\*\w+)?\)\r$", re.MULTILINE)
_ARC = 0  # where the check sum of DSMR starts
_KINDS = {INTERVAL: "interval", OUTAGE: "outage", EVENT: "event"}


class TelegramStream:
    """Feed it bytes as they come; `newest` is the last good telegram, decoded."""

    def __init__(self) -> None:
        self._rest = b""
        self.good = self.bad = self.answers = 0
        self.newest: dict[str, Any] | None = None

    def feed(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n")) >= 0:
            if self._rest[:1] == b"/":
                mark = self._rest.find(b"!")
                if mark < 0 or len(self._rest) < mark + 7:
                    if len(self._rest) < _LONGEST:
                        return
                    self.bad += 1
                    self._rest = self._rest[1:]
                    continue
                self._take(self._rest[: mark + 1], self._rest[mark + 1 : mark + 5])
                self._rest = self._rest[mark + 7 :]
            else:
                self.answers += self._rest[:1] == b"#"
                self._rest = self._rest[end + 2 :]
        self._rest = self._rest[-_LONGEST:]

    def _take(self, text: bytes, check: bytes) -> None:
        if check != b"%04X" % crc16(text, _ARC):
            self.bad += 1
            return
        self.good += 1
        self.newest = decoded(text.decode("ascii", "replace"))


def decoded(text: str) -> dict[str, Any]:
    """A telegram's values by name; None where it has none, or none that can be read."""
    fields = dict(_OBIS.findall(text))

    def thousandths(code: str) -> int | None:
        whole, _, part = fields.get(code, "").partition(".")
        digits = whole + part.ljust(3, "0")
        return int(digits) if len(part) <= 3 and digits.isdigit() else None

    into, out = thousandths("1-0:1.7.0"), thousandths("1-0:2.7.0")
    return {
        "meter": _meter(fields.get("0-0:96.1.1", "")),
        "power_w": None if into is None or out is None else into - out,
        "register_wh": thousandths("1-0:1.8.1"),
        "export_wh": thousandths("1-0:2.8.1"),
        "voltage_mv": thousandths("1-0:32.7.0"),
        "newest": _record(fields.get("0-0:96.128.0")),
    }


def _meter(text: str) -> str | None:
    try:
        return bytes.fromhex(text).decode("ascii") or None
    except ValueError:
        return None


def _record(text: str | None) -> dict[str, Any] | None:
    """The newest sealed record as the public sees it."""
    try:
        record = decode_sealed(bytes.fromhex(text or ""))
    except (ValueError, WattsealError):
        return None
    return {
        "seq": record.seq,
        "kind": _KINDS[record.kind],
        "start_s": record.start_s,
        "end_s": record.end_s,
        "epoch": record.epoch,
        "boot": record.boot,
    }
