"""Pairing: for a minute after the button the display shows a PIN, good for one try."""

from micropython import const
from wattseal.errors import Refused
from wattseal.hashing import hmac_sha256
from wattseal.labels import METER_PAIRING_RANDOM, METER_PIN

from meter.once import once

_WINDOW_MS = const(60_000)
_PIN_DIGITS = const(6)


class Pins:
    """PINs, each drawn for one use; cheap enough for an interrupt handler.

    random: function that returns 32 random bytes under a label.
    """

    def __init__(self, random):
        self._secret = random(METER_PIN)
        self._drawn = 0

    def draw(self):
        """Return a fresh PIN, six digits (str)."""
        self._drawn += 1
        wide = hmac_sha256(self._secret, METER_PIN, self._drawn.to_bytes(4, "big"))
        pin = int.from_bytes(wide[:16], "big") % 10**_PIN_DIGITS
        return "0" * (_PIN_DIGITS - len(str(pin))) + str(pin)


class Pairing:
    """The window and what it admits: one try at a PIN for each press of the button.

    notice: shows the PIN. pins: draws it.
    """

    def __init__(self, clock, keys, notice, pins):
        self._clock = clock
        self._keys = keys
        self._notice = notice
        self._pins = pins
        self._pin = ""
        self._lines = ()
        self._shown = False
        self._closes_ms = 0
        self._random = b""
        self._exchange = None  # as in `exchange`, between share and confirmation

    def press(self):
        """Open the window with a new PIN. May be called by an interrupt handler."""
        self._pin = self._pins.draw()
        self._exchange = None
        self._closes_ms = self._clock.peek_ms() + _WINDOW_MS
        self._shown = True
        self._say("Pairing", "PIN " + self._pin)

    def is_open(self):
        """Tell whether the window is open, and its PIN not tried yet."""
        return bool(self._pin) and self._clock.peek_ms() < self._closes_ms

    def shows(self):
        """Tell whether what is on the display is the pairing's."""
        return self._shown and self._notice.lines is self._lines

    def close(self):
        """Close the window before its time. May be called by an interrupt handler."""
        shows = self.shows()
        self._pin = ""
        self._shown = False
        if shows:
            self._notice.clear()

    def _say(self, *lines):
        self._lines = lines
        self._notice.say(lines)

    def tick(self):
        """Take away what the display says when its time is over. To be called often."""
        if self._shown and self._clock.monotonic_ms() >= self._closes_ms:
            self._exchange = None
            self.close()

    async def answer(self, share):
        """Return the meter's share (65 bytes) to the customer's, which spends the PIN.

        Refused `pairing-closed` without a press; Malformed or Refused as `spake2.finish_steps`.
        """
        if not self.is_open():
            raise Refused("pairing-closed")
        pin = self._pin
        self._pin = ""
        # Until it is over: the display has that to show, and loads none of its pages meanwhile.
        self._say("Pairing ...")
        keys = self._keys
        self._exchange = await once("exchange", "pairing", pin, share, keys.random, keys.public)
        self._random = keys.random(METER_PAIRING_RANDOM)
        return self._exchange[0]

    def confirm(self, confirmation, customer_random):
        """Return (next epoch, the meter's confirmation, its 32 random bytes): the epoch's secret
        is durable, and both sides have it.

        The epoch begins at an interval boundary. Refused `pairing-closed` without an exchange;
        `pairing-pin` for a wrong PIN, which ends it; `pairing-busy` while an epoch is just
        beginning, or OSError if the flash failed: then the same may be sent again.
        """
        if not self._exchange or self._clock.monotonic_ms() >= self._closes_ms:
            raise Refused("pairing-closed")
        _, key, own, expected = self._exchange
        if not once("exchange", "same", confirmation, expected):
            self._exchange = None
            self._say("Pairing:", "wrong PIN")
            raise Refused("pairing-pin")
        keys = self._keys
        keys.prepare_epoch(
            once("exchange", "epoch_secret", key, self._random, customer_random, keys.meter)
        )
        self._exchange = None
        self._say("Paired.")
        return keys.epoch + 1, own, self._random
