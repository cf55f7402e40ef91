"""The customer's approval of the applet that waits. Loaded for one (see `once`)."""

from micropython import const
from wattseal.events import GIVEN

from meter import desk_codes as d
from meter.applet_files import WAITING, path, sweep

BRINGS = ("meter.applet_files",)
_ASKED_MS = const(120_000)


async def ask(desk, name, lines):
    """Ask at the display for two minutes. A message that comes is served first: who is asked at
    home still can approve."""
    desk.answer = 0
    desk.notice.ask(lines, desk.say_yes)
    until_ms = desk.clock.monotonic_ms() + _ASKED_MS
    while await desk.hear(until_ms) and not desk.message:
        if desk.events.approved(name):  # at home
            desk.result = d.APPROVED
            return
        if desk.answer == d.NO:
            desk.result = d.REFUSED
            return
        if desk.answer:
            desk.notice.say(("Allowing ...",))
            done = await approve(desk.storage, desk.events, name)
            desk.result = d.APPROVED if done else d.BUSY
            return


async def approve(storage, events, name):
    """Approve it; in the chain on return. False if the chain takes no event now."""
    if events.approved(name):
        return True
    # The file first: what the chain says is approved can be served.
    storage.replace(path(name), storage.read(WAITING))
    done = await events.applet(GIVEN, name)
    if done:
        storage.remove(WAITING)
        sweep(storage, events.applets())
    return done
