"""MicroPython side of `repl_peer`: runs code from standard input on a LittleFS in a flash image.

Arguments: image, machine's name, file that hears of the watchdog. Each request is a line with a
number of bytes, then the code. After it: what it printed, then 4, its error if any, 4.
"""

import io
import os
import sys

import vfs

IMAGE, MACHINE, DOG = sys.argv[1:]


class File:
    """A block device in a file."""

    def __init__(self, path):
        self._file = open(path, "r+b")

    def readblocks(self, block, buf, offset=0):
        self._file.seek(block * 4096 + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self._file.seek(block * 4096 + offset)
        self._file.write(buf)

    def ioctl(self, op, arg):
        if op == 3:
            self._file.flush()
        elif op == 4:
            return self._file.seek(0, 2) // 4096
        elif op == 5:
            return 4096
        elif op == 6:
            self._file.seek(arg * 4096)
            self._file.write(b"\xff" * 4096)
            return 0


class Machine:
    """What of `machine` somebody at the console uses."""

    class WDT:
        def __init__(self, id=0, timeout=5000):
            DOG_FILE.write("%d\n" % timeout)
            DOG_FILE.flush()

        def feed(self):
            pass

    class RTC:
        def datetime(self, to=None):
            if to:
                DOG_FILE.write("clock %r\n" % (to,))
                DOG_FILE.flush()
            return (2000, 1, 1, 5, 0, 0, 0, 0)

    @staticmethod
    def reset():
        raise SystemExit(3)


class Os:
    """`os`, on a board that says what it is."""

    def uname(self):
        return ("esp32", "esp32", "1.25.0", "", MACHINE)

    def __getattr__(self, name):
        return getattr(REAL_OS, name)


REAL_OS = os
DOG_FILE = open(DOG, "a")
SERIAL = sys.stdin.buffer
device = File(IMAGE)
vfs.umount("/")
try:
    vfs.mount(vfs.VfsLfs2(device, mtime=False), "/")
except OSError:
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device, mtime=False), "/")
    with open("/boot.py", "w") as file:  # as MicroPython's own first boot does
        file.write("# This file is executed on every boot (including wake-boot from deepsleep)\n")
os.chdir("/")
sys.path[:] = ["", "/lib"]
sys.modules["machine"] = Machine
sys.modules["os"] = Os()
scope = {"__name__": "__main__"}
while True:
    size = SERIAL.readline()
    if not size:
        break
    code = SERIAL.read(int(size))
    error = b""
    try:
        exec(code, scope)
    except SystemExit:
        raise
    except BaseException as failure:
        text = io.StringIO()
        sys.print_exception(failure, text)
        error = text.getvalue().replace("\n", "\r\n").encode()
    sys.stdout.buffer.write(b"\x04" + error + b"\x04")
