"""What a provider signs to order a meter, and what a customer proves to it (SPEC.md 3.6).

Both answer a fresh challenge of the meter, so neither can be kept and used again.
"""

from wattseal.events import u32
from wattseal.hashing import hmac_sha256, sha256
from wattseal.labels import CONSENT_PROOF, PRICES_PROOF

CHALLENGE_BYTES = 16


def order_digest(label, meter, challenge, counter, time_s):
    """Return the 32-byte digest a provider signs.

    label: CLOCK_ORDER or CLOSE_ORDER. meter, challenge: 16 bytes each. counter: above that of
    every order before. time_s: UTC at the moment of signing.
    """
    return sha256(label, meter, challenge, u32(counter), u32(time_s))


def consent_proof(epoch_secret, meter, epoch, challenge, state):
    """Return the 32 bytes that show that who holds an epoch's secret gives or withdraws consent.

    state: GIVEN or WITHDRAWN.
    """
    return hmac_sha256(epoch_secret, CONSENT_PROOF, meter, u32(epoch), challenge, bytes([state]))


def prices_proof(epoch_secret, meter, epoch, challenge, digest):
    """Return the 32 bytes that show that who holds an epoch's secret loads a price list.

    digest: SHA-256 of the label PRICE_LIST and the list.
    """
    return hmac_sha256(epoch_secret, PRICES_PROOF, meter, u32(epoch), challenge, digest)
