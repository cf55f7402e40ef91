"""An environment of its own for clients whose requirements would meddle with ours.

Made with pip on first use, kept for this user beside the other things that were fetched, shared by
all tests and all clones. A machine that cannot have it skips, and says why.
"""

import fcntl
import hashlib
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from wattseal_hil.debian import cache_dir

REQUIREMENTS = ["dsmr-parser>=1.11", "pytest-embedded>=2.6", "pytest-embedded-serial>=2.6"]
_PIP_S = 300


def environment(requirements: list[str] = REQUIREMENTS) -> Path:
    """The Python of an environment with these; skips the test if it cannot be made."""
    name = f"{sys.version} {requirements}"
    folder = cache_dir() / f"clients-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                venv.create(folder, with_pip=True)
                _run([python, "-m", "pip", "install", "--quiet", *requirements])
                (folder / "ready").touch()
    except (OSError, subprocess.SubprocessError) as error:
        wanted = " ".join(f"'{requirement}'" for requirement in requirements)
        pytest.skip(
            f"{folder} cannot be made ({_reason(error)}); "
            f"it is: python3 -m venv {folder}; {python} -m pip install {wanted}; "
            f"touch {folder}/ready"
        )
    return python


def _run(command: list) -> None:
    subprocess.run([*map(str, command)], check=True, capture_output=True, text=True, timeout=_PIP_S)


def _reason(error: Exception) -> str:
    lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
