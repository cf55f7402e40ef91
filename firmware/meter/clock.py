"""Time: UTC from the real-time clock, and a monotonic count that outlives the wrap of the ticks."""

from micropython import const

_UNIX_TO_2000_MS = const(946684800000)
_EARLIEST_S = const(1262304000)  # 2010: an earlier clock was never set
_LATEST_S = const(4102444800)  # 2100: a later one is wrong, and sealed time cannot go back


class Clock:
    """Both clocks of the board. `time` is the module of that name, or one like it.

    rtc: sets the real-time clock, as machine.RTC().datetime. Until `keep_by_orders`, UTC is what
    that clock says, whoever set it; from then on it is what `set` said, and goes by the ticks.
    """

    def __init__(self, time, rtc=None):
        self._gmtime = time.gmtime
        self._rtc = rtc
        self._offset_ms = None
        self._time_ns = time.time_ns
        self._ticks_ms = time.ticks_ms
        self._ticks_diff = time.ticks_diff
        # MicroPython counts from 2000 on ESP32 and from 1970 on other ports.
        self._epoch_ms = _UNIX_TO_2000_MS if time.gmtime(0)[0] == 2000 else 0
        self._last = self._ticks_ms()
        self._monotonic_ms = 0

    def utc_ms(self):
        """Return milliseconds since 1970-01-01T00:00:00Z, as far as the clock is set."""
        if self._offset_ms is not None:
            return self.monotonic_ms() + self._offset_ms
        return self._time_ns() // 1_000_000 + self._epoch_ms

    def utc_s(self):
        """Return whole seconds since 1970-01-01T00:00:00Z, as far as the clock is set."""
        return self.utc_ms() // 1000

    def is_set(self):
        """Tell whether anybody has set the clock since power-on."""
        return _EARLIEST_S <= self.utc_s() < _LATEST_S

    def keep_by_orders(self, kept):
        """Let only `set` set the clock. kept: it was set so before this boot and has gone on."""
        self._offset_ms = self.utc_ms() - self.monotonic_ms() if kept else 0

    def set(self, utc_ms):
        """Set the clock, and the real-time clock with it, which outlives a reset."""
        self._offset_ms = utc_ms - self.monotonic_ms()
        year, month, day, hour, minute, second, weekday = self._gmtime(
            (utc_ms - self._epoch_ms) // 1000
        )[:7]
        self._rtc((year, month, day, weekday, hour, minute, second, utc_ms % 1000 * 1000))

    def monotonic_ms(self):
        """Return milliseconds since boot. To be called at least every six days (half a wrap)."""
        now = self._ticks_ms()
        self._monotonic_ms += self._ticks_diff(now, self._last)
        self._last = now
        return self._monotonic_ms

    def peek_ms(self):
        """Return the monotonic milliseconds without moving the count: for interrupt handlers.

        It may be ahead by the time between two calls of `monotonic_ms`, if it interrupts one.
        """
        return self._monotonic_ms + self._ticks_diff(self._ticks_ms(), self._last)

    def ms_until_multiple(self, period_ms):
        """Return the milliseconds to the next whole multiple of a period of UTC: 1 to period."""
        return period_ms - self.utc_ms() % period_ms
