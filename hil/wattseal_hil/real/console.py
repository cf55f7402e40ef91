"""The console of a board with MicroPython, by mpremote's own transport.

Whoever enters stops the firmware: the meter measures nothing until `restart`. Its watchdog runs on
at the prompt and would pull the board out of an answer, so it is given ten minutes; a board whose
cable is pulled meanwhile starts again by itself.
"""

import ast
import binascii
import contextlib
import io
import re
import time
from types import TracebackType
from typing import Any, NamedTuple

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from wattseal.errors import Malformed
from wattseal.p256 import decode_point
from wattseal.record import meter_id

from wattseal_hil.errors import BoardError
from wattseal_hil.real.ports import check_port

BAUD = 115200
START_S = 40.0  # a long log is looked through at boot
_ENTER_S = 6.0
_ATTEMPTS = 3
_PATIENCE_MS = 600_000
_CHUNK = 1536
_START = re.compile(
    rb"meter ([0-9a-f]{32}) boot (\d+) record (\d+) self-test (\d+) key ([0-9a-f]{66})\r?\n"
)
_PROMPT = b'Type "help()"'
_TROUBLE = (
    b"Traceback (most recent call last):", b"flash fails, starting again", b"deploying was cut",
    _PROMPT,
)  # fmt: skip


class Started(NamedTuple):
    """What the firmware says of itself as it starts; `said`: all of the console until then."""

    meter: str
    key: str
    boot: int
    records: int
    self_test: int
    said: str


class Console:
    """A board's prompt. Raises BoardError: port-missing, port-denied, port-busy, console-silent."""

    def __init__(self, port: str, baud: int = BAUD) -> None:
        check_port(port)
        self.port = port
        try:
            self._line: Any = SerialTransport(port, baudrate=baud, timeout=1)
        except (TransportError, OSError) as error:
            raise BoardError("port-busy", f"{port}: {error}") from None
        try:
            self._enter()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Console":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Let go of the port; the board stays as it is."""
        with contextlib.suppress(OSError):
            self._line.close()

    def _enter(self) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                with contextlib.redirect_stdout(io.StringIO()):  # it prints what it saw
                    self._line.enter_raw_repl(timeout_overall=_ENTER_S)
                break
            except TransportError:
                if attempt == _ATTEMPTS - 1:
                    raise BoardError(
                        "console-silent", f"{self.port}: no MicroPython prompt. Press EN (RESET) "
                        "and try again; is MicroPython on the board (wattseal rig flash), and is "
                        "this the port of its console?"
                    ) from None
        self.run(f"import machine\nmachine.WDT(timeout={_PATIENCE_MS})\ndel machine")

    def run(self, code: str) -> str:
        """Run code on the board; what it printed. BoardError `board-raised`, with its last line,
        or `console-silent`."""
        try:
            return str(self._line.exec(code).decode("utf-8", "replace"))
        except TransportExecError as error:
            lines = str(error.error_output).strip().splitlines() or ["no reason given"]
            raise BoardError("board-raised", lines[-1]) from None
        except (TransportError, OSError) as error:
            raise BoardError("console-silent", f"{self.port}: {error}") from None

    def value(self, code: str) -> Any:
        """What an expression is on the board: a literal of numbers, texts, tuples, and the like."""
        try:
            return ast.literal_eval(self.run(f"print(repr({code}))").strip())
        except (ValueError, SyntaxError):
            raise BoardError("board-raised", f"{code[:60]} gave no value") from None

    def write(self, path: str, data: bytes) -> None:
        """Make a file of `data`, a piece at a time."""
        self.run(f"from binascii import a2b_base64 as a\nf=open({path!r},'wb')\nw=f.write")
        for at in range(0, len(data), _CHUNK):
            piece = binascii.b2a_base64(data[at : at + _CHUNK], newline=False).decode()
            self.run(f"w(a('{piece}'))")
        self.run("f.close()\ndel f,w,a")

    def hashes(self, folders: tuple[str, ...], files: tuple[str, ...]) -> dict[str, str]:
        """{path: SHA-256} of the plain files in some folders of the root, and of some files."""
        return dict(self.value_of(_HASHES % (folders, files)))

    def value_of(self, code: str) -> Any:
        """The literal that a script prints last."""
        try:
            return ast.literal_eval(self.run(code).strip().splitlines()[-1])
        except (ValueError, SyntaxError, IndexError):
            raise BoardError("board-raised", "an unexpected answer") from None

    def restart(self, timeout_s: float = START_S) -> Started:
        """Reset the board and wait until the firmware says what it is.

        Raises BoardError `meter-stopped` with the console's last lines, or `meter-silent`.
        """
        try:
            self._line.exec_raw_no_follow("import machine\nmachine.reset()")
            self._line.in_raw_repl = False
            return self._started(timeout_s)
        except (TransportError, OSError) as error:
            raise BoardError("console-silent", f"{self.port}: {error}") from None

    def _started(self, timeout_s: float) -> Started:
        said, deadline_s = b"", time.monotonic() + timeout_s
        serial = self._line.serial
        serial.timeout = 0.1
        while time.monotonic() < deadline_s:
            said += self._more(serial)
            found = _START.search(said)
            if found:
                return _checked(found, said)
            if any(word in said for word in _TROUBLE):
                time.sleep(0.5)
                said += self._more(serial)
                if _PROMPT in said and b"Traceback" not in said:
                    said += b"\nthere is nothing to start: no main.py"
                raise BoardError("meter-stopped", _tail(said))
        raise BoardError("meter-silent", f"not started after {timeout_s:.0f} s: {_tail(said)}")

    def _more(self, serial: Any) -> bytes:
        try:
            return bytes(serial.read(max(1, serial.in_waiting)))
        except OSError:
            # The chip's own USB goes away with a reset, and comes back.
            time.sleep(0.2)
            with contextlib.suppress(OSError):
                serial.close()
                serial.open()
            return b""


_HASHES = """
import os, hashlib, binascii
def h(p):
 s = hashlib.sha256()
 b = bytearray(512)
 with open(p, 'rb') as f:
  while True:
   n = f.readinto(b)
   if not n: break
   s.update(memoryview(b)[:n])
 return binascii.hexlify(s.digest()).decode()
r = []
for d in %r:
 try:
  e = list(os.ilistdir(d))
 except OSError:
  continue
 for x in e:
  if x[1] == 0x8000: r.append((d + '/' + x[0], h(d + '/' + x[0])))
for p in %r:
 try:
  r.append((p, h(p)))
 except OSError: pass
print(repr(r))
"""


def _checked(found: re.Match[bytes], said: bytes) -> Started:
    meter, boot, records, passed, key = (group.decode() for group in found.groups())
    try:
        decode_point(bytes.fromhex(key))
    except Malformed:
        raise BoardError("meter-answer", "the meter's key is no point of the curve") from None
    if meter_id(bytes.fromhex(key)).hex() != meter:
        raise BoardError("meter-answer", "the meter's name is not that of its key")
    return Started(meter, key, int(boot), int(records), int(passed), _tail(said))


def _tail(said: bytes) -> str:
    text = said.decode("utf-8", "replace").replace("\r", "")
    return "\n".join(line for line in text.splitlines() if line.strip())[-800:]
