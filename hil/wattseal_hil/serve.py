"""A rig for other programs: one board, its ports, and a control socket, until interrupted.

On standard output one JSON object on one line: `customer_port`, `utility_port`, `control` (path of
a Unix-domain stream socket), `vm` (the VM's own sys.implementation). On the control socket, one
JSON object a line each way, any number of connections:

    {"do": "status"}                  the answer to every request: clock, power, flash wear
    {"do": "run-until", "t": 1767312000}   as fast as the VM can; answered when it is so
    {"do": "button"}                  press the pairing button for 0.2 s of board time
    {"do": "load", "watts": 1500}     a constant load from now on; or an appliance, by its kind:
    {"do": "load", "kind": "motor", "watts": 500, "power_factor": 0.6}     (see appliances.py)
    {"do": "power", "on": false}

Answers: {"ok": true, "now_s": ..., "powered": ..., "programs": ..., "erases": ...} or
{"ok": false, "code": ..., "detail": ...}. Beside the codes of wattseal_hil.errors: bad-request.

Speed: a number lets board time pass at so many times real time; "max" lets it pass by `run-until`
only, in lock-step. `run-until` at a pace jumps ahead, then the pace goes on.
"""

import json
import os
import signal
import socketserver
import stat
import threading
from pathlib import Path
from typing import IO, Any

from wattseal.errors import WattsealError

from wattseal_hil.appliances import appliance
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError

MAX_LINE_BYTES = 4096
_CHECK_S = 0.2


class BadRequest(WattsealError):
    """A line on the control socket that asks for nothing known."""


def _number(request: dict[str, Any], name: str) -> float:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
        raise BadRequest("bad-request", f"{name} must be a number")
    return value


def obey(board: EmulatedBoard, line: bytes) -> dict[str, Any]:
    """Do what one control line asks; the answer. Raises WattsealError."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise BadRequest("bad-request", "one JSON object a line") from None
    if not isinstance(request, dict):
        raise BadRequest("bad-request", "one JSON object a line")
    do = request.get("do")
    if do == "run-until":
        board.run_until(_number(request, "t"))
    elif do == "button":
        board.press_button()
    elif do == "load":
        board.plug(appliance({name: request[name] for name in request if name != "do"}))
    elif do == "power" and request.get("on") is True:
        board.power_on()
    elif do == "power" and request.get("on") is False:
        board.power_off()
    elif do != "status":
        raise BadRequest("bad-request", "do: status, run-until, button, load, or power")
    flash = board.flash
    return {
        "ok": True,
        "now_s": board.now_s,
        "powered": board.powered,
        "programs": flash.total_programs,
        "erases": flash.total_erases,
    }


class _Handler(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        while line := self.rfile.readline(MAX_LINE_BYTES):
            try:
                answer = obey(self.server.board, line)
            except WattsealError as error:
                answer = {"ok": False, "code": error.code, "detail": error.detail}
            try:
                self.wfile.write(json.dumps(answer).encode() + b"\n")
            except OSError:  # the client did not wait for it
                return


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, board: EmulatedBoard) -> None:
        self.board = board
        if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()  # left by a server that was killed
        try:
            super().__init__(str(path), _Handler)
        except OSError as error:
            reason = error.strerror or error
            raise BoardError("control-unusable", f"{path}: {reason}") from None
        os.chmod(path, 0o600)


def _check_settings(board: EmulatedBoard) -> None:
    """The firmware goes on with its defaults, which is not what was asked for here."""
    for line in board.console.splitlines():
        if line.startswith("settings.json is refused"):
            raise BoardError("settings-refused", line.rpartition("hold: ")[2])


def serve(
    board: EmulatedBoard, speed: float | None, control_path: str | Path, out: IO[str]
) -> None:
    """Power the board on, say where it is on `out`, and serve until SIGINT or SIGTERM.

    `speed` None means "max". Must run in the main thread. Raises BoardError if the board cannot be
    started, if the firmware stops by itself or refuses its settings, or `control-unusable`.
    """
    path = Path(control_path)
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    server = None
    try:
        board.power_on()
        _check_settings(board)
        server = _Server(path, board)
        board.set_pace(speed)
        threading.Thread(target=server.serve_forever, args=(_CHECK_S,), daemon=True).start()
        line = {
            "customer_port": board.customer_port,
            "utility_port": board.utility_port,
            "control": str(path),
            "vm": board.vm_info,
        }
        out.write(json.dumps(line) + "\n")
        out.flush()
        while not stop.wait(_CHECK_S):
            if board.failure:
                raise board.failure
    finally:
        if server:
            server.shutdown()
            server.server_close()
            path.unlink(missing_ok=True)
        for number, handler in previous.items():
            signal.signal(number, handler)
