"""The desk: what others ask of the meter's customer over the utility's port, while it is in hand.

What crosses it is public or encrypted to whom the customer allowed. One thing at a time is in hand;
the desk and what does its work (`applets`, `export`) are in memory only meanwhile.
"""

import asyncio

from micropython import const

from meter import desk_codes as d
from meter.once import once
from meter.watchdog import DESK

_LENGTHS = {d.REQUEST: 60, d.SHARE: 81, d.CONFIRMATION: 48}
_LONGEST = const(242)
BRINGS = ("meter.desk_codes",)
_JUDGED_MS = const(120_000)
_AHEAD_S = const(900)


class Desk:
    """Takes messages for the export and the applets. Attributes: what both need, and show.

    hall: the `Hall` it stands in, whose things it shares.
    """

    def __init__(self, hall):
        self.hall = hall
        self.clock = hall.clock
        self.storage = hall.storage
        self.keys = hall.keys
        self.log = hall.log
        self.public = hall.public
        self.notice = hall.notice
        self.events = hall.events
        self._watchdog = hall.watchdog
        self._news = asyncio.Event()
        self.message = None  # type: tuple[int, bytes] | None  # not taken yet
        self.result = 0
        self.answer = 0  # of the button: 1 yes, 2 no
        self.clear()

    def clear(self):
        """Forget the export."""
        self.state = d.NONE
        self.session = bytes(16)
        self.share = b""
        self.confirmation = b""
        self.signature = b""
        self.chunks = 0
        self.wanted = 0
        self.held = []  # type: list[tuple[int, bytes]]  # the chunks that are ready
        self.read_ms = 0

    def put(self, data):
        """Take what was written: kind u16, length u16, message, zeros. None while one is in hand;
        False where it is none."""
        kind = int.from_bytes(data[:2], "big")
        length = int.from_bytes(data[2:4], "big")
        message = data[4 : 4 + length]
        if len(message) != length or any(data[4 + length :]) or len(data) - 4 - length > 1:
            return False
        if kind == d.MANIFEST:
            if not 64 < length <= _LONGEST:
                return False
        elif _LENGTHS.get(kind) != length:
            return False
        if self.message:
            return None
        self.message = (kind, message)
        self.result = d.IN_HAND
        self._news.set()
        return True

    def status(self):
        """Return 192 bytes: how far the export is (SPEC.md 8.1)."""
        self.look()
        head = self.state.to_bytes(2, "big") + self.result.to_bytes(2, "big") + self.session
        ready = max([number + 1 for number, _ in self.held]) if self.held else 0
        head += self.chunks.to_bytes(4, "big") + ready.to_bytes(4, "big")
        for data, length in ((self.share, 66), (self.confirmation, 32), (self.signature, 64)):
            head += data + bytes(length - len(data))
        return head + bytes(192 - len(head))

    def chunk(self, number):
        """Return a chunk; b"" while it is being made, None if there is none, or not yet."""
        if self.state not in (d.SERVING, d.DONE) or number >= self.chunks:
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

    def decline(self):
        """The customer has something else in mind."""
        self.answer = d.NO
        self._news.set()

    def look(self):
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
        except asyncio.TimeoutError:  # noqa: UP041 (no name of MicroPython's)
            return False
        finally:
            self._watchdog.promise(DESK, _JUDGED_MS)
        self._news.clear()
        return True

    async def serve(self):
        """Deal with messages, one after the other, until there is none."""
        while self.message:
            self.answer = 0
            self._watchdog.promise(DESK, _JUDGED_MS)
            kind = self.message[0]
            try:
                if kind == d.REQUEST:
                    await self._export()
                elif kind == d.MANIFEST:
                    await self._deploy()
                else:
                    self.reply(d.SESSION)
            except OSError:
                self.reply(d.FLASH)
            except MemoryError:
                self.reply(d.MEMORY)
            self.hall.hush()
            self.clear()
        self._watchdog.rest(DESK)

    async def _deploy(self):
        result, name, lines = await once("deploying", "check", self)
        self.reply(result)
        if name:
            await once("approving", "ask", self, name, lines)

    async def _export(self):
        refusal, plan = once("judge", "judge", self)
        if refusal:
            return self.reply(refusal)
        self.clear()
        self.session = plan.session
        self.reply(d.TAKEN)
        if plan.recipient_key[0]:
            self.notice.say(("Exporting to", plan.origin.decode()))
            agreed = await once("standing", "agree", self, plan)
        else:
            agreed = await once("asking", "agree", self, plan)
        if agreed:
            if plan.every_s:
                self._note(plan)
            await once("export", "serve", self, plan, *agreed)
        return None

    def _note(self, plan):
        """Take note of when this export begins; OSError. Where exports may follow each other fast
        the flash is asked for some time ahead: a restart then makes the next one wait longer."""
        now_s = max(self.clock.utc_s(), plan.end_s)  # without a clock: no earlier than that
        self.hall.served[plan.name] = now_s
        if now_s > self.events.exported_s(plan.name):
            ahead_s = 0 if plan.every_s >= _AHEAD_S else _AHEAD_S
            self.events.note_export(plan.name, now_s + ahead_s)

    def stands(self, plan):
        """Tell whether what an export rests on is still there: the customer, and the approval."""
        return self.keys.epoch == plan.epoch and self.events.approved(plan.name)

    def end(self, result):
        """The export in hand ends so, with its message if there is one."""
        self.reply(result)

    def reply(self, result):
        """Say what became of the message in hand."""
        self.message = None
        self.result = result
