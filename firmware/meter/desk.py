"""The desk: where the utility leaves what others ask of the meter's customer, and finds answers.

What crosses it is public or encrypted to whom the customer allowed. One thing at a time is in hand;
what does the work (`applets`, `export`) is in memory only meanwhile.
"""

import asyncio

from micropython import const

from meter.once import once
from meter.watchdog import DESK

# What is left here.
MANIFEST = const(1)
REQUEST = const(2)
SHARE = const(3)
CONFIRMATION = const(4)

# How far an export is.
NONE = const(0)
ASKED = const(1)  # the display asks, and the button answers
PIN_SHOWN = const(2)
ANSWERED = const(3)  # the meter has given its share
SERVING = const(4)
DONE = const(5)  # all chunks were made, and the meter has signed

# What became of the newest message.
TAKEN = const(1)
_IN_HAND = const(2)
FORM = const(3)
SIGNATURE = const(4)
UNKNOWN = const(5)  # no such applet, or it is not approved
SCOPE = const(6)  # more, or more often, than the applet may
PERIOD = const(7)  # not in the log, or another customer's
BUSY = const(8)
SESSION = const(9)
PIN_WRONG = const(10)
EXPIRED = const(11)
REFUSED = const(12)  # at the meter
FLASH = const(13)
WITHDRAWN = const(14)  # while it was being exported
APPROVED = const(15)  # the applet

_LENGTHS = {REQUEST: 60, SHARE: 81, CONFIRMATION: 48}
_LONGEST = const(242)
_JUDGED_MS = const(120_000)


class Desk:
    """Takes messages for the export and the applets. Attributes: what both need, and show.

    notice, pins: for the customer at the display. events: the chain's. random: function that
    returns 32 random bytes under a label.
    """

    def __init__(self, clock, storage, keys, log, openings, public, notice, pins, events, watchdog):
        self.clock = clock
        self.storage = storage
        self.keys = keys
        self.log = log
        self.openings = openings
        self.public = public
        self.notice = notice
        self.pins = pins
        self.events = events
        self._watchdog = watchdog
        self._news = asyncio.Event()
        self.message = None  # (kind, bytes) not taken yet
        self.result = 0
        self.answer = 0  # of the button: 1 yes
        self.served = {}  # when an applet began its newest export, UTC seconds by digest
        self.clear()

    def clear(self):
        """Forget the export."""
        self.state = NONE
        self.session = bytes(16)
        self.share = b""
        self.confirmation = b""
        self.signature = b""
        self.chunks = 0
        self.wanted = 0
        self.held = ()  # (number, chunk) of those that are ready
        self.read_ms = 0

    def put(self, data):
        """Take what was written: kind u16, length u16, message, zeros. None while one is in hand;
        False where it is none."""
        kind = int.from_bytes(data[:2], "big")
        length = int.from_bytes(data[2:4], "big")
        message = data[4 : 4 + length]
        if len(message) != length or any(data[4 + length :]) or len(data) - 4 - length > 1:
            return False
        if kind == MANIFEST:
            if not 64 < length <= _LONGEST:
                return False
        elif _LENGTHS.get(kind) != length:
            return False
        if self.message:
            return None
        self.message = (kind, message)
        self.result = _IN_HAND
        self._news.set()
        return True

    def status(self):
        """Return 192 bytes: how far the export is (SPEC.md 8.1)."""
        self.tick()
        head = self.state.to_bytes(2, "big") + self.result.to_bytes(2, "big") + self.session
        ready = max([number + 1 for number, _ in self.held]) if self.held else 0
        head += self.chunks.to_bytes(4, "big") + ready.to_bytes(4, "big")
        for data, length in ((self.share, 66), (self.confirmation, 32), (self.signature, 64)):
            head += data + bytes(length - len(data))
        return head + bytes(192 - len(head))

    def chunk(self, number):
        """Return a chunk; b"" while it is being made, None if there is no such chunk, or not yet."""
        if self.state not in (SERVING, DONE) or number >= self.chunks:
            return None
        self.read_ms = self.clock.monotonic_ms()
        if self.wanted != number:
            self.wanted = number
            self._news.set()
        for held, chunk in self.held:
            if held == number:
                return chunk
        return b""

    def wake(self):
        """Look again: something has changed."""
        self._news.set()

    def say_yes(self):
        """The button answers the question on the display. Perhaps in an interrupt."""
        self.answer = 1

    def tick(self):
        """Take notice of the button. To be called often."""
        if self.answer:
            self._news.set()

    async def hear(self, until_ms):
        """Wait for news; return whether there was any before a moment of the monotonic clock."""
        self._watchdog.rest(DESK)
        left_ms = until_ms - self.clock.monotonic_ms()
        try:
            if left_ms <= 0:
                return False
            await asyncio.wait_for_ms(self._news.wait(), left_ms)
        except asyncio.TimeoutError:
            return False
        finally:
            self._watchdog.promise(DESK, _JUDGED_MS)
        self._news.clear()
        return True

    async def serve_forever(self):
        """Deal with messages, one after the other."""
        while True:
            self._watchdog.rest(DESK)
            await self._news.wait()
            self._news.clear()
            self.answer = 0
            if not self.message:
                continue
            self._watchdog.promise(DESK, _JUDGED_MS)
            kind = self.message[0]
            if kind == REQUEST:
                await once("export", "serve", self)
            elif kind == MANIFEST:
                try:
                    await once("applets", "deploy", self)
                except OSError:
                    self.reply(FLASH)
            else:
                self.reply(SESSION)

    def reply(self, result):
        """Say what became of the message in hand."""
        self.message = None
        self.result = result
