"""Pairing by PIN: from six digits on the meter's display to the next epoch's secret.

The customer is SPAKE2's first side, the meter its second, and the meter's public key is what both
mean to agree on besides: so the customer learns the key of the meter whose display it read. The
customer confirms first, with its random bytes; the meter answers with its own.
"""

from wattseal.fixed_base import run
from wattseal.hkdf import hkdf_sha256
from wattseal.keytree import SECRET_BYTES
from wattseal.labels import EPOCH_SECRET, PAIRING_PIN
from wattseal.record import meter_id
from wattseal.spake2 import FIRST, finish_steps, password_scalar, share

NAME = b"customer"
PIN_DIGITS = 6


def pin_scalar(pin):
    """Return w of a PIN (bytes, six digits)."""
    return password_scalar(pin, PAIRING_PIN)


def keys_steps(side, w, ephemeral, own, other, public_key):
    """Generate None between bounded pieces of work; return the exchange's `Keys`, as
    `spake2.finish_steps`. own, other: the two shares. public_key: the meter's, 33 bytes."""
    names = (NAME, meter_id(public_key))
    return finish_steps(side, w, ephemeral, own, other, names, public_key)


def epoch_secret(key, meter_random, customer_random, meter):
    """Return the 32-byte secret of an epoch, from the exchange's key (16 bytes) and 32 random bytes
    of each side, for a meter id."""
    return hkdf_sha256(key, meter_random + customer_random, EPOCH_SECRET + meter, SECRET_BYTES)


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
        self._keys = None
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
