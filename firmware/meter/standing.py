"""The key of a standing export. Loaded for one (see `once`)."""

from wattseal.export import standing_key
from wattseal.fixed_base import G_BASE
from wattseal.p256 import decode_point, jacobian_multiply_steps, to_affine
from wattseal.spake2 import encode_share

from meter.drive import drive
from meter.exchange import scalar

BRINGS = (
    "meter.exchange", "wattseal.export", "wattseal.pairing", "wattseal.spake2", "wattseal.hkdf",
)


async def agree(desk, plan):
    """Return (the recipient's key, the key of the export); the meter's share is on the desk."""
    ephemeral = scalar(desk.keys.random)
    recipient = plan.recipient_key
    desk.share = encode_share(to_affine(await drive(G_BASE.steps(ephemeral))))
    shared = await drive(jacobian_multiply_steps(ephemeral, decode_point(recipient)))
    key = standing_key(encode_share(to_affine(shared)), desk.share, recipient, plan.bound)
    return recipient, key
