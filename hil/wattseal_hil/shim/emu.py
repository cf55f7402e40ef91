"""Clock, control link and shared memory of the emulated board: every other shim module uses this.

Virtual time moves only in `fold` (a jump) and by `conversion_us` with each ADC conversion; the
conversions of the running block are counted in `k` and folded into the clock later, because a
burst makes 800 of them. `goal` is the time granted by the supervisor, in `ticks_us`. Messages:
../PROTOCOL.md. Epoch of `rs`: 2000-01-01, as on ESP32.
"""

import gc
import sys

import ffi
import uctypes
from micropython import const

_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)
_BLOCK = const(1024)  # conversions in one block of samples
_LATE_US = const(1000000)  # conversions may run so far ahead of the grant
_SAMPLES = const(64)  # offsets in the shared memory
WEAR = const(4160)
_FACTORY = const(16384)
_HEAP = const(32768)
_WATCH = const(63)  # no GPIO
CAUSE = const(62)  # nor this: why the VM starts, as machine.reset_cause() says it

_libc = ffi.open("libc.so.6")
_mmap = _libc.func("p", "mmap", "pLiiil")
memset = _libc.func("p", "memset", "piL")
quit = _libc.func("v", "_exit", "i")


def mapped(fd, size):
    return _mmap(0, size, 3, 1, fd, 0)  # PROT_READ|PROT_WRITE, MAP_SHARED


_ctl = open(int(sys.argv[1]), "r+b", 0)
_in = bytearray(6)
_address = mapped(int(sys.argv[2]), 1 << 16)
levels = uctypes.bytearray_at(_address, _SAMPLES)  # one byte a GPIO
_samples = uctypes.struct(
    _address + _SAMPLES, {"s": (uctypes.ARRAY | 0, uctypes.UINT16 | 2 * _BLOCK)}
).s
wear = _address + WEAR
_factory_uv = uctypes.struct(
    _address + _FACTORY, {"s": (uctypes.ARRAY | 0, uctypes.UINT32 | 4096)}
).s
conversion_us = 100
wiring = sys.argv[17]
handlers = {}  # GPIO -> its Pin with an interrupt handler

tus = _MASK - 29999999  # ticks_us wraps after 30 s, ticks_ms after 60 s: bugs show early
tms = _MASK - 59999
sub = 0  # us since the last whole ms of tms
goal = tus
rs = int(sys.argv[3])
rus = int(sys.argv[4])
k = n = 0  # conversions made and available in this block
dog = -1  # us until the watchdog bites
_serial = 0


def fold(us):
    """Let `us` pass, and the conversions not yet counted; the block of samples is over."""
    global tus, tms, sub, rs, rus, k, n, dog
    us += k * conversion_us
    k = n = 0
    tus = (tus + us) & _MASK
    sub += us
    tms = (tms + sub // 1000) & _MASK
    sub %= 1000
    rus += us
    rs += rus // 1000000
    rus %= 1000000
    if dog >= 0:
        dog -= us
        if dog < 0:
            reset(3)


def room():
    """Granted us that have not passed yet (0 or less: none)."""
    return ((goal - tus - k * conversion_us + _HALF) & _MASK) - _HALF


def send(kind):
    fold(0)
    _ctl.write(bytes((kind, _serial)) + tus.to_bytes(4, "big"))


def take():
    """Wait for one message, obey it and return its kind; without a supervisor, end."""
    global goal, rs, _serial
    if _ctl.readinto(_in) != 6:
        quit(0)
    _serial = (_serial + 1) & 255
    kind = _in[0]
    if kind == 71:  # G: grant
        goal = int.from_bytes(_in[2:], "big")
    elif kind == 80 and _in[1] in handlers:  # P: a pin moved
        handlers[_in[1]].moved(_in[5])
    elif kind == 67:  # C: the clock jumps, back where the pin is 1; 2000 is where it begins
        by = int.from_bytes(_in[2:], "big")
        rs = max(0, rs - by if _in[1] else rs + by)
    return kind


def watch():
    """Keep the least heap that was free after a collection."""
    if levels[_WATCH]:
        gc.collect()
        low = uctypes.bytearray_at(_address + _HEAP, 4)
        free = gc.mem_free()
        if free < int.from_bytes(low, "little"):
            low[:] = free.to_bytes(4, "little")


def wait():
    send(73)  # I: idle
    take()


def sleep_us(us):
    while us > 0:
        step = min(us, room())
        if step > 0:
            fold(step)
            us -= step
        else:
            wait()


def reset(cause=5):
    levels[CAUSE] = cause
    send(82)  # R: reset, followed by the clock, which survives it
    _ctl.write((rs * 1000000 + rus).to_bytes(8, "big"))
    while True:
        take()


def ask(kind, at, data):
    """Ask the bench what becomes of a transfer: of the flash (W), or on the I2C bus (T)."""
    send(kind)
    _ctl.write(at.to_bytes(4, "big") + len(data).to_bytes(2, "big"))
    _ctl.write(data)
    while True:
        kind = take()
        if kind in (68, 69, 78):  # D: go on; E: an error; N: nothing happens, nobody answers
            return kind


def ready(poller, ms):
    """What is ready among the registered streams; the control link is served on the way."""
    return [x for x in poller.poll(ms) if x[0] is not _ctl or not take()]


class ADC:
    ATTN_0DB = 0
    ATTN_11DB = 3

    def __init__(self, pin, atten=0):
        self._at = None  # where this channel's samples begin; None: no reading in this range
        self._of = _BLOCK * wiring.split().index(str(pin._id), 0, 2)
        self.init(atten)

    def init(self, atten):
        # Both inputs are biased at 1.3 V, beyond the other ranges of this board.
        self._at = self._of if atten == 3 else None

    atten = init

    def read(self):
        global k, n
        if k >= n:
            while room() < -_LATE_US:
                wait()
            send(65)  # A: a block of samples from now on
            while take() != 68:  # D: done
                pass
            n = _BLOCK
        v = _samples[k + self._at]
        k += 1
        return v

    def read_u16(self):
        v = self.read()
        return v << 4 | v >> 8

    def read_uv(self):
        return _factory_uv[self.read()]
