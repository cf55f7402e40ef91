"""The meter's one button: what a press does, and what holding it does."""

import asyncio

from micropython import const

from meter.once import once

_BOUNCE_MS = const(30)  # contacts are at rest after that
_HELD_MS = const(5000)


class Button:
    """A press counts when the button is let go again, so that holding it answers nothing.

    pin: reads 0 while it is down. hall: where exports are withdrawn. The others: as named.
    """

    def __init__(self, clock, pin, notice, pairing, hall):
        self._clock = clock
        self._pin = pin
        self._notice = notice
        self._pairing = pairing
        self._hall = hall
        self._down = False
        self._late = False  # it was let go, but after so long that it had been held
        self._begun_ms = 0
        self._moved_ms = 0
        self._begun = asyncio.ThreadSafeFlag()

    def moved(self, _):
        """Take notice of an edge of the pin, perhaps in an interrupt."""
        now_ms = self._clock.peek_ms()
        down = not self._pin()
        if down == self._down or 0 <= now_ms - self._moved_ms < _BOUNCE_MS:
            return
        self._down = down
        self._moved_ms = now_ms
        if down:
            self._late = False
            self._begun_ms = now_ms
            self._begun.set()
        elif now_ms - self._begun_ms < _HELD_MS:
            self._press()
        else:
            self._late = True

    def _press(self):
        """It answers what is asked (a question that could hardly be read when it began swallows
        it), takes a PIN away that is being shown, so that the pages can be read, or else opens the
        pairing."""
        notice = self._notice
        if notice.press(self._begun_ms) or notice.question or notice.urgent:
            return
        if self._pairing.is_open():
            self._pairing.close()
        else:
            self._pairing.press()

    async def watch_forever(self):
        """See whether it is held; then the customer is asked whether all exports shall end."""
        while True:
            await self._begun.wait()
            begun_ms = self._begun_ms
            await asyncio.sleep_ms(max(0, begun_ms + _HELD_MS - self._clock.monotonic_ms()))
            if self._begun_ms != begun_ms:
                continue  # it was let go, and pressed again
            if self._down and self._pin():
                self._down = False  # let go too soon after the press to be told from its bounce
            elif self._down or self._late:
                self._late = False
                try:
                    await once(
                        "withdrawing", "ask", self._clock, self._notice, self._pairing, self._hall
                    )
                except MemoryError:
                    self._notice.release()  # whoever holds it sees nothing, and tries again
