"""The part of ESP32's `machine` that this board has: pins, ADC, two UARTs, RTC, watchdog."""

import io
import sys

import emu
import time
import uselect
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


def freq(hz=240000000):
    return 240000000


class Pin:
    IN = 1
    OUT = 3
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=-1, pull=-1, value=None):
        self._id = id
        self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None):
        if value is not None:
            self.value(value)

    def __str__(self):
        return "Pin(%d)" % self._id

    def value(self, x=None):
        if x is None:
            return emu.levels[self._id]
        emu.levels[self._id] = 1 if x else 0

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=3):
        self._irq = handler
        self._trigger = trigger
        emu.handlers[self._id] = self
        if handler is None:
            del emu.handlers[self._id]

    def moved(self):
        if self._trigger & (1 if self.value() else 2):
            self._irq(self)


class UART(io.IOBase):
    """Bytes of a port, through two pipes of the supervisor; line speed is not emulated."""

    INV_TX = 32

    def __init__(self, id, baudrate=115200, tx=None, rx=None, **_):
        wired = emu.wiring.split()
        at = 2 * wired.index("%s,%s" % (tx, rx)) - 6  # ValueError: nothing is connected there
        if id >= int(wired[2]):
            raise ValueError  # the chip has no such UART
        self._rx, self._tx = (open(int(fd), "r+b", 0) for fd in _fds[at : at + 2])
        self._p = uselect.poll()
        self._p.register(self._rx, uselect.POLLIN)

    def init(self, *_, **__):
        pass

    deinit = flush = init

    def any(self):
        return len(self._p.poll(0))

    def _got(self, data):
        if data:
            emu.hold()
        return data

    def read(self, n=-1):
        return self._got(self._rx.read(n))

    def readinto(self, buf, n=-1):
        return self._got(self._rx.readinto(buf if n < 0 else memoryview(buf)[:n]))

    def readline(self):
        return self._got(self._rx.readline())

    def write(self, data):
        return self._tx.write(data)

    def txdone(self):
        return True

    def ioctl(self, op, arg):
        return self._rx.fileno() if op == 10 else 0


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
