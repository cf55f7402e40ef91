"""`time` on virtual time; epoch 2000, ticks wrap at 2^30, as on ESP32; the zone is UTC."""

import emu
import utime
from emu import sleep_us

_SHIFT = 946684800  # seconds from 1970 to 2000


def ticks_us():
    return (emu.tus + emu.k * 100) & 0x3FFFFFFF


def ticks_ms():
    return (emu.tms + (emu.sub + emu.k * 100) // 1000) & 0x3FFFFFFF


def ticks_add(a, b):
    return (a + b) & 0x3FFFFFFF


def ticks_diff(a, b):
    return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000


ticks_cpu = ticks_us


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(s):
    sleep_us(int(s * 1000000))


def time():
    emu.fold(0)
    return emu.rs


def time_ns():
    emu.fold(0)
    return (emu.rs * 1000000 + emu.rus) * 1000


def gmtime(s=None):
    return utime.gmtime((time() if s is None else s) + _SHIFT)[:8]


localtime = gmtime


def mktime(t):
    return utime.mktime(t) - _SHIFT
