"""A rig for other programs: its ports and a control socket, until interrupted.

On standard output one JSON object on one line: `customer_port`, `utility_port`, `control` (path of
a Unix-domain stream socket), `vm` (the VM's own sys.implementation). On the control socket, one
JSON object a line each way, any number of connections: see control.py.

With an address to listen on, the same on TCP, for other machines and `--rig socket://host:port`:
control on that port, the customer's port on the next, the utility's on the one after (with port 0,
any free ones). The line then holds `listen`, `customer_url` and `utility_url` as well, which
pyserial opens. Nobody is asked who he is: listen where only those can reach who may.

Speed: a number lets board time pass at so many times real time; "max" lets it pass by `run-until`
only, in lock-step. `run-until` at a pace jumps ahead, then the pace goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import socketserver
import stat
import threading
from pathlib import Path
from typing import IO, Any

from wattseal.errors import WattsealError

from wattseal_hil.control import MAX_LINE_BYTES, Control, Entry
from wattseal_hil.errors import BoardError
from wattseal_hil.port_server import PortServer, listen
from wattseal_hil.rig.interface import CONSOLE, Rig
from wattseal_hil.rig.spec import Served

_CHECK_S = 0.2
_BAUD = {"customer": 115200, "utility": 19200}


class _Handler(socketserver.StreamRequestHandler):
    server: _UnixServer | _TcpServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client did not wait for it
            while line := self.rfile.readline(MAX_LINE_BYTES):
                try:
                    answer = self.server.control.obey(line)
                except WattsealError as error:
                    answer = {"ok": False, "code": error.code, "detail": error.detail}
                self.wfile.write(json.dumps(answer).encode() + b"\n")


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, control: Control) -> None:
        self.control = control
        if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):
            if _answers(path):
                raise BoardError("control-unusable", f"{path}: another rig is served there")
            path.unlink()  # left by a server that was killed
        try:
            super().__init__(str(path), _Handler)
        except OSError as error:
            reason = error.strerror or error
            raise BoardError("control-unusable", f"{path}: {reason}") from None
        os.chmod(path, 0o600)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_CHECK_S)
        try:
            probe.connect(str(path))
        except OSError as error:
            return isinstance(error, TimeoutError | BlockingIOError)  # its queue is full
    return True


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], control: Control) -> None:
        self.control = control
        super().__init__(address, _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listen(address)
        self.server_address = self.socket.getsockname()


class _Tcp:
    """The three TCP ports of a rig: control, customer, utility."""

    def __init__(self, rig: Rig, control: Control, address: tuple[str, int]) -> None:
        host, port = address
        self.ports: dict[str, PortServer] = {}
        self.control = _TcpServer(address, control)
        try:
            paths = {"customer": rig.customer_port, "utility": rig.utility_port}
            for number, (name, path) in enumerate(paths.items(), 1):
                place = (host, port and port + number)
                self.ports[name] = PortServer(path, _BAUD[name], place)
        except BaseException:
            self.close()
            raise
        control.tcp_ports = {name: server.port for name, server in self.ports.items()}
        threading.Thread(target=self.control.serve_forever, args=(_CHECK_S,), daemon=True).start()
        self.said = {"listen": str(Served((host, self.control.server_address[1])))}
        for name, server in self.ports.items():
            self.said[f"{name}_url"] = str(Served((host, server.port)))

    def close(self) -> None:
        self.control.server_close()
        for server in self.ports.values():
            server.close()


def _check_settings(rig: Rig) -> None:
    """The firmware goes on with its defaults, which is not what was asked for here."""
    if CONSOLE not in rig.features:
        return
    for line in rig.console.splitlines():
        if line.startswith("settings.json is refused"):
            raise BoardError("settings-refused", line.rpartition("hold: ")[2])


def _link(folder: Path, rig: Rig, stack: contextlib.ExitStack) -> None:
    """Names for the ports that are the same every time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, port in (("customer", rig.customer_port), ("utility", rig.utility_port)):
            link = folder / name
            if link.is_symlink():
                link.unlink()  # left by a server that was killed
            link.symlink_to(port)
            stack.callback(link.unlink, missing_ok=True)
    except OSError as error:
        raise BoardError("links-unusable", f"{folder}: {error.strerror or error}") from None


def serve(
    rig: Rig,
    speed: float | None,
    control_path: str | Path,
    out: IO[str],
    listen_on: tuple[str, int] | None = None,
    more: dict[str, Entry] | None = None,
    links: Path | None = None,
) -> None:
    """Power the board on, say where it is on `out`, and serve until SIGINT or SIGTERM.

    `speed` None means "max". `more`: further requests for the control socket. `links`: a folder,
    made where missing, in which `customer` and `utility` are links to the ports while this serves.
    Must run in the main thread. Raises BoardError if the board cannot be started, if the firmware
    stops by itself or refuses its settings, `control-unusable` or `links-unusable`.
    """
    path = Path(control_path)
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    with contextlib.ExitStack() as stack:
        for number, handler in previous.items():
            stack.callback(signal.signal, number, handler)
        rig.start()
        _check_settings(rig)
        control = Control(rig, more)
        stack.callback(control.close)
        server = _UnixServer(path, control)
        stack.callback(path.unlink, missing_ok=True)
        stack.callback(server.server_close)
        tcp = None
        if listen_on:
            tcp = _Tcp(rig, control, listen_on)
            stack.callback(tcp.close)
        if links:
            _link(links, rig, stack)
        if speed is not None:
            rig.set_pace(speed)
        threading.Thread(target=server.serve_forever, args=(_CHECK_S,), daemon=True).start()
        stack.callback(server.shutdown)
        if tcp:
            stack.callback(tcp.control.shutdown)
        line: dict[str, Any] = {
            "customer_port": rig.customer_port,
            "utility_port": rig.utility_port,
            "control": str(path),
            "vm": rig.identity().get("vm"),
            **(tcp.said if tcp else {}),
        }
        out.write(json.dumps(line) + "\n")
        out.flush()
        while not stop.wait(_CHECK_S):
            if rig.failure:
                raise rig.failure
