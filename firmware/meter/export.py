"""One export: from the request on the desk to the signed end of its chunks. Loaded meanwhile.

Whoever asks gets a block's key or a sum's opening, encrypted under the key of this export, and
nothing of the readings themselves leaves the log (SPEC.md 8.3).
"""

import asyncio

from wattseal.ecdsa import sign_steps
from wattseal.errors import WattsealError
from wattseal.export import Cipher, absorb, binding, transcript
from wattseal.manifest import ONE_TIME, Manifest
from wattseal.record import decode_body

from meter import desk_codes as d
from meter.applet_files import read
from meter.drive import drive
from meter.export_items import Items, begins
from meter.local_time import civil_from_days
from meter.once import once

BRINGS = (
    "meter.applet_files", "meter.desk_codes", "meter.export_items", "wattseal.export",
    "wattseal.hkdf", "wattseal.manifest",
)
_ASKED_MS = 600_000
_PIN_MS = 300_000
_IDLE_MS = 600_000  # a broken link may come back
_BUSY_MS = 60_000  # and keeps others out for so long
_DAY_S = 86400


async def serve(desk):
    """Serve the request on the desk, and those that replace it, until none is left."""
    while desk.message and desk.message[0] == d.REQUEST:
        try:
            await _Export(desk).run()
        except _Over:
            pass
        except OSError:
            desk.reply(d.FLASH)
        desk.notice.clear()
        desk.clear()


class _Over(Exception):
    """This export has ended."""


