"""What is under test, as far as its sources tell: commit and hashes of the firmware's files."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

_SUFFIXES = (".py", ".bin", ".mpy")


def source_identity(firmware: Path) -> dict[str, Any]:
    """`files` {path below `firmware`: sha256}, `firmware` one sha256 over them all, and, where the
    sources are under git, `commit`, with a plus sign if they differ from it."""
    hashes = {
        str(file.relative_to(firmware)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(firmware.rglob("*"))
        if file.suffix in _SUFFIXES
    }
    listing = "".join(f"{digest}  {path}\n" for path, digest in hashes.items())
    found: dict[str, Any] = {
        "firmware": hashlib.sha256(listing.encode()).hexdigest(),
        "files": hashes,
    }
    if commit := _git(firmware, "rev-parse", "HEAD"):
        found["commit"] = commit + ("+" if _git(firmware, "status", "--porcelain", ".") else "")
    return found


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
