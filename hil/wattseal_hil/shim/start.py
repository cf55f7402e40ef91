"""Boot of the emulated board: mount the flash at "/", the firmware at "/rom", run boot.py, main.py.

Arguments, in the order of sys.argv: control fd, shared memory fd, RTC seconds (epoch 2000), RTC
microseconds, rx and tx fds of UART 1 and 2, random seed, unique id, flash fd, flash blocks,
firmware (its directory, or "fd,size" of a ROMFS image), settings as JSON, us of an ADC conversion,
calibration as JSON ("" leaves either file alone), board (as `BoardData.wiring` says it).
"""

import machine  # noqa: F401
import os
import random
import select  # noqa: F401
import sys
import uctypes
import vfs

import emu
import nor
import tasks

sys.modules["_asyncio"] = tasks


def mount(fd, blocks, firmware):
    flash = nor.Nor(fd, blocks)
    vfs.umount("/")
    # No modification times: the same run leaves the same bytes.
    try:
        fs = vfs.VfsLfs2(flash, mtime=False)
    except OSError:
        vfs.VfsLfs2.mkfs(flash)
        fs = vfs.VfsLfs2(flash, mtime=False)
    vfs.mount(fs, "/")
    vfs.mount(vfs.VfsPosix(firmware) if firmware[0] == "/" else image(firmware), "/rom")
    os.chdir("/")


def image(place):
    fd, size = (int(word) for word in place.split(","))
    return vfs.VfsRom(uctypes.bytearray_at(emu.mapped(fd, size), size))


def settle(name, text):
    try:
        with open(name) as f:
            if f.read() == text:
                return
    except OSError:
        pass
    with open(name, "w") as f:
        f.write(text)


def set_up():
    random.seed(int(sys.argv[9][:6], 16))
    emu.conversion_us = int(sys.argv[15])
    mount(int(sys.argv[11]), int(sys.argv[12]), sys.argv[13])
    if sys.argv[14]:
        settle("/settings.json", sys.argv[14])
    if sys.argv[16]:
        settle("/calibration.json", sys.argv[16])
    nor.fill()
    sys.path[:] = ["", "/rom", ".frozen", "/lib"]
    sys.argv[:] = [""]


def run():
    quit = emu.quit
    globals().clear()  # its heap is the firmware's from here on
    import os
    import sys

    scope = {"__name__": "__main__"}
    try:
        for name in ("boot.py", "main.py"):
            if name in os.listdir("/rom"):
                execfile("/rom/" + name, scope)  # noqa: F821
        print("main.py ended")
        quit(0)
    except BaseException as e:
        sys.print_exception(e)
        quit(1)


set_up()
run()
