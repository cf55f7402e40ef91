"""The hall: where the utility's port leaves messages for the desk, which is set up for each."""

import asyncio

from meter.once import once

_STATUS_BYTES = 192


class Hall:
    """Gives the desk what it needs; forgets it when nothing is left to do.

    events: the chain's. notice, pins, pairing: for the customer at the display. served: when an
    applet began its newest export since the boot, UTC seconds by digest. quiet_ms: until when no
    applet may ask to be approved, on the monotonic clock.
    """

    def __init__(
        self, clock, storage, keys, log, openings, public, notice, pins, pairing, events, watchdog
    ):
        self.clock = clock
        self.storage = storage
        self.keys = keys
        self.log = log
        self.openings = openings
        self.public = public
        self.notice = notice
        self.pins = pins
        self.pairing = pairing
        self.events = events
        self.watchdog = watchdog
        self.served = {}
        self.quiet_ms = 0
        self._waiting = b""
        self._asked = -1  # the epoch whose customer is asked
        self._desk = None
        self._task = None
        self._status = bytes(_STATUS_BYTES)

    def wait(self, data):
        """Keep a signed manifest until it is approved, another comes, or this customer leaves.
        In memory alone: who deploys a thousand wears no flash."""
        self._waiting = data
        self._asked = self.keys.epoch

    def waiting(self):
        """Return the signed manifest that waits for this customer's approval, b"" if none does."""
        return self._waiting if self._asked == self.keys.epoch else b""

    def hush(self):
        """Take away what the desk shows, and nothing of the pairing's."""
        if not self.pairing.shows():
            self.notice.clear()

    def put(self, data):
        """Take what was written for the desk: None while a message is in hand, False for none."""
        if self._desk:
            return self._desk.put(data)
        desk = once("desk", "Desk", self)
        taken = desk.put(data)
        if taken:
            self._desk = desk
            self._task = asyncio.create_task(self._serve(desk))
        return taken

    async def _serve(self, desk):
        try:
            await desk.serve()
        finally:
            self.hush()
            desk.clear()
            self._status = desk.status()
            self._desk = self._task = None

    def status(self):
        """Return 192 bytes: how far the export is, or how the last message ended."""
        return self._desk.status() if self._desk else self._status

    def chunk(self, number):
        """Return a chunk; b"" while it is being made, None if there is none, or not yet."""
        return self._desk.chunk(number) if self._desk else None

    def look(self):
        """Take notice of the button, and of time. To be called often."""
        self.pairing.tick()
        if self._desk:
            self._desk.look()

    def decline(self):
        """Answer no to whatever the desk asks."""
        if self._desk:
            self._desk.decline()

    def wake(self):
        """Something has changed that an export depends on."""
        if self._desk:
            self._desk.wake()
