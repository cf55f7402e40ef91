"""Find a MicroPython VM (unix port, 1.24 or newer), or fetch Debian's package privately.

Order: the environment variable `WATTSEAL_MICROPYTHON` (64-bit) or `WATTSEAL_MICROPYTHON32`, then
`micropython` on PATH when it has the wanted word size, then the copy that `debian.fetch` keeps
under `$XDG_CACHE_HOME/wattseal` (or `~/.cache/wattseal`). Nothing else ever stands in: CPython
cannot run the firmware's emulation, and is refused by the probe.
"""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass

from wattseal_hil import debian
from wattseal_hil.errors import BoardError

MINIMUM = (1, 24)

_PROBE = (
    "import sys, ffi, vfs; i = sys.implementation; "
    "print(i.name, i.version[0], i.version[1], i.version[2], 64 if sys.maxsize >> 32 else 32)"
)


@dataclass(frozen=True)
class Vm:
    """A command that runs MicroPython: `argv` is its beginning, options and a script follow."""

    argv: list[str]
    version: tuple[int, int, int]
    bits: int


def probe(argv: list[str]) -> Vm:
    """Run the VM once to learn what it is.

    Raises BoardError: `vm-broken` if it does not run or lacks `ffi` or `vfs`, `vm-too-old`.
    """
    try:
        done = subprocess.run(
            [*argv, "-c", _PROBE], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BoardError("vm-broken", f"{shlex.join(argv)} does not run: {error}") from None
    words = done.stdout.split()
    if done.returncode or len(words) != 5 or words[0] != "micropython":
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise BoardError("vm-broken", f"{shlex.join(argv)} is no usable MicroPython: {last}")
    version = (int(words[1]), int(words[2]), int(words[3]))
    if version[:2] < MINIMUM:
        found = ".".join(words[1:4])
        raise BoardError("vm-too-old", f"{shlex.join(argv)} is {found}, 1.24 or newer is needed")
    return Vm(argv, version, int(words[4]))


def find_vm(bits: int = 64) -> Vm:
    """The VM to use, with words of 64 or 32 bits; fetched once if the machine has none.

    Raises BoardError: the probe's codes for a VM named by the environment, else `vm-missing` with
    a hint for this system.
    """
    name = "WATTSEAL_MICROPYTHON" if bits == 64 else "WATTSEAL_MICROPYTHON32"
    named = os.environ.get(name)
    if named:
        vm = probe([named] if os.path.exists(named) else shlex.split(named))
        if vm.bits != bits:
            raise BoardError("vm-broken", f"{name} names a VM of {vm.bits} bits, not {bits}")
        return vm
    on_path = shutil.which("micropython")
    if on_path:
        try:
            vm = probe([on_path])
        except BoardError:
            pass  # too old or cut down: the private copy serves, and says so if it cannot be had
        else:
            if vm.bits == bits:
                return vm
    return probe(debian.installed(bits) or debian.fetch(bits))