class _Export:
    def __init__(self, desk):
        self._desk = desk
        data = desk.message[1]
        self.name = data[:32]
        self.session = data[32:48]
        self.start_s, self.end_s, self.granularity_s = [
            int.from_bytes(data[at : at + 4], "big") for at in (48, 52, 56)
        ]
        self.manifest = Manifest()
        self.epoch = desk.keys.epoch

    async def run(self):
        desk = self._desk
        refusal = self._refusal()
        if refusal:
            desk.reply(refusal)
            return
        desk.clear()
        desk.session = self.session
        keys = desk.keys
        origin = self.manifest.origin
        bound = binding(
            origin, self.start_s, self.end_s, self.granularity_s, keys.public, self.session
        )
        desk.reply(d.TAKEN)
        if self.manifest.kind == ONE_TIME:
            await self._asked()
            first, key = await self._exchanged(bound)
        else:
            first = self.manifest.recipient_key
            key = await self._for_standing(bound)
        desk.hall.served[self.name] = desk.clock.utc_s()
        await self._chunks(bound, key, first)

    def _refusal(self):
        """Return why the request is refused, 0 if it is not."""
        desk = self._desk
        if desk.notice.lines:
            return d.BUSY  # it stands where this would be asked
        manifest = read(desk.storage, self.name) if desk.events.approved(self.name) else None
        if not manifest:
            return d.UNKNOWN
        self.manifest = manifest
        interval_s = desk.public.interval_s
        now_s = desk.clock.utc_s()
        wide = self.granularity_s
        if not self.start_s < self.end_s or wide < manifest.granularity_s or wide % interval_s:
            return d.SCOPE
        if manifest.reach_s and self.start_s < now_s - manifest.reach_s:
            return d.SCOPE
        if now_s - desk.hall.served.get(self.name, -manifest.every_s) < manifest.every_s:
            return d.SCOPE
        self.first = begins(desk.log, self.start_s, desk.log.oldest)
        self.end = begins(desk.log, self.end_s, self.first)
        newest = decode_body(desk.log.body(desk.log.count - 1)) if desk.log.count else None
        if not newest or self.first == self.end or newest.end_s < self.end_s:
            return d.PERIOD
        oldest = desk.log.body(self.first)
        if not oldest or decode_body(oldest).start_s >= self.end_s:
            return d.PERIOD
        if not self._of_this_customer():
            return d.PERIOD
        return 0

    def _of_this_customer(self):
        """Tell whether the first reading is of the current epoch: those after it are, too."""
        for seq in range(self.first, self.end):
            body = self._desk.log.body(seq)
            record = decode_body(body) if body else None
            if record is None or record.channels:
                return record is not None and record.epoch == self.epoch
        return False

    async def _asked(self):
        desk = self._desk
        desk.state = d.ASKED
        desk.answer = 0
        desk.notice.ask(self._lines("Export? Press."), desk.say_yes)
        until_ms = desk.clock.monotonic_ms() + _ASKED_MS
        while not desk.answer:
            if not await self._hear(until_ms):
                self._end(d.EXPIRED)
            if desk.message:
                if desk.message[0] == d.REQUEST:
                    raise _Over  # the newer one is asked about instead
                desk.reply(d.BUSY if desk.message[0] == d.MANIFEST else d.SESSION)

    async def _exchanged(self, bound):
        """Return (the recipient's share, the key): the PIN is right, and spent."""
        desk = self._desk
        pin = desk.hall.pins.draw()
        desk.state = d.PIN_SHOWN
        desk.answer = 0
        desk.notice.ask(self._lines("PIN " + pin, "Press: refuse."), desk.say_yes)
        other = await self._message(d.SHARE, _PIN_MS)
        desk.notice.clear()
        keys = desk.keys
        names = (self.manifest.origin, keys.meter)
        try:
            own, exchange = await once(
                "exchange", "exporting", pin, other, keys.random, names, bound
            )
        except WattsealError:
            self._end(d.PIN_WRONG)
        desk.share = own
        desk.state = d.ANSWERED
        desk.reply(d.TAKEN)
        confirmation = await self._message(d.CONFIRMATION, _BUSY_MS)
        try:
            exchange.check(confirmation)
        except WattsealError:
            self._end(d.PIN_WRONG)
        desk.confirmation = exchange.own
        desk.reply(d.TAKEN)
        return other, exchange.key

    async def _message(self, kind, within_ms):
        """Return the message of this kind for this session; others are refused."""
        desk = self._desk
        until_ms = desk.clock.monotonic_ms() + within_ms
        while await self._hear(until_ms):
            if desk.answer:
                self._end(d.REFUSED)
            if desk.message:
                got, data = desk.message
                if got == kind and data[:16] == self.session:
                    return data[16:]
                desk.reply(d.BUSY if got in (d.MANIFEST, d.REQUEST) else d.SESSION)
        return self._end(d.EXPIRED)

    async def _for_standing(self, bound):
        desk = self._desk
        desk.share, key = await once(
            "standing", "agree", desk.keys.random, self.manifest.recipient_key, bound
        )
        return key

    async def _chunks(self, bound, key, first):
        """Make the chunks that are wanted, in order, and sign when the last one is made."""
        desk = self._desk
        cipher = Cipher(key, bound)
        items = Items(desk, self)
        running = bytes(32)
        made = 0
        desk.chunks = items.chunks
        desk.state = d.SERVING
        desk.read_ms = desk.clock.monotonic_ms()
        while True:
            while desk.wanted < desk.chunks and not self._ready(made):
                number = self._next(made)
                data = await items.chunk(number)
                self._check()
                chunk = cipher.seal(number, number + 1 == desk.chunks, data)
                if number == made:
                    made += 1
                    running = absorb(running, chunk)
                keep = [held for held in desk.held if held[0] in (desk.wanted, desk.wanted + 1)]
                keep.append((number, chunk))
                desk.held = keep
                await asyncio.sleep(0)
            if made == desk.chunks and desk.state == d.SERVING:
                digest = transcript(bound, first, desk.share, made, running)
                signature = await drive(sign_steps(desk.keys.secret, digest))
                desk.signature = signature
                desk.state = d.DONE
            heard = await self._hear(desk.read_ms + _IDLE_MS)
            if not heard and desk.clock.monotonic_ms() >= desk.read_ms + _IDLE_MS:
                self._end(d.EXPIRED)
            if desk.message:
                idle_ms = desk.clock.monotonic_ms() - desk.read_ms
                if desk.message[0] == d.REQUEST and (
                    desk.state == d.DONE or idle_ms > _BUSY_MS
                ):
                    return
                desk.reply(
                    d.BUSY if desk.message[0] in (d.MANIFEST, d.REQUEST) else d.SESSION
                )

    def _ready(self, made):
        """Tell whether what is wanted is there, and the next one, so far as chunks go in order."""
        held = [number for number, _ in self._desk.held]
        return self._desk.wanted in held and self._next(made) in held

    def _next(self, made):
        """Return the number of the chunk to make now."""
        desk = self._desk
        held = [number for number, _ in desk.held]
        wanted = min(desk.wanted, made)
        if wanted not in held or wanted + 1 == desk.chunks:
            return wanted
        return min(wanted + 1, made)

    async def _hear(self, until_ms):
        heard = await self._desk.hear(until_ms)
        self._check()
        return heard

    def _check(self):
        desk = self._desk
        if desk.keys.epoch != self.epoch or not desk.events.approved(self.name):
            self._end(d.WITHDRAWN)

    def _end(self, result):
        desk = self._desk
        if desk.message:
            desk.message = None
        desk.result = result
        raise _Over

    def _lines(self, head, foot=""):
        """Return what the display says of it: recipient, period, granularity."""
        wide = self.granularity_s
        return (
            head, self.manifest.origin.decode(), _day(self.start_s) + " to", _day(self.end_s),
            f"every {wide} s" if wide else "every reading",
            foot,
        )


def _day(time_s):
    year, month, day = civil_from_days(time_s // _DAY_S)
    minute = time_s % _DAY_S // 60
    return f"{year}-{month:02d}-{day:02d} {minute // 60:02d}:{minute % 60:02d}"
