"""The meter's side of SPAKE2, in steps that let the rest of the meter work. Loaded for one exchange
(see `once`)."""

import asyncio

from wattseal.labels import METER_EPHEMERAL
from wattseal.p256 import N
from wattseal.pairing import epoch_secret, keys_steps, pin_scalar  # noqa: F401 (for pairing.py)
from wattseal.spake2 import SECOND, share_steps


async def pairing(pin, other, random, public_key):
    """Return (the meter's share, the exchange's Keys) for the customer's share.

    random: function that returns 32 random bytes under a label.
    """
    w = pin_scalar(pin.encode())
    ephemeral = scalar(random)
    own = await drive(share_steps(SECOND, w, ephemeral))
    return own, await drive(keys_steps(SECOND, w, ephemeral, own, other, public_key))


def scalar(random):
    """Return a random scalar in [1, N)."""
    wide = random(METER_EPHEMERAL) + random(METER_EPHEMERAL)
    return int.from_bytes(wide, "big") % (N - 1) + 1


async def drive(steps):
    """Return what a generator of bounded steps returns, with everybody else at work between."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        await asyncio.sleep(0)
