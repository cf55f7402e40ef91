"""The VM as a process: its start, descriptors, messages and end. Messages: PROTOCOL.md."""

import contextlib
import fcntl
import mmap
import os
import socket
import struct
import subprocess
from array import array
from pathlib import Path

from wattseal_hil.vm import Vm

SHIM = Path(__file__).parent / "shim"
UARTS = 2
SHARED_BYTES = 1 << 16
SAMPLES_AT = 64
WEAR_AT = 4160
FACTORY_AT = 16384
HEAP_AT = 32768
WATCH_AT = 63
FLASH_WATCHED_AT = 61
FILL_AT = 60
TICKS = 1 << 30
FIRST_TICK_US = TICKS - 30_000_000
MAX_GRANT_US = 120_000_000
EPOCH_2000_S = 946_684_800
_PIPE_BYTES = 1 << 18


class SharedMemory:
    """Pin levels, ADC samples and flash counters; lives as long as the board."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("wattseal-board", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, SHARED_BYTES)
        self.memory = mmap.mmap(self.fd, SHARED_BYTES)

    def put_samples(self, block: bytes) -> None:
        self.memory[SAMPLES_AT : SAMPLES_AT + len(block)] = block

    def put_factory(self, microvolts: bytes) -> None:
        """What read_uv() answers for each of the 4096 codes, 32 bits each."""
        self.memory[FACTORY_AT : FACTORY_AT + len(microvolts)] = microvolts

    def level(self, pin: int) -> int:
        return self.memory[pin]

    def set_level(self, pin: int, level: int) -> None:
        self.memory[pin] = level

    def watch_heap(self) -> None:
        self.memory[HEAP_AT : HEAP_AT + 4] = b"\xff\xff\xff\xff"
        self.memory[WATCH_AT] = 1

    def heap_low_bytes(self) -> int:
        return int.from_bytes(self.memory[HEAP_AT : HEAP_AT + 4], "little")

    def wear(self, blocks: int) -> tuple[list[int], list[int]]:
        """Programs and erases of each block."""
        counts = array("I", self.memory[WEAR_AT : WEAR_AT + 8 * blocks]).tolist()
        return counts[:blocks], counts[blocks:]

    def close(self) -> None:
        """Unmap it. May be called twice."""
        if not self.memory.closed:
            self.memory.close()
            os.close(self.fd)


class VmProcess:
    """One run of the VM, from power-on to power-off."""

    def __init__(
        self,
        vm: Vm,
        *,
        heap_bytes: int,
        shared: SharedMemory,
        flash: Path,
        blocks: int,
        firmware: Path,
        shim: Path,
        rtc_us: int,
        seed: str,
        unique_id: str,
        settings: str,
        conversion_us: int,
        calibration: str,
        wiring: str,
    ) -> None:
        """Start it. `rtc_us`: clock in us since 2000; `seed`, `unique_id`: hexadecimal.

        `firmware` and `shim` are directories, or ROMFS images that are run in place.
        """
        ours, theirs = socket.socketpair()
        self.control = ours
        self.rx: list[int] = []  # written by us
        self.tx: list[int] = []  # read by us
        child_fds: list[int] = []
        for _ in range(UARTS):
            for mine, end in ((self.rx, 1), (self.tx, 0)):
                pipe = os.pipe()
                mine.append(pipe[end])
                child_fds.append(pipe[1 - end])
                fcntl.fcntl(pipe[0], fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
                os.set_blocking(pipe[end], False)
            os.set_blocking(child_fds[-2], False)
        flash_fd = os.open(flash, os.O_RDWR)
        image_fds: list[int] = []

        def place(path: Path) -> str:
            if path.is_dir():
                return str(path)
            image_fds.append(os.open(path, os.O_RDWR))
            return f"{image_fds[-1]},{path.stat().st_size}"

        self.console, console_end = os.pipe()
        os.set_blocking(self.console, False)
        seconds, us = divmod(rtc_us, 1_000_000)
        arguments = [
            *map(str, (theirs.fileno(), shared.fd, seconds, us, *child_fds)),
            *(seed, unique_id, str(flash_fd), str(blocks), place(firmware), settings),
            *(str(conversion_us), calibration, wiring, place(shim)),
        ]
        # In a session of its own: an interrupt from the terminal is ours to handle, not the VM's.
        self.process = subprocess.Popen(
            [*vm.argv, "-X", f"heapsize={heap_bytes}", str(SHIM / "load.py")],
            stdin=subprocess.PIPE,
            stdout=console_end,
            stderr=console_end,
            pass_fds=[theirs.fileno(), shared.fd, flash_fd, *child_fds, *image_fds],
            env={"MICROPYPATH": ".frozen", "TZ": "UTC", "PATH": os.defpath},
            start_new_session=True,
        )
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError), self.process.stdin as stdin:
            stdin.write("\0".join(arguments).encode())
        theirs.close()
        for fd in (console_end, flash_fd, *child_fds, *image_fds):
            os.close(fd)
        self.serial = 0
        self.tick_us = FIRST_TICK_US

    def receive(self) -> tuple[str, bool, int] | None:
        """Next message: kind, whether it answers our last one, us since the last; None at the end.

        Blocks until there is one.
        """
        message = self._read(6)
        if message is None:
            return None
        tick_us = int.from_bytes(message[2:], "big")
        passed_us = (tick_us - self.tick_us) % TICKS
        self.tick_us = tick_us
        return chr(message[0]), message[1] == self.serial, passed_us

    def receive_clock_us(self) -> int:
        """The 8 bytes after an `R`."""
        return int.from_bytes(self._read(8) or b"", "big")

    def receive_transfer(self) -> tuple[int, bytes] | None:
        """What follows a `W` or a `T`: address, and data (none: an erase of the flash)."""
        head = self._read(6)
        data = self._read(int.from_bytes(head[4:], "big")) if head else None
        return None if head is None or data is None else (int.from_bytes(head[:4], "big"), data)

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                more = self.control.recv(size - len(data))
            except ConnectionResetError:
                return None
            if not more:
                return None
            data += more
        return data

    def _send(self, kind: bytes, pin: int = 0, tick_us: int = 0) -> None:
        self.serial = (self.serial + 1) & 255
        with contextlib.suppress(BrokenPipeError):  # ended: the next `receive` says so
            self.control.sendall(struct.pack(">cBI", kind, pin, tick_us))

    def grant(self, us: int) -> None:
        """Let at most `us` pass from the time of the last message on."""
        self._send(b"G", 0, (self.tick_us + us) % TICKS)

    def samples_done(self) -> None:
        self._send(b"D")

    def transfer_answer(self, kind: bytes) -> None:
        """Answer a `W` or a `T`: D, E or N."""
        self._send(kind)

    def pin_moved(self, pin: int, level: int) -> None:
        self._send(b"P", pin, level)

    def clock_jumps(self, by_s: int) -> None:
        """The real-time clock jumps by so many seconds, below 2^32 either way."""
        self._send(b"C", by_s < 0, abs(by_s))

    def write_port(self, number: int, data: bytes) -> None:
        """Towards the firmware; as on a wire, what overruns the pipe's 256 KiB is lost."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self.rx[number], data)

    def read_port(self, number: int) -> bytes:
        return _available(self.tx[number])

    def read_console(self) -> bytes:
        return _available(self.console)

    def end(self) -> int:
        """Cut the power if it is still on, reap, close; the exit status (negative: a signal)."""
        self.process.kill()
        status = self.process.wait()
        self.control.close()
        for fd in (*self.rx, *self.tx, self.console):
            os.close(fd)
        return status


def _available(fd: int) -> bytes:
    data = b""
    while True:
        try:
            more = os.read(fd, 1 << 16)
        except BlockingIOError:
            return data
        if not more:
            return data
        data += more
