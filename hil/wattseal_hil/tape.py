"""Tapes, `wattseal-tape/1`: everything that passed and was done at a board, in board time.

One canonical JSON object a line, in ASCII. The first says what was recorded:

    {"at_us", "board": {...}, "firmware": {...}, "format": "wattseal-tape/1", "rig", "vm"}

Each of the others has `at_us`, microseconds UTC by the bench, never falling, and `what`:

    bytes    port (customer, utility), from (meter, client), hex: at the meter's end of the line
    console  text: what the firmware printed, when the bench read it
    power    on: the firmware begins or ends, with the supply or by a reset
    pin      pin, level: driven from outside
    load     load: {"kind", its numbers by name, "sha256" of its course where it has one}
    fault    fault: its description; or {"fault": kind} of one made in Python
    clear    no fault any more
    end      the tape was stopped

A tape without an end was cut off, as by a kill; a last line without its line feed is what that left
of one, and is dropped. Readings pass a customer's port: a tape is for its owner's eyes (mode 0600).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from wattseal_hil.errors import BoardError

FORMAT = "wattseal-tape/1"
PORTS = ("customer", "utility")
MAX_LINE_BYTES = 1 << 20

_HEADER = {"at_us": int, "board": dict, "firmware": dict, "format": str, "rig": str, "vm": str}
_EVENTS: dict[str, dict[str, type]] = {
    "bytes": {"port": str, "from": str, "hex": str},
    "console": {"text": str},
    "power": {"on": bool},
    "pin": {"pin": int, "level": int},
    "load": {"load": dict},
    "fault": {"fault": dict},
    "clear": {},
    "end": {},
}
_ONE_OF = {"port": PORTS, "from": ("meter", "client"), "level": (0, 1)}


class TapeWriter:
    """Writes one tape. Every line is with the system when the call returns."""

    def __init__(self, path: str | Path, header: dict[str, Any]) -> None:
        """header: without `format`. Raises BoardError `tape-unusable`; none is overwritten."""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BoardError("tape-unusable", f"{path}: {error.strerror}") from None
        self._file = os.fdopen(handle, "wb", buffering=0)
        self._name = str(path)
        self._full: OSError | None = None
        self._put({**header, "format": FORMAT})

    def write(self, at_us: int, what: str, **fields: Any) -> None:
        self._put({"at_us": at_us, "what": what, **fields})

    def _put(self, line: dict[str, Any]) -> None:
        if self._full is None:
            try:
                self._file.write(_canonical(line))
            except OSError as error:  # a full disk is no reason for the bench to stop
                self._full = error

    def close(self, at_us: int) -> None:
        """Raises BoardError `tape-unusable` if something could not be written."""
        self.write(at_us, "end")
        self._file.close()
        if self._full:
            raise BoardError("tape-unusable", f"{self._name}: {self._full.strerror}")


@dataclass(frozen=True)
class Event:
    """One line. `fields` are those of its kind, `data` the bytes of a `bytes`."""

    at_us: int
    what: str
    fields: dict[str, Any]

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.fields["hex"])


class TapeReader:
    """Reads a tape: `header`, then `events` once. Use as a context manager.

    Raises BoardError `tape-unusable` (it cannot be opened), `tape-format` (it is no tape of a known
    version) or `tape-malformed` (with the line).
    """

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)
        self.whole = False  # whether it was stopped and not cut off; known after all events
        try:
            self._file: IO[bytes] = Path(path).open("rb")  # noqa: SIM115 (closed by __exit__)
        except OSError as error:
            raise BoardError("tape-unusable", f"{path}: {error.strerror}") from None
        self._line = 0
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> TapeReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def read_bytes(self) -> int:
        """How far the file has been read."""
        return self._file.tell()

    def _wrong(self, what: str) -> BoardError:
        return BoardError("tape-malformed", f"{self.name}:{self._line}: {what}")

    def _read_header(self) -> dict[str, Any]:
        line = self._next()
        if line is None or not str(line.get("format")).startswith("wattseal-tape/"):
            raise BoardError("tape-format", f"{self.name} is no tape")
        if line["format"] != FORMAT:
            raise BoardError("tape-format", f"{self.name} is {line['format']}, not {FORMAT}")
        self._check(line, _HEADER)
        return line

    def _next(self) -> dict[str, Any] | None:
        """The next whole line; None at the end."""
        data = self._file.readline(MAX_LINE_BYTES)
        self._line += 1
        if not data.endswith(b"\n"):
            if len(data) == MAX_LINE_BYTES:
                raise self._wrong("the line is too long")
            return None
        try:
            line = json.loads(data, parse_constant=_refuse)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict) or _canonical(line) != data:
            if self._line == 1:
                return None
            raise self._wrong("no canonical JSON object")
        return line

    def _check(self, line: dict[str, Any], fields: dict[str, type]) -> None:
        if set(line) != set(fields):
            raise self._wrong(f"there must be {', '.join(sorted(fields))}")
        for name, kind in fields.items():
            value = line[name]
            if type(value) is not kind or (name in _ONE_OF and value not in _ONE_OF[name]):
                raise self._wrong(f"{name} is {value!r}")

    def events(self) -> Iterator[Event]:
        last_us = self.header["at_us"]
        while (line := self._next()) is not None:
            if self.whole:
                raise self._wrong("there is more after the end")
            what = line.get("what")
            if not isinstance(what, str) or what not in _EVENTS:
                raise self._wrong(f"{what!r} is unknown")
            self._check(line, {"at_us": int, "what": str, **_EVENTS[what]})
            if line["at_us"] < last_us:
                raise self._wrong("time goes backwards")
            if what == "bytes" and not _is_hex(line["hex"]):
                raise self._wrong("no hexadecimal bytes")
            last_us = line["at_us"]
            self.whole = what == "end"
            yield Event(last_us, what, {name: line[name] for name in _EVENTS[what]})


def _refuse(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are no JSON, whatever Python reads


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and bool(text) and not text.strip("0123456789abcdef")


def _canonical(line: dict[str, Any]) -> bytes:
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
