"""A rig that another process serves (`wattseal rig serve`), here or on another machine.

Its features are those of the rig behind it. Over TCP its ports are socket:// addresses on the same
host; over a Unix socket, the devices themselves.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.loads import ConstantLoad, Load
from wattseal_hil.rig.interface import (
    BUTTON,
    CONSOLE,
    CUSTOMER_PORT,
    DISPLAY,
    FEATURES,
    FLASH_WEAR,
    HEAP,
    LOAD,
    LOAD_ENERGY,
    PINS,
    RESET,
    SUPPLY,
    TAPE,
    UTILITY_PORT,
    VIRTUAL_TIME,
    Rig,
)
from wattseal_hil.rig.spec import Served

CONNECT_S = 5.0
_LONGEST_ANSWER = 1 << 20


class RemoteRig(Rig):
    """One connection to a control socket. Raises BoardError: rig-unreachable, rig-gone, and those
    of the rig at the other end, by their own codes."""

    def __init__(self, spec: Served) -> None:
        self.name = str(spec)
        self._one_at_a_time = threading.Lock()
        self._recording: Path | None = None
        self._socket = _connect(spec)
        self._file = self._socket.makefile("rb")
        try:
            hello = self._ask("hello")
            self.features = frozenset(hello["features"]) & FEATURES
            self._identity = dict(hello["identity"])
            self._ports = _ports(spec, hello)
        except (KeyError, TypeError, ValueError):
            self.close()
            raise BoardError("rig-unreachable", f"{spec} is no rig of this version") from None
        except BoardError:
            self.close()
            raise
        if set(self._ports) < {"customer", "utility"}:
            missing = {"customer": CUSTOMER_PORT, "utility": UTILITY_PORT}
            self.features -= {missing[name] for name in missing if name not in self._ports}

    def close(self) -> None:
        """Disconnect. The rig goes on as it is."""
        self._file.close()
        self._socket.close()

    def _ask(self, do: str, **details: Any) -> dict[str, Any]:
        request = json.dumps({"do": do, **details}).encode() + b"\n"
        with self._one_at_a_time:
            try:
                self._socket.sendall(request)
                line = self._file.readline(_LONGEST_ANSWER)
            except (OSError, ValueError) as error:
                raise BoardError("rig-gone", f"{self.name}: {error}") from None
        try:
            answer = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise BoardError("rig-gone", f"{self.name} ended the connection")
        if answer.get("ok") is not True:
            raise BoardError(str(answer.get("code")), str(answer.get("detail")))
        return answer

    def _do(self, feature: str, do: str, **details: Any) -> dict[str, Any]:
        self.require(feature)
        return self._ask(do, **details)

    def identity(self) -> dict[str, Any]:
        return self._identity

    @property
    def customer_port(self) -> str:
        self.require(CUSTOMER_PORT)
        return self._ports["customer"]

    @property
    def utility_port(self) -> str:
        self.require(UTILITY_PORT)
        return self._ports["utility"]

    @property
    def console(self) -> str:
        self.require(CONSOLE)
        text = ""
        while more := self._ask("console", **{"from": len(text)})["text"]:
            text += more
        return text

    @property
    def now_s(self) -> float:
        return float(self._ask("status")["now_s"])

    def sleep(self, seconds: float) -> None:
        self._ask("sleep", seconds=seconds)

    def sleep_until(self, t_s: float) -> None:
        self._ask("run-until", t=t_s)

    def set_pace(self, speed: float | None) -> None:
        self._do(VIRTUAL_TIME, "pace", speed=speed)

    @property
    def powered(self) -> bool:
        return self._do(SUPPLY, "status")["powered"] is True

    def power_on(self) -> None:
        self._do(SUPPLY, "power", on=True)

    def power_off(self) -> None:
        self._do(SUPPLY, "power", on=False)

    def reset(self) -> None:
        self._do(RESET, "reset")

    @property
    def failure(self) -> BoardError | None:
        failure = self._ask("status").get("failure")
        return BoardError(failure["code"], failure["detail"]) if failure else None

    def press_button(self, seconds: float = 0.2) -> None:
        self._do(BUTTON, "button", seconds=seconds)

    def drive_pin(self, pin: int, level: int) -> None:
        self._do(PINS, "pin", pin=pin, level=level)

    def pin(self, pin: int) -> int:
        return int(self._do(PINS, "pin", pin=pin)["level"])

    def plug(self, load: Load | float | Mapping[str, Any]) -> None:
        self.require(LOAD)
        if isinstance(load, Mapping):
            self._ask("load", **load)
        elif isinstance(load, int | float):
            self._ask("load", watts=load)
        elif type(load) is ConstantLoad:
            self._ask("load", watts=load.watts)
        else:
            raise BoardError("load-local", "a rig elsewhere takes watts or a description")

    def load_energy_wh(self, from_s: float, to_s: float) -> float:
        return float(self._do(LOAD_ENERGY, "energy", **{"from": from_s, "to": to_s})["energy_wh"])

    def inject(self, fault: Mapping[str, Any]) -> None:
        self._ask("inject", fault=dict(fault))

    def clear(self) -> None:
        self._ask("clear")

    def wear(self) -> dict[str, int]:
        answer = self._do(FLASH_WEAR, "status")
        return {"programs": answer["programs"], "erases": answer["erases"]}

    def heap_low_bytes(self) -> int:
        return int(self._do(HEAP, "heap")["heap_low_bytes"])

    def display_text(self) -> str:
        return str(self._do(DISPLAY, "display")["text"])

    def display_png(self) -> bytes:
        return base64.b64decode(self._do(DISPLAY, "display", png=True)["png"])

    def watch(self) -> dict[str, Any]:
        """What the meter there is doing (watch.py). BoardError `bad-request` of an older rig."""
        answer = self._ask("watch")
        return {name: value for name, value in answer.items() if name != "ok"}

    def record(self, tape_path: str | Path) -> None:
        """The tape is written where the rig is, and fetched when it is stopped."""
        self._do(TAPE, "record")
        self._recording = Path(tape_path)

    def stop_recording(self) -> None:
        if self._recording is None:
            return
        path, self._recording = self._recording, None
        self._ask("stop-recording")
        with path.open("w", encoding="ascii", newline="") as file:
            begin = 0
            while text := self._ask("tape", **{"from": begin})["text"]:
                begin += file.write(text)


def _connect(spec: Served) -> socket.socket:
    try:
        if not isinstance(spec.address, str):
            connected = socket.create_connection(spec.address, CONNECT_S)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            connected = socket.socket(socket.AF_UNIX)
            connected.settimeout(CONNECT_S)
            connected.connect(spec.address)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BoardError("rig-unreachable", f"{spec}: {reason}") from None
    connected.settimeout(None)  # a long run takes as long as it takes
    return connected


def _ports(spec: Served, hello: dict[str, Any]) -> dict[str, str]:
    if isinstance(spec.address, str):
        return {str(name): str(path) for name, path in hello["ports"].items()}
    host = spec.address[0]
    return {str(name): str(Served((host, int(port)))) for name, port in hello["tcp_ports"].items()}
