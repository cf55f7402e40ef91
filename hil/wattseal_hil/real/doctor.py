"""What is well with a board on the bench and what is not, and what to do about it.

Each check says ok or problem, what was seen, and what to do. A look at the console stops the meter
for some seconds, and a BOOT event in its chain tells of it; `stop=False` asks the two ports only.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from wattseal_hil import modbus
from wattseal_hil.errors import BoardError
from wattseal_hil.real.console import Console
from wattseal_hil.real.deploying import board_for, examine
from wattseal_hil.real.files import FOLDERS, STARTED, difference, file_set
from wattseal_hil.real.ports import candidates, check_port

HEAP_BYTES = 100 << 10  # at the prompt, before the firmware is loaded
_FLASH_BYTES = 24 * 4096  # below it the log begins to drop what nobody collected
_OLD_S = 1_262_304_000  # 2010: no clock set says less
_CLOCK_S = 2.0
_ALL_PASSED = 15


@dataclass(frozen=True)
class Finding:
    """One check. todo: what to do, "" where all is well."""

    check: str
    ok: bool
    seen: str
    todo: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine_bench(
    port: str | None,
    customer_port: str | None = None,
    utility_port: str | None = None,
    *,
    stop: bool = True,
    form: str = "mpy",
) -> Iterator[Finding]:
    """Yield findings as they are made. port: of the console, or None to look for one."""
    found = [x.device for x in candidates()]
    if port is None and stop:
        if len(found) != 1:
            yield Finding("port", False, f"{len(found)} boards found: {', '.join(found) or 'none'}",
                          "name the console's port with --port")
            stop = False
        else:
            port = found[0]
    meter = ""
    if stop and port:
        for finding in _console(port, form):
            if finding.check == "start" and finding.ok:
                meter = finding.seen.split()[1]
            yield finding
    if customer_port:
        yield _asked("customer-port", lambda: _customer(customer_port, meter),
                     "wires of the customer's port: docs/wiring.md; TX and RX cross over")
    if utility_port:
        yield _asked("utility-port", lambda: _utility(utility_port, meter),
                     "wires of the utility's port: docs/wiring.md; A and B the other way round?")


def _console(port: str, form: str) -> Iterator[Finding]:
    try:
        check_port(port)
    except BoardError as error:
        yield Finding("port", False, error.detail, "see above; wattseal rig doctor again")
        return
    yield Finding("port", True, port)
    try:
        console = Console(port)
    except BoardError as error:
        yield Finding("console", False, error.detail, "wattseal rig flash, if there is no "
                      "MicroPython on the board")
        return
    with console:
        try:
            found = examine(console)
            yield Finding("console", True, str(found["machine"]))
            yield _chip(found)
            yield _heap(found)
            yield _space(found)
            yield _settings(console)
            yield from _files(console, found, form)
            yield _clock(found)
        except BoardError as error:
            yield Finding("console", False, f"{error.code}: {error.detail}",
                          "press EN (RESET) and run it again")
        finally:
            # However it went, the meter is not left standing at the prompt.
            yield _start(console)


def _chip(found: dict[str, Any]) -> Finding:
    version = ".".join(map(str, found["micropython"]))
    try:
        board = board_for(found)
    except BoardError as error:
        return Finding("micropython", False, error.detail, "wattseal rig flash")
    return Finding("micropython", True, f"{version} on {board.chip} ({board.folder})")


def _heap(found: dict[str, Any]) -> Finding:
    free = found["heap_free"]
    ok = free >= HEAP_BYTES
    return Finding("heap", ok, f"{free} bytes free at the prompt", "" if ok else
                   "less than the meter was fitted into (docs/fitting.md): another image?")


def _space(found: dict[str, Any]) -> Finding:
    free = found["flash_free"]
    ok = free >= _FLASH_BYTES
    return Finding("flash", ok, f"{free} bytes free in the file system", "" if ok else
                   "collect the log and tell the meter so (wattseal provider collect), and remove "
                   "files that are no part of it (mpremote fs ls)")


def _settings(console: Console) -> Finding:
    text = console.value_of(
        "try:\n with open('/settings.json') as f: t = f.read()\nexcept OSError: t = ''\n"
        "print(repr(t))"
    )
    if not text:
        return Finding("settings", True, "none: defaults")
    try:
        console.run(f"from meter.settings import parse\nparse({text!r})\ndel parse")
    except BoardError as error:
        return Finding("settings", False, error.detail, "wattseal rig deploy --settings FILE")
    return Finding("settings", True, f"{len(text)} bytes, accepted")


def _files(console: Console, found: dict[str, Any], form: str) -> Iterator[Finding]:
    if not found["chip"]:
        return
    if found["frozen"]:
        yield Finding("files", True, "in the image: `start` tells whether they work")
        return
    wanted = file_set(board_for(found).architecture, form)
    there = console.hashes(FOLDERS, STARTED)
    changes = difference(wanted, there)
    if not there:
        yield Finding("files", False, "no firmware in the file system",
                      "wattseal rig deploy, unless it is frozen into the image")
    elif changes.write or changes.remove:
        names = [*changes.write, *(f"{path} (foreign)" for path in changes.remove)]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        yield Finding("files", False, f"{len(names)} differ: {', '.join(names[:5])}{more}",
                      "wattseal rig deploy")
    else:
        yield Finding("files", True, f"{len(wanted)} files, as in this checkout")


def _clock(found: dict[str, Any]) -> Finding:
    clock_s = found["clock_s"]
    off_s = clock_s - time.time()
    todo = "wattseal rig deploy sets it; a meter with a provider: wattseal provider clock"
    if clock_s < _OLD_S:
        return Finding("clock", False, "not set: the meter seals nothing", todo)
    if math.fabs(off_s) > _CLOCK_S:
        return Finding("clock", False, f"{off_s:+.0f} s off this machine's", todo)
    return Finding("clock", True, f"within {_CLOCK_S:.0f} s of this machine's")


def _start(console: Console) -> Finding:
    try:
        told = console.restart()
    except BoardError as error:
        last = error.detail.strip().splitlines()[-1] if error.detail.strip() else error.code
        return Finding("start", False, f"{error.code}: {last}",
                       "wattseal rig deploy; what the console says: mpremote connect PORT")
    seen = f"meter {told.meter} boot {told.boot} record {told.records} self-test {told.self_test}"
    if told.self_test != _ALL_PASSED:
        return Finding("start", False, seen, "its self-test failed: it seals nothing; deploy "
                       "again, and if the log's bit (8) is off, replace it (docs/commissioning.md)")
    return Finding("start", True, seen)


def _asked(check: str, ask: Callable[[], str], todo: str) -> Finding:
    try:
        return Finding(check, True, ask())
    except BoardError as error:
        return Finding(check, False, error.detail or error.code, todo)


def _customer(port: str, meter: str) -> str:
    from wattseal_hil.real.questions import status

    told = status(port)
    _same(port, meter, str(told["meter"]))
    heap = f", {told['heap_free']} bytes of heap free" if "heap_free" in told else ""
    return f"meter {told['meter']}, {told['power_w']} W{heap}"


def _utility(port: str, meter: str) -> str:
    registers = modbus.registers(port, 0, 11)
    if registers[:2] != [0x5753, 0x4C31]:
        raise BoardError("meter-answer", f"{port}: what answers is no wattseal meter")
    name = b"".join(value.to_bytes(2, "big") for value in registers[3:11]).hex()
    _same(port, meter, name)
    with suppress(BoardError):
        return f"meter {name}, {modbus.registers(port, 64, 2)[1]} records"
    return f"meter {name}"


def _same(port: str, meter: str, name: str) -> None:
    if meter and name != meter:
        raise BoardError("meter-answer", f"{port} is another meter's, {name}")
