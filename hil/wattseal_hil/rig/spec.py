"""Which rig: the words after --rig, or a section of an environment file, as data.

    emulated                    a meter in this process; nothing is needed
    esp32:/dev/ttyUSB0          a board on a USB cable (esp32, esp32s3, esp32c3)
    socket://host:port          a rig that `wattseal rig serve --listen HOST:PORT` serves
    unix:/path/of/control       one it serves on this machine

Options beyond these stand in an environment file (environment.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wattseal_hil.errors import BoardError

if TYPE_CHECKING:
    from wattseal_hil.rig.interface import Rig

CHIPS = ("esp32", "esp32s3", "esp32c3")
FORMS = "emulated, esp32:/dev/ttyUSB0, socket://host:port or unix:/path"


@dataclass(frozen=True)
class Emulated:
    """A meter emulated in this process; `options` are those of emulated.EmulatedRig."""

    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "emulated"


@dataclass(frozen=True)
class Board:
    """A real board: `device` is its USB cable, the ports are what pyserial opens, if any.

    `options` are those of real.RealRig.
    """

    chip: str
    device: str
    customer_port: str | None = None
    utility_port: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.chip}:{self.device}"


@dataclass(frozen=True)
class Served:
    """A rig that another process serves: `address` is (host, port) or a Unix socket's path."""

    address: tuple[str, int] | str

    def __str__(self) -> str:
        if isinstance(self.address, str):
            return f"unix:{self.address}"
        host, port = self.address
        return f"socket://[{host}]:{port}" if ":" in host else f"socket://{host}:{port}"


RigSpec = Emulated | Board | Served


def parse(text: str) -> RigSpec:
    """The rig that `text` names. Raises BoardError `rig-spec`."""
    kind, _, rest = text.partition(":")
    if text == "emulated":
        return Emulated()
    if kind in CHIPS and rest:
        return Board(kind, rest)
    if kind == "unix" and rest:
        return Served(rest)
    if kind == "socket" and rest.startswith("//"):
        return Served(address(rest[2:]))
    raise BoardError("rig-spec", f"{text!r} is no rig: {FORMS}")


def address(text: str) -> tuple[str, int]:
    """(host, port) of `host:port` or `[IPv6]:port`. Raises BoardError `rig-spec`."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise BoardError("rig-spec", f"{text!r} is not host:port")
    return host, int(port)


def open_rig(spec: RigSpec) -> Rig:
    """Make the rig: power off, console captured. Raises BoardError if it is not to be had."""
    if isinstance(spec, Emulated):
        from wattseal_hil.rig.emulated import EmulatedRig

        return EmulatedRig(**spec.options)
    if isinstance(spec, Served):
        from wattseal_hil.rig.remote import RemoteRig

        return RemoteRig(spec)
    from wattseal_hil.rig.real import RealRig

    return RealRig(spec)
