"""The meter's side of an exchange of keys by PIN. Loaded for one (see `once`)."""

from wattseal.errors import WattsealError
from wattseal.labels import EXPORT_PIN, METER_EPHEMERAL
from wattseal.p256 import N
from wattseal.pairing import epoch_secret, keys_steps, pin_scalar  # noqa: F401 (for pairing.py)
from wattseal.spake2 import SECOND, Keys, finish_steps, password_scalar, share_steps

from meter.drive import drive

BRINGS = ("wattseal.pairing", "wattseal.spake2", "wattseal.hkdf")

# What is kept of an exchange is plain bytes, so that this can be forgotten:
# (the meter's share, the key, the meter's confirmation, the other's that is to come).


async def pairing(pin, other, random, public_key):
    """Return it for the customer's share; Malformed or Refused `spake2-…`.

    random: function that returns 32 random bytes under a label.
    """
    w = pin_scalar(pin.encode())
    ephemeral = scalar(random)
    own = await drive(share_steps(SECOND, w, ephemeral))
    made = await drive(keys_steps(SECOND, w, ephemeral, own, other, public_key))
    return own, made.key, made.own, made.expected


async def exporting(pin, other, random, names, bound):
    """Return it for an export's recipient, None for a share that is none. names: of both."""
    w = password_scalar(pin.encode(), EXPORT_PIN)
    ephemeral = scalar(random)
    try:
        own = await drive(share_steps(SECOND, w, ephemeral))
        made = await drive(finish_steps(SECOND, w, ephemeral, own, other, names, bound))
    except WattsealError:
        return None
    return own, made.key, made.own, made.expected


def same(confirmation, expected):
    """Tell whether the other side's confirmation is the one that is to come."""
    try:
        Keys(b"", b"", expected).check(confirmation)
    except WattsealError:
        return False
    return True


def scalar(random):
    """Return a random scalar in [1, N)."""
    wide = random(METER_EPHEMERAL) + random(METER_EPHEMERAL)
    return int.from_bytes(wide, "big") % (N - 1) + 1
