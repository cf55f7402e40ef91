"""The customer's approval of the applet that waits. Loaded for one (see `once`)."""

from micropython import const
from wattseal.events import GIVEN

from meter import desk_codes as d
from meter.applet_files import path, sweep

BRINGS = ("meter.applet_files",)
_ASKED_MS = const(120_000)
_QUIET_MS = const(300_000)


async def ask(desk, name, lines):
    """Ask at the display for two minutes; what comes meanwhile is told to come again.

    Without a yes no applet may ask for some time: the button is the customer's, for pairing above
    all, and whoever asks again and again must not have it, nor the next press.
    """
    hall = desk.hall
    desk.answer = 0
    desk.notice.ask(lines, desk.say_yes)
    until_ms = desk.clock.monotonic_ms() + _ASKED_MS
    hall.quiet_ms = until_ms + _QUIET_MS
    while await desk.hear(until_ms):
        if desk.message:
            busy = desk.message[0] in (d.MANIFEST, d.REQUEST)
            desk.reply(d.BUSY if busy else d.SESSION)
        if desk.answer == d.NO:
            desk.result = d.REFUSED
            return
        if desk.answer:
            desk.notice.say(("Allowing ...",))
            await approve(hall, name)
        if desk.events.approved(name):  # perhaps at home
            hall.quiet_ms = 0
            desk.result = d.APPROVED
            return
        if desk.answer:
            desk.result = d.BUSY
            return


async def approve(hall, name):
    """Approve what waits; in the chain on return. False if the chain takes no event now."""
    storage = hall.storage
    events = hall.events
    if events.approved(name):
        return True
    # The file first: what the chain says is approved can be served.
    sweep(storage, events.applets())
    storage.replace(path(name), hall.waiting())
    done = await events.applet(GIVEN, name)
    if done:
        hall.wait(b"")
    return done
