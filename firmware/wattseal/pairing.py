"""Pairing by PIN: from six digits on the meter's display to the next epoch's secret.

The customer is SPAKE2's first side, the meter its second, and the meter's public key is what both
mean to agree on besides: so the customer learns the key of the meter whose display it read. The
customer confirms first, with its random bytes; the meter answers with its own.
"""

from wattseal.hkdf import hkdf_sha256
from wattseal.keytree import SECRET_BYTES
from wattseal.labels import EPOCH_SECRET, PAIRING_PIN
from wattseal.record import meter_id
from wattseal.spake2 import finish_steps, password_scalar

NAME = b"customer"


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
