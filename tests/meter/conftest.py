"""What the meter's tests share: pure parts run in process, everything else on the emulated board.

`micropython.const` marks constants for the MicroPython compiler and is the identity at run time;
it is all the pure modules take from that module.
"""

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
