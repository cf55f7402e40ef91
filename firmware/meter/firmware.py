"""The firmware's digest: what this meter says it runs (SPEC.md 3.4)."""

import os
import sys
from hashlib import sha256

from micropython import const
from wattseal.labels import FIRMWARE

_STARTED = ("boot.py", "main.py")
_PACKAGES = ("meter", "wattseal")
_DEPLOYED = ("py", "mpy", "bin")
_BLOCK_BYTES = const(1024)


def firmware_digest():
    """Return the 32-byte digest of the files this firmware was loaded from.

    Where it is frozen there are none: then of the partition that runs.
    """
    root = __file__.rsplit("meter/", 1)[0]
    names = []
    try:
        for package in _PACKAGES:
            for name in os.listdir(root + package):
                if name.rsplit(".", 1)[-1] in _DEPLOYED:
                    names.append(package + "/" + name)
    except OSError:
        return _image_digest()
    for name in os.listdir(root or "."):
        if name in _STARTED:
            names.append(name)
    state = sha256(FIRMWARE)
    block = bytearray(_BLOCK_BYTES)
    for name in sorted(names):
        state.update(name.encode() + b"\0" + os.stat(root + name)[6].to_bytes(4, "big"))
        with open(root + name, "rb") as file:
            while True:
                count = file.readinto(block)
                if not count:
                    break
                state.update(memoryview(block)[:count])
    return state.digest()


def _image_digest():
    state = sha256(FIRMWARE)
    try:
        from esp32 import Partition
    except ImportError:
        state.update(sys.version.encode())  # a port without partitions: its version
        return state.digest()
    partition = Partition(Partition.RUNNING)  # type: ignore[arg-type]  # the stub's error
    block = bytearray(_BLOCK_BYTES)
    for number in range(partition.info()[3] // _BLOCK_BYTES):
        partition.readblocks(number, block)
        state.update(block)
    return state.digest()
