"""The files of the firmware as a board is to have them, and how a board's differ."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wattseal_hil.debian import cache_dir
from wattseal_hil.deploy import deployed
from wattseal_hil.tree import FIRMWARE

FORMS = ("mpy", "sources")
FOLDERS = ("/meter", "/wattseal")
STARTED = ("/boot.py", "/main.py")
_CODE = (".py", ".mpy", ".bin")


@dataclass(frozen=True)
class Difference:
    """Paths on the board: to write (missing or of other content), and to remove: code that is no
    part of this firmware, and would be imported instead of some that is."""

    write: tuple[str, ...]
    remove: tuple[str, ...]


def file_set(architecture: str, form: str = "mpy", firmware: Path = FIRMWARE) -> dict[str, bytes]:
    """{path on the board: content}. Raises BoardError: form-unknown, compile-failed."""
    tree = deployed(firmware, form, cache_dir() / "deployed", architecture)
    files = {
        "/" + str(file.relative_to(tree)): file.read_bytes()
        for file in sorted(tree.rglob("*"))
        if file.suffix in _CODE and file != tree / "manifest.py"
    }
    return {path: data for path, data in files.items() if belongs(path)}


def belongs(path: str) -> bool:
    """Whether a path is one of the firmware's own places, which deploying may change."""
    return path in STARTED or (path.rpartition("/")[0] in FOLDERS and path.endswith(_CODE))


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """{path: SHA-256}."""
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def difference(wanted: Mapping[str, bytes], there: Mapping[str, str]) -> Difference:
    """What must change. there: {path: SHA-256} of what is on the board."""
    hashes = digests(wanted)
    write = tuple(path for path in wanted if there.get(path) != hashes[path])
    remove = tuple(sorted(path for path in there if belongs(path) and path not in wanted))
    return Difference(write, remove)
