"""Double masking after Bonawitz et al. (2017): seeds, masks, and secrets shared by Shamir.

Every number is a scalar modulo the group order n, so that values and blindings are masked alike
and a sum of masked ones is a sum of scalars. A member's masked number is

    x + mask(self seed) + Σ over peers above it mask(pair seed) - Σ over peers below it mask(…)

so the pair masks of all who answer cancel. The secrets come from the operating system.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import ECKey
from wattseal.errors import Misuse, Refused
from wattseal.p256 import SCALAR_BYTES, N

from wattseal_host.keys import openssl_key

PAIR = b"wattseal/1/group/pair\0"
SELF = b"wattseal/1/group/self\0"
SEALED = b"wattseal/1/group/sealed-share\0"
NONCE_BYTES = 12
SEALED_BYTES = NONCE_BYTES + 2 * SCALAR_BYTES + 16


def private_key(secret: int) -> ec.EllipticCurvePrivateKey:
    """OpenSSL's form of a scalar in 1..n-1; its arithmetic is constant-time."""
    return ec.derive_private_key(secret, ec.SECP256R1())


def signing_key(secret: int) -> ECKey:
    """joserfc's form of a scalar in 1..n-1."""
    return ECKey.import_key(private_key(secret))


def fresh_scalar() -> int:
    """A uniform scalar in 1..n-1."""
    return secrets.randbelow(N - 1) + 1


def agree(secret: int, peer: bytes, info: bytes) -> bytes:
    """32 bytes that only two hold: by a scalar and the other's public key (33 bytes)."""
    shared = private_key(secret).exchange(ec.ECDH(), openssl_key(peer))
    return HKDF(SHA256(), 32, salt=None, info=info).derive(shared)


def pair_seed(secret: int, peer: bytes, plan: bytes, one: bytes, other: bytes) -> bytes:
    """The seed of two members' pair mask in one run; the same for both. one, other: meters."""
    return agree(secret, peer, PAIR + plan + min(one, other) + max(one, other))


def self_seed(secret: int, plan: bytes, meter: bytes) -> bytes:
    """The seed of a member's own mask, and its digest's preimage, from its shared secret."""
    return hashlib.sha256(SELF + plan + meter + secret.to_bytes(SCALAR_BYTES, "big")).digest()


def mask(seed: bytes, count: int) -> list[int]:
    """`count` scalars modulo n from a seed, as good as uniform (64 bytes to each)."""
    words = []
    for index in range(count):
        parts = (index.to_bytes(4, "big") + bytes([half]) for half in (0, 1))
        wide = b"".join(hmac.digest(seed, part, "sha256") for part in parts)
        words.append(int.from_bytes(wide, "big") % N)
    return words


def split(secret: int, threshold: int, count: int) -> list[int]:
    """Shares 1..count of a scalar: any `threshold` of them give it back, fewer say nothing."""
    if not 1 <= threshold <= count < N:
        raise Misuse("group-threshold")
    terms = [secret, *(secrets.randbelow(N) for _ in range(threshold - 1))]
    shares = []
    for at in range(1, count + 1):
        value = 0
        for term in reversed(terms):
            value = (value * at + term) % N
        shares.append(value)
    return shares


def join(shares: Mapping[int, int]) -> int:
    """The scalar of shares by their places (from 1); right if there are enough true ones."""
    total = 0
    for at, share in shares.items():
        above, below = 1, 1
        for other in shares:
            if other != at:
                above = above * other % N
                below = below * (other - at) % N
        total += share * above * pow(below, -1, N)
    return total % N


def seal(secret: int, peer: bytes, about: bytes, shares: Sequence[int]) -> bytes:
    """Two shares for a peer's eyes alone. about: plan, sender and receiver, authenticated."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    plain = b"".join(share.to_bytes(SCALAR_BYTES, "big") for share in shares)
    key = agree(secret, peer, SEALED + about)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def unseal(secret: int, peer: bytes, about: bytes, data: bytes) -> tuple[int, int]:
    """The two shares a peer sealed. Refused `group-sealed`."""
    key = agree(secret, peer, SEALED + about)
    try:
        plain = AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], about)
    except InvalidTag as error:
        raise Refused("group-sealed") from error
    first, second = (int.from_bytes(plain[i : i + SCALAR_BYTES], "big") for i in (0, SCALAR_BYTES))
    if len(plain) != 2 * SCALAR_BYTES or max(first, second) >= N:
        raise Refused("group-sealed")
    return first, second
