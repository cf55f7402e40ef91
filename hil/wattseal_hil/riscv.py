"""MicroPython on RISC-V 32 under QEMU, where instructions can be counted.

Port `qemu`, board `VIRT_RV32`, built once from Debian's source package with the cross-compiler of
this machine, into the user's cache. One instruction takes one nanosecond of the machine's time,
so that counts are the same in every run and on every host.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from wattseal_hil import debian
from wattseal_hil.errors import BoardError

HEAP_BYTES = 128 << 10
ROM_AT = 0x8400_0000  # in the machine's RAM, far above the VM
TIMEOUT_S = 600
GCC = "riscv64-unknown-elf-gcc"
QEMU = "qemu-system-riscv32"
PICOLIBC = Path("/usr/lib/picolibc/riscv64-unknown-elf")
_ARCH = ("-march=rv32imac", "-mabi=ilp32")
_BOOT = f"""
import sys, uctypes, vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at({ROM_AT}, 1 << 22)), "/rom")
sys.path.insert(0, "/rom")
"""


def needed() -> list[str]:
    """The Debian packages whose programs this machine lacks."""
    qemu = "qemu-system-riscv" if _debian_release() >= 13 else "qemu-system-misc"
    tools = {"make": "make", GCC: "gcc-riscv64-unknown-elf", QEMU: qemu}
    missing = [package for tool, package in tools.items() if not shutil.which(tool)]
    if not PICOLIBC.is_dir():
        missing.append("picolibc-riscv64-unknown-elf")
    return missing


def _debian_release() -> int:
    try:
        return int(Path("/etc/debian_version").read_text().split(".")[0])
    except (OSError, ValueError):
        return 0


def vm() -> Path:
    """The VM as an ELF file, built where it is missing (half a minute).

    Raises BoardError: tools-missing, with what to install; vm-missing without the source package;
    build-failed.
    """
    missing = needed()
    if missing:
        raise BoardError("tools-missing", f"run 'apt-get install {' '.join(missing)}' first")
    arguments = [
        "BOARD=VIRT_RV32", f"MICROPY_HEAP_SIZE={HEAP_BYTES}", "FROZEN_MANIFEST=",
        "CFLAGS_EXTRA=-Wno-error", f"PICOLIBC_SPECS={PICOLIBC}/picolibc.specs",
        # GCC would take the libraries of another word size.
        f"LIBS=-nostdlib {_libgcc()} {_libc()} {_libgcc()}",
    ]  # fmt: skip
    name = hashlib.sha256("\0".join([debian.SUITE, *arguments]).encode()).hexdigest()[:12]
    elf = debian.cache_dir() / f"micropython-rv32-{name}.elf"
    if not elf.exists():
        debian.cache_dir().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=debian.cache_dir()) as work:
            os.rename(_build(Path(work), arguments), elf)
    return elf


def _libgcc() -> str:
    command = [GCC, *_ARCH, "-print-libgcc-file-name"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _libc() -> Path:
    for folder in ("lib/release", "lib"):
        libc = PICOLIBC / folder / "rv32imac" / "ilp32" / "libc.a"
        if libc.exists():
            return libc
    raise BoardError("build-failed", f"no rv32imac library below {PICOLIBC}")


def _build(work: Path, arguments: list[str]) -> Path:
    with tarfile.open(debian.fetch_source(work)) as archive:
        archive.extractall(work, filter="data")
    port = next(work.glob("micropython-*/ports/qemu"))
    command = ["make", "-C", str(port), "-j2", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    elf = port / "build-VIRT_RV32" / "firmware.elf"
    if done.returncode or not elf.exists():
        raise BoardError("build-failed", (done.stderr or done.stdout).strip()[-800:])
    return elf


def run(script: str, image: Path) -> str:
    """What a script prints, with a ROMFS image at /rom. BoardError `script-failed`."""
    command = [
        *(QEMU, "-bios", "none", "-cpu", "rv32", "-machine", "virt", "-icount", "shift=0"),
        *("-display", "none", "-monitor", "none", "-serial", "stdio", "-kernel", str(vm())),
        *("-device", f"loader,file={image},addr={ROM_AT},force-raw=on"),
    ]
    machine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        console = _Console(machine)
        console.until(b">>> ")
        console.write(b"\x01")  # raw REPL
        console.until(b"exit\r\n>")
        console.write((_BOOT + script).encode() + b"\x04")
        console.until(b"OK")
        output, error = console.until(b"\x04"), console.until(b"\x04")
    finally:
        machine.kill()
        machine.wait()
    if error:
        raise BoardError("script-failed", error.decode().strip()[-800:])
    return output.decode()


class _Console:
    """The serial line of the machine. The VM polls it: bytes are sent as fast as it takes them."""

    def __init__(self, machine: subprocess.Popen[bytes]) -> None:
        assert machine.stdin and machine.stdout
        self._to, self._from = machine.stdin, machine.stdout
        self._seen = b""

    def write(self, data: bytes) -> None:
        self._to.write(data)
        self._to.flush()

    def until(self, mark: bytes) -> bytes:
        while mark not in self._seen:
            more = os.read(self._from.fileno(), 4096)
            if not more:
                raise BoardError("script-failed", f"the machine ended: {self._seen[-300:]!r}")
            self._seen += more
        before, self._seen = self._seen.split(mark, 1)
        return before
