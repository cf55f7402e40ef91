"""A serial port on TCP: the bytes as they are, for socket://host:port and raw-TCP integrations.

Every client hears everything, and each may speak. The serial port is open while anybody is
connected, so that a meter with nobody at the other end notices as little as on a wire. A client
that does not read makes the line wait, as long as the line does (an emulated one for 2 s).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

from wattseal_hil.errors import BoardError

_BACKLOG_BYTES = 1 << 18
_CHUNK = 1 << 16


class PortServer:
    """Relays between the device at `path` and TCP clients of `address`; port 0: any free one.

    parity: E or N; a pseudo-terminal has none. tap(to_meter, data): told of all that passes, in the
    relay's own thread.
    """

    def __init__(
        self,
        path: str,
        baud: int,
        address: tuple[str, int],
        parity: str = "N",
        tap: Callable[[bool, bytes], None] | None = None,
    ) -> None:
        self._path = path
        self._baud = baud
        self._parity = "N" if os.path.realpath(path).startswith("/dev/pts/") else parity
        self._tap = tap
        self._listener = listen(address)
        self.port: int = self._listener.getsockname()[1]
        self._clients: dict[socket.socket, bytearray] = {}
        self._line: Any = None
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = os.pipe()
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="wattseal-port", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End every connection."""
        os.write(self._wake_w, b"!")
        self._thread.join()
        for client in list(self._clients):
            self._drop(client)
        self._listener.close()
        self._selector.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _run(self) -> None:
        while True:
            for key, events in self._selector.select():
                if key.fileobj == self._wake_r:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._line:
                    self._from_line()
                elif key.fileobj in self._clients:
                    self._serve(key.fileobj, events)
            self._register()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._line is None and not self._open():
                client.close()
                return
            self._clients[client] = bytearray()
            self._selector.register(client, selectors.EVENT_READ)

    def _open(self) -> bool:
        import serial

        try:
            self._line = serial.Serial(
                self._path, self._baud, parity=self._parity, timeout=0, exclusive=False
            )
        except (OSError, ValueError):
            return False
        self._selector.register(self._line, selectors.EVENT_READ)
        return True

    def _from_line(self) -> None:
        try:
            data = os.read(self._line.fileno(), _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            for client in list(self._clients):
                self._drop(client)
            return
        if self._tap:
            self._tap(False, data)
        for client, backlog in list(self._clients.items()):
            backlog += data
            self._send(client)

    def _serve(self, client: socket.socket, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._send(client)
        if events & selectors.EVENT_READ and client in self._clients:
            try:
                data = client.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._drop(client)
            elif self._line is not None:
                if self._tap:
                    self._tap(True, data)
                with contextlib.suppress(OSError):
                    self._line.write(data)

    def _send(self, client: socket.socket) -> None:
        backlog = self._clients[client]
        try:
            del backlog[: client.send(backlog)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        self._selector.unregister(client)
        client.close()
        if not self._clients and self._line is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(self._line)
            self._line.close()
            self._line = None

    def _register(self) -> None:
        """Listen for room where something waits; read on only while all have some."""
        for client, backlog in self._clients.items():
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if backlog else 0)
            self._selector.modify(client, wanted)
        if self._line is not None:
            room = all(len(backlog) < _BACKLOG_BYTES for backlog in self._clients.values())
            reading = self._line in self._selector.get_map()
            if room and not reading:
                self._selector.register(self._line, selectors.EVENT_READ)
            elif reading and not room:
                self._selector.unregister(self._line)


def listen(address: tuple[str, int]) -> socket.socket:
    """A listening TCP socket. Raises BoardError `control-unusable`."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise BoardError("control-unusable", f"{host}:{port}: {reason}") from None
    return listener
