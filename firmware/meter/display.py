"""The display in the home: asleep, until a press of the button or a notice wakes it.

Awake it shows page after page, or a notice for as long as there is one; a minute after the last
press or notice it sleeps, since what shines for years burns in. Asleep it costs nothing. Its
pictures are made and sent by modules that are loaded for that alone (see `once`).
"""

import asyncio

from micropython import const

from meter.once import once

_AWAKE_MS = const(60_000)
_PAGE_MS = const(5000)
_PART_MS = const(2500)  # of a notice; less than what makes a question answerable
_RETRY_MS = const(60_000)  # at most so often a display that does not answer is tried again
_PAGES = const(5)  # and one for each applet that may export, or one that says there is none
_ACCOUNTS = (1, 2)  # those that say what was used


class Display:
    """i2c: the bus. notice: what takes the display over. The rest is for the pages to look at."""

    def __init__(
        self, clock, i2c, notice, console, storage, metering, log, keys, openings, public, pairing
    ):
        self._i2c = i2c
        self._notice = notice
        self._console = console
        self.clock = clock
        self.storage = storage
        self.metering = metering
        self.log = log
        self.keys = keys
        self.openings = openings
        self.public = public
        self.pairing = pairing
        self.book = []  # see `account`
        self._woken = asyncio.ThreadSafeFlag()
        self._silent_ms = None  # since when no display answers
        notice.wake = self._woken.set

    async def show_forever(self):
        """Show what is to be shown. No fault of the display, and no want of memory, leaves it."""
        self._begin()
        while True:
            await self._woken.wait()
            if self._silent_ms is not None and (
                self.clock.monotonic_ms() - self._silent_ms < _RETRY_MS or not self._begin()
            ):
                continue
            try:
                await self._awake()
                once("ssd1306", "off", self._i2c)
            except OSError as error:
                self._fail(error)
            except MemoryError:
                pass  # it stays as it is until the next press

    async def _awake(self):
        notice = self._notice
        page = part = unread = 0
        lines = None
        sleeps_ms = self.clock.monotonic_ms() + _AWAKE_MS
        while notice.lines or self.clock.monotonic_ms() < sleeps_ms:
            wait_ms = _PAGE_MS
            fresh = notice.lines is not lines
            lines = notice.lines
            try:
                if lines:
                    part = 0 if fresh else part + 1
                    rows, parts = once("rows", "wrap", lines, part)
                    unread = parts if fresh else unread
                    if parts > 1:
                        wait_ms = _PART_MS
                else:
                    rows = await self._page(page)
                    page = (page + 1) % (_PAGES + max(1, len(self.public.events.applets())))
                await once("ssd1306", "draw", self._i2c, rows)
                if unread and lines and notice.lines is lines:
                    unread -= 1
                    notice.shown()  # no answer before all of it could be read
            except MemoryError:
                lines = None  # others need it more; soon again
            try:
                await asyncio.wait_for_ms(self._woken.wait(), wait_ms)
                sleeps_ms = self.clock.monotonic_ms() + _AWAKE_MS
            except asyncio.TimeoutError:  # noqa: UP041 (no name of MicroPython's)
                pass

    async def _page(self, page):
        """Return the rows of a page; what it takes is loaded in turn, as memory is short."""
        if page >= _PAGES:
            applets = self.public.events.applets()
            return once("allowed", "rows", page - _PAGES, applets, self.storage)
        now_s = self.clock.utc_s()
        offset_s = once("price_list", "offset_s", self.storage, self.keys.epoch, now_s)
        account = None
        if page in _ACCOUNTS and self.clock.is_set():
            account = await once("account", "bring_up", self)
        return once("pages", "rows", page, self, account, offset_s)

    def _begin(self):
        """Set the display up, dark. Return whether one answers."""
        try:
            once("ssd1306", "begin", self._i2c)
        except OSError as error:
            self._fail(error)
            return False
        except MemoryError:
            return False
        self._silent_ms = None
        self._notice.has_display = True
        return True

    def _fail(self, error):
        notice = self._notice
        if self._silent_ms is None:
            self._console(f"no display answers: {error}")
        if notice.has_display:
            notice.has_display = False
            notice.tell()
        self._silent_ms = self.clock.monotonic_ms()
