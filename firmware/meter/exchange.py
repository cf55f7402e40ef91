"""The meter's side of an exchange of keys. Loaded for one (see `once`)."""

from wattseal.labels import EXPORT_PIN, METER_EPHEMERAL
from wattseal.p256 import N
from wattseal.pairing import epoch_secret, keys_steps, pin_scalar  # noqa: F401 (for pairing.py)
from wattseal.spake2 import SECOND, finish_steps, password_scalar, share_steps

from meter.drive import drive

BRINGS = ("wattseal.pairing", "wattseal.spake2", "wattseal.hkdf")


async def pairing(pin, other, random, public_key):
    """Return (the meter's share, the exchange's Keys) for the customer's share.

    random: function that returns 32 random bytes under a label.
    """
    w = pin_scalar(pin.encode())
    ephemeral = scalar(random)
    own = await drive(share_steps(SECOND, w, ephemeral))
    return own, await drive(keys_steps(SECOND, w, ephemeral, own, other, public_key))


async def exporting(pin, other, random, names, bound):
    """Return the same for an export's recipient: both names, and what is bound."""
    w = password_scalar(pin.encode(), EXPORT_PIN)
    ephemeral = scalar(random)
    own = await drive(share_steps(SECOND, w, ephemeral))
    return own, await drive(finish_steps(SECOND, w, ephemeral, own, other, names, bound))


def scalar(random):
    """Return a random scalar in [1, N)."""
    wide = random(METER_EPHEMERAL) + random(METER_EPHEMERAL)
    return int.from_bytes(wide, "big") % (N - 1) + 1
