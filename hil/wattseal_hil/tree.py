"""Where the firmware and the data of the boards are: in the source tree or in the package."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_SOURCES = _HERE.parents[1]


def _place(name: str) -> Path:
    """The source tree's, if this package lies in one; the wheel carries copies."""
    installed = _HERE / "installed" / name
    return installed if installed.is_dir() else _SOURCES / name


FIRMWARE = _place("firmware")
BOARDS = _place("boards")
