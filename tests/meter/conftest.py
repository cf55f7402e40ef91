"""What the meter's tests share: pure parts run in process, everything else on the emulated board.

`micropython.const` marks constants for the MicroPython compiler and is the identity at run time;
it is all the pure modules take from that module.
"""

import os
import sys
import types

import pytest

micropython = types.ModuleType("micropython")
micropython.const = lambda value: value  # type: ignore[attr-defined]
sys.modules.setdefault("micropython", micropython)


@pytest.fixture
def storage(tmp_path):
    from meter.storage import Storage

    return Storage(str(tmp_path))


@pytest.fixture
def ticks():
    from meter_bench import Ticks

    return Ticks()


def _ilistdir(path):
    """MicroPython's os.ilistdir: name, type, inode, size."""
    for name in os.listdir(path):
        yield name, 0x8000, 0, os.stat(os.path.join(path, name)).st_size


os.ilistdir = _ilistdir  # type: ignore[attr-defined]
