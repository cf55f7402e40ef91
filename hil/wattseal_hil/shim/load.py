"""Starts the shim where it is: a directory, or "fd,size" of a ROMFS image that is run in place.

Arguments come by standard input, as those of a command line would stay in the heap: those of
start.py, and the shim's place. This file and an image leave the heap to the firmware.
"""

import sys

import ffi
import uctypes
import vfs

sys.argv[1:] = sys.stdin.read().split("\0")
sys.path[0] = sys.argv.pop()
if "," in sys.path[0]:
    fd, size = (int(word) for word in sys.path[0].split(","))
    fd = ffi.open("libc.so.6").func("p", "mmap", "pLiiil")(0, size, 1, 1, fd, 0)
    vfs.mount(vfs.VfsRom(uctypes.bytearray_at(fd, size)), "/shim")
    sys.path[0] = "/shim"
import start  # noqa: E402, F401
