"""The customer's side of a pairing by PIN (see `pairing`); no meter loads it."""

from wattseal.fixed_base import run
from wattseal.pairing import epoch_secret, keys_steps, pin_scalar
from wattseal.record import meter_id
from wattseal.spake2 import FIRST, Keys, share

PIN_DIGITS = 6


class Customer:
    """The customer's side of one pairing.

    pin: bytes, as the display shows it. ephemeral: a scalar in [1, N) from a random source, for
    this pairing alone. random: 32 bytes of the same.
    """

    def __init__(self, pin, ephemeral, random):
        self.random = random
        self._w = pin_scalar(pin)
        self._ephemeral = ephemeral
        self.share = share(FIRST, self._w, ephemeral)
        self._keys = Keys(b"", b"", b"")  # none yet: no confirmation is empty
        self._meter = b""

    def confirm(self, public_key, other):
        """Return the 32 bytes that show the meter with this key that we know its PIN.

        other: its share. Malformed `spake2-share-…`, Refused `spake2-share`, or as
        `p256.decode_point` of the key.
        """
        steps = keys_steps(FIRST, self._w, self._ephemeral, self.share, other, public_key)
        self._keys = run(steps)
        self._meter = meter_id(public_key)
        return self._keys.own

    def secret(self, confirmation, meter_random):
        """Return the epoch's secret, after the meter's answer to `confirm`.

        Refused `spake2-confirmation`: it is not the meter whose display was read.
        """
        self._keys.check(confirmation)
        return epoch_secret(self._keys.key, meter_random, self.random, self._meter)
