"""One serial port of the board as a pty that any serial tool can open by its /dev/pts path.

The supervisor keeps the slave open, raw and without echo, so the port outlives its clients; it
watches opens and closes by inotify, because bytes sent while nobody listens are lost, as on a
wire, and must neither pile up for the next client nor make anybody wait.
"""

import ctypes
import os
import struct
import termios
import tty

ROOM_S = 2.0
_IN_CLOSE = 0x08 | 0x10
_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


class Pty:
    """A pty; `master` and `watch` are descriptors to poll, `path` is the client's end."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        self._rest()
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self._slave)
        libc = ctypes.CDLL(None, use_errno=True)
        self.watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        added = libc.inotify_add_watch(self.watch, self.path.encode(), _IN_OPEN | _IN_CLOSE)
        if self.watch < 0 or added < 0:
            raise OSError(ctypes.get_errno(), "inotify", self.path)
        self.clients = 0
        self.pending = bytearray()
        self._until_s = 0.0
        self._stalled = False

    def notice(self) -> None:
        """Count the opens and closes since the last call."""
        try:
            events = os.read(self.watch, 65536)
        except BlockingIOError:
            return
        at, closed = 0, False
        while at < len(events):
            _, mask, _, length = _EVENT.unpack_from(events, at)
            at += _EVENT.size + length
            if mask & _IN_OPEN:
                self.clients += 1
            elif mask & _IN_CLOSE:
                self.clients = max(0, self.clients - 1)
                closed = True
        if closed and self.clients == 0:
            self.drop()

    def drop(self) -> None:
        """Forget what nobody read."""
        self.pending.clear()
        self._stalled = False
        termios.tcflush(self._slave, termios.TCIFLUSH)
        self._rest()

    def _rest(self) -> None:
        """Raw, without echo, and at a speed that the next client is sure to change.

        A pty has no parity; the C library calls that an error (EINVAL) for a client that wants
        parity, but only when nothing else of what it asks for is a change.
        """
        tty.setraw(self._slave)
        modes = termios.tcgetattr(self._slave)
        modes[4] = modes[5] = termios.B50
        termios.tcsetattr(self._slave, termios.TCSANOW, modes)

    def send(self, data: bytes, now_s: float) -> None:
        """Towards the client; what finds no room stays in `pending` while the client reads."""
        self.notice()
        if self.clients:
            if not self.pending:
                self._until_s = now_s + ROOM_S
            self.pending += data
            self.push(now_s)

    def push(self, now_s: float) -> None:
        """Write as much of `pending` as there is room for.

        A client that leaves no room for ROOM_S has stalled: until it reads, all is lost on it.
        """
        while self.pending:
            try:
                sent = os.write(self.master, self.pending)
            except BlockingIOError:
                break
            del self.pending[:sent]
            self._until_s = now_s + ROOM_S
            self._stalled = False
        if self.pending and (self._stalled or now_s > self._until_s):
            self._stalled = True
            self.pending.clear()

    def receive(self) -> bytes:
        """What the client sent; empty if nothing."""
        try:
            return os.read(self.master, 65536)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        for fd in (self.watch, self.master, self._slave):
            os.close(fd)
