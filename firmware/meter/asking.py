"""An export by PIN up to its key: the button, the display, the exchange. Loaded meanwhile."""

from meter import desk_codes as d
from meter.local_time import civil_from_days
from meter.once import once

_ASKED_MS = 600_000
_KEPT_MS = 60_000  # for so long no other question takes its place
_PIN_MS = 300_000
_CONFIRMED_MS = 60_000
_DAY_S = 86400


async def agree(desk, plan):
    """Return (the recipient's share, the key), None where it came to nothing: `desk` says why."""
    desk.state = d.ASKED
    desk.answer = 0
    desk.notice.ask(_lines(plan, "Export? Press."), desk.say_yes)
    until_ms = desk.clock.monotonic_ms() + _ASKED_MS
    while not desk.answer:
        if not await desk.hear(until_ms):
            return desk.end(d.EXPIRED)
        if not desk.stands(plan):
            return desk.end(d.WITHDRAWN)
        if desk.message:
            kind = desk.message[0]
            left_ms = until_ms - desk.clock.monotonic_ms()
            if kind == d.REQUEST and left_ms < _ASKED_MS - _KEPT_MS:
                return None  # the newer one is asked about instead
            desk.reply(d.BUSY if kind in (d.MANIFEST, d.REQUEST) else d.SESSION)
    if desk.answer == d.NO:
        return desk.end(d.REFUSED)
    pin = desk.hall.pins.draw()
    desk.state = d.PIN_SHOWN
    desk.answer = 0
    desk.notice.ask(_lines(plan, "PIN " + pin, "Press: refuse."), desk.say_yes)
    other = await _message(desk, plan, d.SHARE, _PIN_MS)
    if not other:
        return None
    desk.notice.say(("Exporting to", plan.origin.decode()))
    keys = desk.keys
    exchange = await once(
        "exchange", "exporting", pin, other, keys.random, (plan.origin, keys.meter), plan.bound
    )
    if not exchange:
        return desk.end(d.PIN_WRONG)
    own, key, confirmation, expected = exchange
    desk.share = own
    desk.state = d.ANSWERED
    desk.reply(d.TAKEN)
    given = await _message(desk, plan, d.CONFIRMATION, _CONFIRMED_MS)
    if not given:
        return None
    if not once("exchange", "same", given, expected):
        return desk.end(d.PIN_WRONG)
    desk.confirmation = confirmation
    desk.reply(d.TAKEN)
    return other, key


async def _message(desk, plan, kind, within_ms):
    """Return the message of this kind for this session, None at the export's end; others are
    refused."""
    until_ms = desk.clock.monotonic_ms() + within_ms
    while await desk.hear(until_ms):
        if desk.answer:
            return desk.end(d.REFUSED)
        if not desk.stands(plan):
            return desk.end(d.WITHDRAWN)
        if desk.message:
            got, data = desk.message
            if got == kind and data[:16] == plan.session:
                return data[16:]
            desk.reply(d.BUSY if got in (d.MANIFEST, d.REQUEST) else d.SESSION)
    return desk.end(d.EXPIRED)


def _lines(plan, head, foot=""):
    """Return what the display says of it: period and granularity, then the recipient."""
    wide = plan.granularity_s
    return (head,) + ((foot,) if foot else ()) + (
        _day(plan.start_s) + " to", _day(plan.end_s),
        f"sums of {wide} s" if wide else "every reading", "to " + plan.origin.decode(),
    )  # fmt: skip


def _day(time_s):
    year, month, day = civil_from_days(time_s // _DAY_S)
    minute = time_s % _DAY_S // 60
    return f"{year}-{month:02d}-{day:02d} {minute // 60:02d}:{minute % 60:02d}"
