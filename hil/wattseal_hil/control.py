"""What another program may ask of a rig: one JSON object a line, and one for the answer.

    {"do": "status"}                  the answer to every request: clock, power, flash wear
    {"do": "hello"}                   name, features, ports and identity of the rig
    {"do": "run-until", "t": 1767312000}   as fast as the rig can; answered when it is so
    {"do": "sleep", "seconds": 60}    the same from now on
    {"do": "pace", "speed": 1}        time passes by itself from now on; null: it stands still
    {"do": "button"}                  press the pairing button for 0.2 s or "seconds" of board time
    {"do": "pin", "pin": 4}           its level, as "level"; with "level" 0 or 1: drive it
    {"do": "load", "watts": 1500}     a constant load from now on; or an appliance, by its kind:
    {"do": "load", "kind": "motor", "watts": 500, "power_factor": 0.6}     (see appliances.py)
    {"do": "energy", "from": T, "to": T}   energy drawn then, as "energy_wh"
    {"do": "power", "on": false}
    {"do": "reset"}
    {"do": "inject", "fault": {"fault": "bit-errors", "line": "utility", "rate": 0.001}}
    {"do": "clear"}                   no fault from now on
    {"do": "console", "from": 0}      what the firmware printed from that character on, as "text"
    {"do": "heap"}                    the least heap free since first asked, as "heap_low_bytes"
    {"do": "display"}                 what the display shows, as "text"; with "png": true, a picture
                                      as well, in base64
    {"do": "watch"}                   what the meter is doing (watch.py), where a board is served
    {"do": "record"}                  a tape of what happens from now on, kept by the rig
    {"do": "stop-recording"}
    {"do": "tape", "from": 0}         the tape of before, as "text" from that byte on; "" at its end

Answers: {"ok": true, "now_s": ..., "powered": ..., "programs": ..., "erases": ..., "failure": ...}
with what was asked for beside it, or {"ok": false, "code": ..., "detail": ...}. `powered` is null
where the supply cannot be switched. Beside the codes of wattseal_hil.errors: bad-request.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wattseal.errors import WattsealError

from wattseal_hil.rig.interface import (
    CUSTOMER_PORT,
    FLASH_WEAR,
    SUPPLY,
    TAPE,
    UTILITY_PORT,
    Rig,
)

MAX_LINE_BYTES = 4096
CHUNK = 1 << 16  # of a console or a tape in one answer

Request = dict[str, Any]
Entry = Callable[[Request], "dict[str, Any] | None"]


class BadRequest(WattsealError):
    """A line on the control socket that asks for nothing known."""


def _number(request: Request, name: str, default: float | None = None) -> float:
    value = request.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
        raise BadRequest("bad-request", f"{name} must be a number")
    return value


def _seconds(request: Request, default: float | None = None) -> float:
    value = _number(request, "seconds", default)
    if value < 0:
        raise BadRequest("bad-request", "seconds must not be negative")
    return value


def _whole(request: Request, name: str, low: int, high: int) -> int:
    value = request.get(name)
    if type(value) is not int or not low <= value <= high:
        raise BadRequest("bad-request", f"{name} must be a whole number, {low} to {high}")
    return value


class Control:
    """Does what control lines ask of one rig. `more`: requests of somebody else's, by name."""

    def __init__(self, rig: Rig, more: dict[str, Entry] | None = None) -> None:
        self.rig = rig
        self.tcp_ports: dict[str, int] = {}
        self._workdir: tempfile.TemporaryDirectory[str] | None = None
        self._entries: dict[str, Entry] = {
            "status": lambda request: None,
            "hello": self._hello,
            "run-until": lambda request: rig.sleep_until(_number(request, "t")),
            "sleep": lambda request: rig.sleep(_seconds(request)),
            "pace": self._pace,
            "button": lambda request: rig.press_button(_seconds(request, 0.2)),
            "pin": self._pin,
            "load": lambda request: rig.plug({n: request[n] for n in request if n != "do"}),
            "energy": self._energy,
            "power": self._power,
            "reset": lambda request: rig.reset(),
            "inject": self._inject,
            "clear": lambda request: rig.clear(),
            "console": self._console,
            "display": self._display,
            "heap": lambda request: {"heap_low_bytes": rig.heap_low_bytes()},
            "record": self._record,
            "stop-recording": lambda request: rig.stop_recording(),
            "tape": self._read_tape,
            **(more or {}),
        }

    def close(self) -> None:
        """Leave no tape behind. May be called twice."""
        if self._workdir:
            self._workdir.cleanup()

    def obey(self, line: bytes) -> dict[str, Any]:
        """Do what one line asks; the answer. Raises WattsealError."""
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            raise BadRequest("bad-request", "one JSON object a line")
        do = request.get("do")
        entry = self._entries.get(do) if isinstance(do, str) else None
        if entry is None:
            raise BadRequest("bad-request", f"do: {', '.join(self._entries)}")
        more = entry(request) or {}
        return {"ok": True, **self._state(), **more}

    def _state(self) -> dict[str, Any]:
        rig = self.rig
        failure = rig.failure
        state: dict[str, Any] = {
            "now_s": rig.now_s,
            "powered": rig.powered if SUPPLY in rig.features else None,
            "failure": {"code": failure.code, "detail": failure.detail} if failure else None,
        }
        return {**state, **(rig.wear() if FLASH_WEAR in rig.features else {})}

    def _hello(self, request: Request) -> dict[str, Any]:
        rig = self.rig
        ports = {}
        if CUSTOMER_PORT in rig.features:
            ports["customer"] = rig.customer_port
        if UTILITY_PORT in rig.features:
            ports["utility"] = rig.utility_port
        return {
            "rig": rig.name,
            "features": sorted(rig.features),
            "ports": ports,
            "tcp_ports": self.tcp_ports,
            "identity": rig.identity(),
        }

    def _pace(self, request: Request) -> None:
        self.rig.set_pace(None if request.get("speed", 0) is None else _number(request, "speed"))

    def _pin(self, request: Request) -> dict[str, Any]:
        pin = _whole(request, "pin", 0, 60)
        if "level" in request:
            self.rig.drive_pin(pin, _whole(request, "level", 0, 1))
        return {"level": self.rig.pin(pin)}

    def _energy(self, request: Request) -> dict[str, Any]:
        begin, end = _number(request, "from"), _number(request, "to")
        if end < begin:
            raise BadRequest("bad-request", "to must not be before from")
        return {"energy_wh": self.rig.load_energy_wh(begin, end)}

    def _power(self, request: Request) -> None:
        on = request.get("on")
        if on is True:
            self.rig.power_on()
        elif on is False:
            self.rig.power_off()
        else:
            raise BadRequest("bad-request", "on: true or false")

    def _inject(self, request: Request) -> None:
        fault = request.get("fault")
        if not isinstance(fault, dict):
            raise BadRequest("bad-request", "fault must be an object")
        self.rig.inject(fault)

    def _console(self, request: Request) -> dict[str, Any]:
        begin = _whole(request, "from", 0, 1 << 40)
        return {"text": self.rig.console[begin : begin + CHUNK]}

    def _display(self, request: Request) -> dict[str, Any]:
        shown = {"text": self.rig.display_text()}
        if request.get("png") is True:
            shown["png"] = base64.b64encode(self.rig.display_png()).decode()
        return shown

    def _record(self, request: Request) -> None:
        self.rig.require(TAPE)
        self.rig.stop_recording()
        if self._workdir is None:
            self._workdir = tempfile.TemporaryDirectory(prefix="wattseal-control-")
        self._tape().unlink(missing_ok=True)
        self.rig.record(self._tape())

    def _tape(self) -> Path:
        if self._workdir is None:
            raise BadRequest("bad-request", "there is no tape")
        return Path(self._workdir.name) / "tape"

    def _read_tape(self, request: Request) -> dict[str, Any]:
        begin = _whole(request, "from", 0, 1 << 40)
        try:
            with self._tape().open("rb") as file:
                file.seek(begin)
                data = file.read(CHUNK)
        except OSError:
            raise BadRequest("bad-request", "there is no tape") from None
        return {"text": data.decode("ascii", "replace")}
