"""All exports withdrawn at the meter, by whoever held its button. Loaded for that (see `once`)."""

import asyncio

from micropython import const

_ASKED_MS = const(60_000)
_RECORDED_MS = const(60_000)
_SAID_MS = const(10_000)
_LOOK_MS = const(200)
_AGAIN_MS = const(1000)


async def ask(clock, notice, pairing, hall):
    """Ask at the display, before all else; withdraw every applet if a press says so.

    Whatever else was asked there is refused, and the pairing closed: the press shall not be taken
    for an answer to that.
    """
    pairing.close()
    hall.decline()
    count = len(hall.events.applets())
    if not count:
        notice.insist(("No exports are", "allowed."))
        await asyncio.sleep_ms(_SAID_MS)
    else:
        # Every recipient at once: whoever is in a hurry shall not have to choose.
        notice.insist(("Withdraw", f"all exports ({count})?", "", "Press: yes."), True)
        until_ms = clock.monotonic_ms() + _ASKED_MS
        while notice.question and clock.monotonic_ms() < until_ms:
            await asyncio.sleep_ms(_LOOK_MS)
        if not notice.question:
            await _withdraw(clock, notice, hall)
    notice.release()


async def _withdraw(clock, notice, hall):
    """Withdraw them, and say so when it is in the chain."""
    notice.insist(("Withdrawing ...",))
    events = hall.events
    until_ms = clock.monotonic_ms() + _RECORDED_MS
    done = events.withdraw_all()
    hall.wake()
    while not done and clock.monotonic_ms() < until_ms:
        await asyncio.sleep_ms(_AGAIN_MS)
        done = events.withdraw_all()
    if done:
        notice.insist(("All exports", "are withdrawn."))
    else:
        # Nothing is exported, until a restart brings the approvals back: the customer has to know.
        notice.insist(("Not recorded:", "flash refuses.", "Try again later."))
    await asyncio.sleep_ms(_SAID_MS)
