"""`os` with randomness from the supervisor's seed: SHA-256 in counter mode."""

import sys
from hashlib import sha256

import emu
import uos

_seed = sys.argv[9].encode()
_count = 0


def urandom(n):
    global _count
    out = b""
    while len(out) < n:
        _count += 1
        out += sha256(_seed + _count.to_bytes(4, "big")).digest()
    return out[:n]


def uname():
    return ("esp32", "", "", "", emu.wiring)


def __getattr__(name):
    return getattr(uos, name)
