"""The part of ESP32's `machine` that this board has: pins, ADC, two UARTs, RTC, watchdog."""

import io
import sys

import emu
import time
from emu import ADC, reset  # noqa: F401

_fds = sys.argv[5:9]  # rx and tx of the customer's port, rx and tx of the utility's
_uid = bytes.fromhex(sys.argv[10])


def unique_id():
    return _uid


PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3


def reset_cause():
    return emu.levels[emu.CAUSE]


class Pin:
    IN = 1
    OUT = 3
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=-1, pull=-1, value=None):
        self._id = id
        if value is not None:
            self.value(value)

    def value(self, x=None):
        if x is None:
            return emu.levels[self._id]
        emu.levels[self._id] = 1 if x else 0

    __call__ = value

    def irq(self, handler=None, trigger=3):
        self._irq = handler
        self._trigger = trigger
        emu.handlers[self._id] = self
        if handler is None:
            del emu.handlers[self._id]

    def moved(self, level):
        if self._trigger & (1 if level else 2):
            self._irq(self)


class UART(io.IOBase):
    """Bytes of a port, through two pipes of the supervisor; line speed is not emulated."""

    INV_TX = 32

    def __init__(self, id, baudrate=115200, tx=None, rx=None, **_):
        wired = emu.wiring.split()
        at = 2 * wired.index("%s,%s" % (tx, rx)) - 6  # ValueError: nothing is connected there
        if id >= int(wired[2]):
            raise ValueError  # the chip has no such UART
        self._rx = open(int(_fds[at]), "r+b", 0)
        self._tx = open(int(_fds[at + 1]), "r+b", 0)

    def _got(self, data):
        if data:
            # The rest of the grant is given back: time stands still until we are seen idle.
            emu.fold(0)
            emu.goal = emu.tus
        return data

    def read(self, n=-1):
        return self._got(self._rx.read(n))

    def readline(self):
        return self._got(self._rx.readline())

    def write(self, data):
        return self._tx.write(data)

    def txdone(self):
        return True

    def ioctl(self, op, arg):
        return self._rx.fileno() if op == 10 else 0


class I2C:
    """A bus; the bench answers for what is on it. A transfer takes no time."""

    def __init__(self, id, scl, sda, **_):
        if "%d,%d" % (sda._id, scl._id) != emu.wiring.split()[5]:
            raise ValueError  # nothing is connected there

    def writeto(self, addr, buf):
        if (kind := emu.ask(84, addr, buf)) != 68:
            raise OSError(19 if kind == 78 else 110)  # ENODEV, ETIMEDOUT
        return len(buf)


class RTC:
    def datetime(self, t=None):
        if t is None:
            y, mo, d, h, mi, s, wd, _ = time.gmtime()
            return (y, mo, d, wd, h, mi, s, emu.rus)
        emu.fold(0)
        emu.rs = time.mktime((t[0], t[1], t[2], t[4], t[5], t[6], 0, 0))
        emu.rus = t[7]


class WDT:
    def __init__(self, id=0, timeout=5000):
        self._us = timeout * 1000
        self.feed()

    def feed(self):
        emu.fold(0)
        emu.dog = self._us
