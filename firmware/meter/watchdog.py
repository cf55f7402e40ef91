"""A watchdog that one stuck task cannot keep alive.

A task says by when it will have got on; while it waits for the world it says so. Only the task
that measures feeds the board's watchdog, at each burst, and only while nobody is late.
"""

from micropython import const

SEALING = const(0)
CUSTOMER = const(1)
UTILITY = const(2)
ORDERS = const(3)
DESK = const(4)
_TASKS = const(5)


class Watchdog:
    """feed: feeds the board's watchdog. Tasks go by the names above."""

    def __init__(self, clock, feed):
        self._clock = clock
        self._feed = feed
        self._late_ms = [-1] * _TASKS

    def promise(self, task, within_ms):
        """Say that a task gets on within some milliseconds."""
        self._late_ms[task] = self._clock.monotonic_ms() + within_ms

    def rest(self, task):
        """Say that a task has nothing to do."""
        self._late_ms[task] = -1

    def feed(self):
        """Feed, unless a task is late."""
        now_ms = self._clock.monotonic_ms()
        for late_ms in self._late_ms:
            if 0 <= late_ms < now_ms:
                return
        self._feed()
