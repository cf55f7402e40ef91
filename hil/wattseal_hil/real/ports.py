"""Serial ports: which there are, and why one cannot be opened, said so that it can be mended."""

import errno
import fcntl
import grp
import os
from collections.abc import Iterator
from dataclasses import dataclass

from wattseal_hil.errors import BoardError

# Vendors of the bridges on Espressif's boards, and Espressif itself (the chip's own USB).
_ESPRESSIF = 0x303A
_VENDORS = {0x10C4: "CP210x", 0x1A86: "CH340", 0x0403: "FT232", _ESPRESSIF: "ESP32's own USB"}


@dataclass(frozen=True)
class PortFound:
    """A serial port that may lead to a board."""

    device: str
    bridge: str


def candidates() -> list[PortFound]:
    """USB serial ports with a bridge that ESP32 boards have."""
    from serial.tools.list_ports import comports

    return [PortFound(x.device, _VENDORS[x.vid]) for x in sorted(comports()) if x.vid in _VENDORS]


def is_own_usb(port: str) -> bool:
    """Whether a port is the chip's own USB, without a bridge."""
    from serial.tools.list_ports import comports

    device = os.path.realpath(port)
    return any(x.vid == _ESPRESSIF and os.path.realpath(x.device) == device for x in comports())


def check_port(port: str) -> None:
    """Raise BoardError if a port cannot be had: port-missing, port-denied, port-busy.

    Addresses with a scheme (socket://, rfc2217://) are left to whoever opens them.
    """
    if "://" in port:
        return
    if not os.path.exists(port):
        found = ", ".join(x.device for x in candidates()) or "none"
        raise BoardError("port-missing", f"{port} is not there; USB serial ports found: {found}. "
                         "Is the board plugged in, with a cable that carries data?")
    try:
        fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except PermissionError:
        raise BoardError("port-denied", _denied(port)) from None
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise _busy(port) from None
        raise BoardError("port-missing", f"{port}: {error.strerror}") from None
    try:
        if not os.isatty(fd):
            raise BoardError("port-missing", f"{port} is no serial port")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(port) from None
    finally:
        os.close(fd)


def _denied(port: str) -> str:
    try:
        group = grp.getgrgid(os.stat(port).st_gid).gr_name
    except KeyError:
        group = "dialout"
    return (f"no permission to open {port}: run 'sudo usermod -aG {group} $USER' and log in again")


def _busy(port: str) -> BoardError:
    holders = ", ".join(sorted(set(_holders(os.path.realpath(port))))) or "another program"
    return BoardError("port-busy", f"{port} is in use by {holders}; close it first")


def _holders(device: str) -> Iterator[str]:
    """Names and numbers of other processes that have the device open, as far as we may look."""
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        if int(pid) == os.getpid():
            continue
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{fd}") == device:
                    with open(f"/proc/{pid}/comm") as file:
                        yield f"{file.read().strip()} ({pid})"
        except OSError:
            continue
