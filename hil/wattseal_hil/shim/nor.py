"""NOR flash in a mapped file: an erase sets a block to ones, a program only clears bits.

`wear` counts per block: programs, then erases, 32 bits each. While the level of WATCHED is 1 the
bench is asked before each operation; it may cut the power there, or have the flash refuse. Where
that of FILL is n, another file is to be so long that n - 2 blocks stay free, or empty (1).
"""

import emu
import uctypes

ERASE = 4096
WATCHED = 61  # no GPIO
FILL = 60  # nor this


def fill():
    """Do so, once; called whenever the firmware waits."""
    n = emu.levels[FILL]
    if n == 0:
        return
    emu.levels[FILL] = 0
    for name, blocks in (("/spare", n - 2), ("/filler", n - 1 << 12), ("/spare", 0)):
        try:
            with open(name, "wb") as f:
                for _ in range(blocks):
                    f.write(b"x" * ERASE)
                    f.flush()
        except OSError:
            pass


class Nor:
    def __init__(self, fd, blocks):
        self._blocks = blocks
        self._at = emu.mapped(fd, blocks * ERASE)
        self._m = memoryview(uctypes.bytearray_at(self._at, blocks * ERASE))
        counts = (uctypes.ARRAY | 0, uctypes.UINT32 | 2 * blocks)
        self._wear = uctypes.struct(emu.wear, {"n": counts}).n

    def readblocks(self, block, buf, offset=0):
        at = block * ERASE + offset
        buf[:] = self._m[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * ERASE + offset
        cells = self._m[at : at + len(buf)]
        verdict = emu.ask(87, at, buf) if emu.levels[WATCHED] else 68
        if verdict != 68:
            return -5 if verdict == 69 else 0
        new = int.from_bytes(buf, "big")
        if int.from_bytes(cells, "big") & new != new:
            emu.send(70)  # F: flash fault; LittleFS would take an OSError for a bad block
            print("flash: program over unerased cells at", hex(at))
            emu.quit(70)
        cells[:] = buf
        self._wear[block] += 1

    def ioctl(self, op, arg):
        if op == 4:
            return self._blocks
        if op == 5:
            return ERASE
        if op == 6:
            verdict = emu.ask(87, arg * ERASE, b"") if emu.levels[WATCHED] else 68
            if verdict != 68:
                return -5 if verdict == 69 else 0
            emu.memset(self._at + arg * ERASE, 255, ERASE)
            self._wear[self._blocks + arg] += 1
            return 0
