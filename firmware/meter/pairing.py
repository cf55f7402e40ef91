"""Pairing: for a minute after the button, the cable in the customer port may ask for a secret."""

from micropython import const
from wattseal.errors import Refused

_WINDOW_MS = const(60_000)


class Pairing:
    """The window and what it admits: one new epoch secret for each press of the button."""

    def __init__(self, clock, keys):
        self._clock = clock
        self._keys = keys
        self._closes_ms = 0

    def press(self):
        """Open the window, or keep it open from now. May be called by an interrupt handler."""
        self._closes_ms = self._clock.peek_ms() + _WINDOW_MS

    def is_open(self):
        """Tell whether the window is open."""
        return self._clock.monotonic_ms() < self._closes_ms

    def pair(self, customer_random):
        """Return (next epoch, its 32-byte secret), durable, and close the window.

        customer_random: 32 bytes. The epoch begins at an interval boundary. Refused
        `pairing-closed` without a press; `pairing-busy` while an epoch is just beginning, or
        OSError if the flash failed: then the window stays open.
        """
        if not self.is_open():
            raise Refused("pairing-closed")
        self._keys.prepare_epoch(customer_random)
        self._closes_ms = 0
        return self._keys.epoch + 1, self._keys.pending
