"""A board with MicroPython on a pseudo-terminal: its console as mpremote uses it, its files, and
the firmware on them.

The console's bytes are this file's; code that arrives is run by a real MicroPython on a LittleFS in
a flash image (repl_vm.py). After a reset the firmware that lies on that same image runs on an
emulated board, until Ctrl-C. `ports` lead to the emulated board.
"""

from __future__ import annotations

import os
import pty
import select
import subprocess
import threading
import tty
from pathlib import Path

from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.vm import find_vm

BANNER = b"MicroPython v1.25.0 on 2025-04-15; %s\r\nType \"help()\" for more information.\r\n>>> "
RAW = b"raw REPL; CTRL-B to exit\r\n>"
ROM = b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
WINDOW = 128
_STARTER = """
import os, sys
sys.path[:] = ["", ".frozen", "/lib"]
os.chdir("/")
for name in ("boot.py", "main.py"):
    execfile("/" + name)
"""


class ReplPeer:
    """`port` is the console; `customer_port`, `utility_port` the meter's while it runs.

    machine: what the image calls itself. dead: the console never answers. paste: whether
    it knows raw-paste mode.
    """

    def __init__(
        self,
        workdir: Path,
        chip: str = "esp32",
        machine: str = "Generic ESP32 module with ESP32",
        dead: bool = False,
        cut_after: int | None = None,
        paste: bool = True,
    ) -> None:
        self.machine, self.dead, self.paste = machine, dead, paste
        self.cut_after = cut_after  # requests after which the cable is pulled
        self.failure: BaseException | None = None
        self.executed: list[bytes] = []
        self._heard = workdir / "heard"
        starter = workdir / "starter"
        starter.mkdir(exist_ok=True)
        (starter / "main.py").write_text(_STARTER)
        self.board = EmulatedBoard(
            workdir=workdir / "board", firmware=starter, chip=chip, load=ConstantLoad(1000)
        )
        self.customer_port, self.utility_port = self.board.customer_port, self.board.utility_port
        self._image = self.board.workdir / "flash.bin"
        self._vm: subprocess.Popen[bytes] | None = None
        self._printed = 0
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._mode = self._friendly
        self._buffer = b""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> ReplPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        os.close(self._slave)
        os.close(self._master)
        self._end_vm()
        self.board.close()
        if self.failure:
            raise self.failure

    @property
    def heard(self) -> str:
        """What the board's watchdog and clock were told."""
        return self._heard.read_text() if self._heard.exists() else ""

    def run(self, code: str) -> str:
        """Run code on the board by the back door; the firmware must not be running."""
        output, error = self._execute(code.encode())
        assert not error, error
        return output.decode()

    # The line

    def _serve(self) -> None:
        try:
            while not self._stop.is_set():
                ready = select.select([self._master], [], [], 0.02)[0]
                if ready:
                    for byte in os.read(self._master, 4096):
                        if not self.dead:
                            self._mode(byte)
                elif self._mode == self._running:
                    self._show_console()
        except OSError:
            return
        except BaseException as failure:
            self.failure = failure

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._master, view) :]

    # The firmware

    def _start(self) -> None:
        """A reset: the firmware runs, if there is any."""
        self._end_vm()
        self._send(ROM)
        if "main.py" not in self.run("import os; print(os.listdir('/'))"):
            self._mode = self._friendly
            self._send(BANNER % self.machine.encode())
            return
        self._end_vm()
        self._mode = self._running
        try:
            self.board.power_on()
            self.board.set_pace(1)
        except BoardError:
            pass  # what it says is on the console
        self._show_console()
        if self.board.failure:
            self._mode = self._friendly
            self._send(BANNER % self.machine.encode())

    def _show_console(self) -> None:
        text = self.board.console
        self._send(text[self._printed :].replace("\n", "\r\n").encode())
        self._printed = len(text)

    def _running(self, byte: int) -> None:
        if byte == 3:
            self.board.set_pace(None)
            self.board.power_off()
            self._show_console()
            self._mode = self._friendly
            self._send(b"Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n")
            self._send(BANNER % self.machine.encode())

    # The prompts

    def _friendly(self, byte: int) -> None:
        if byte == 1:
            self._mode, self._buffer = self._raw, b""
            self._send(RAW)
        elif byte == 4:
            self._send(b"\r\nMPY: soft reboot\r\n")
            self._start()
        elif byte in (3, 13):
            self._send(b"\r\n>>> ")

    def _raw(self, byte: int) -> None:
        if self._buffer == b"\x05A" and byte == 1 and self.paste:
            self._mode, self._buffer = self._paste, b""
            self._send(b"R\x01" + WINDOW.to_bytes(2, "little") + b"\x01")
        elif byte == 1:
            self._buffer = b""
            self._send(RAW)
        elif byte == 2:
            self._mode = self._friendly
            self._send(b"\r\n" + BANNER % self.machine.encode())
        elif byte == 3:
            self._buffer = b""
        elif byte == 4 and not self._buffer:
            self._end_vm()
            self._send(b"OK\r\nMPY: soft reboot\r\n" + RAW)
        elif byte == 4:
            self._send(b"OK")
            self._answer(self._buffer)
        else:
            if byte == 13:
                return
            self._buffer += bytes([byte])

    def _paste(self, byte: int) -> None:
        if byte == 4:
            self._mode = self._raw
            self._send(b"\x04")
            self._answer(self._buffer)
            return
        self._buffer += bytes([byte])
        if len(self._buffer) % WINDOW == 0:
            self._send(b"\x01")

    def _answer(self, code: bytes) -> None:
        self._buffer = b""
        self.executed.append(code)
        if self.cut_after is not None and len(self.executed) > self.cut_after:
            self.dead = True
            return
        output, error = self._execute(code)
        if output is None:
            self._start()
        else:
            self._send(output + b"\x04" + error + b"\x04>")

    # The interpreter

    def _execute(self, code: bytes) -> tuple[bytes | None, bytes]:
        """(output, error); (None, b"") if the board was reset."""
        if self._vm is None:
            arguments = [str(self._image), self.machine, str(self._heard)]
            self._vm = subprocess.Popen(
                [*find_vm().argv, str(Path(__file__).with_name("repl_vm.py")), *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        vm = self._vm
        assert vm.stdin and vm.stdout
        vm.stdin.write(b"%d\n" % len(code) + code)
        vm.stdin.flush()
        parts = b""
        while parts.count(b"\x04") < 2:
            more = os.read(vm.stdout.fileno(), 65536)
            if not more:
                assert vm.wait() == 3, f"the interpreter ended: {parts!r}"
                self._vm = None
                return None, b""
            parts += more
        output, error, _ = parts.split(b"\x04")
        return output.replace(b"\n", b"\r\n"), error

    def _end_vm(self) -> None:
        if self._vm:
            assert self._vm.stdin and self._vm.stdout
            self._vm.stdin.close()
            self._vm.wait()
            self._vm.stdout.close()
            self._vm = None
