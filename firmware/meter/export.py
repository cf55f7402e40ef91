"""The chunks of an export, from its key to the meter's signature. Loaded meanwhile.

Whoever asks gets a block's key or a sum's opening, encrypted under the key of this export, and
nothing of the readings themselves leaves the log (SPEC.md 8.3).
"""

import asyncio

from wattseal.ecdsa import sign_steps
from wattseal.export import Cipher, absorb, transcript

from meter import desk_codes as d
from meter.drive import drive
from meter.export_items import Items

BRINGS = ("meter.begins", "meter.export_items", "wattseal.export", "wattseal.hkdf")
_IDLE_MS = 600_000  # a broken link may come back
_BUSY_MS = 60_000  # and keeps others out for so long
_CHUNK_MS = 2000  # in all it keeps them out for 10 minutes, and so long a chunk


async def serve(desk, plan, first, key):
    """Make the chunks that are wanted, in order, and sign when the last one is made.

    first: the first share of the exchange; key: its key. `desk` says how it ended.
    """
    cipher = Cipher(key, plan.bound)
    items = Items(desk, plan)
    running = bytes(32)
    made = 0
    desk.chunks = items.chunks
    desk.state = d.SERVING
    begun_ms = desk.read_ms = desk.clock.monotonic_ms()
    while True:
        while True:
            number = _next(desk, made)
            if number is None:
                break
            data = await items.chunk(number)
            if not desk.stands(plan):
                return desk.end(d.WITHDRAWN)
            chunk = cipher.seal(number, number + 1 == desk.chunks, data)
            if number == made:
                made += 1
                running = absorb(running, chunk)
            near = (desk.wanted, desk.wanted + 1)
            desk.held = [held for held in desk.held if held[0] in near]
            desk.held.append((number, chunk))
            await asyncio.sleep(0)
        if made == desk.chunks and desk.state == d.SERVING:
            digest = transcript(plan.bound, first, desk.share, made, running)
            desk.signature = await drive(sign_steps(desk.keys.secret, digest))
            desk.state = d.DONE
            desk.hall.hush()
        heard = await desk.hear(desk.read_ms + _IDLE_MS)
        if not desk.stands(plan):
            return desk.end(d.WITHDRAWN)
        if not heard and desk.clock.monotonic_ms() >= desk.read_ms + _IDLE_MS:
            return desk.end(d.EXPIRED)
        if desk.message:
            kind = desk.message[0]
            now_ms = desk.clock.monotonic_ms()
            gives_way = (
                desk.state == d.DONE
                or now_ms - desk.read_ms > _BUSY_MS
                or now_ms - begun_ms > _IDLE_MS + _CHUNK_MS * desk.chunks
            )
            if kind in (d.REQUEST, d.MANIFEST) and gives_way:
                return None
            desk.reply(d.BUSY if kind in (d.MANIFEST, d.REQUEST) else d.SESSION)


def _next(desk, made):
    """Return the number of the chunk to make now: the one wanted, or else the one after it; None
    where both are there. Chunks are made in order."""
    held = [number for number, _ in desk.held]
    for number in (desk.wanted, desk.wanted + 1):
        if number < desk.chunks and min(number, made) not in held:
            return min(number, made)
    return None
