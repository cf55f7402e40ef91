"""ECDSA over P-256 with SHA-256 digests and the nonces of RFC 6979.

Signatures are r || s, 64 bytes. `sign` gives the low s (s <= (N-1)/2); `verify` accepts both, as
FIPS 186-5 does: who wants one signature per message and key, as the record decoder does, asks
`is_low_s` too.
"""

from wattseal.errors import Malformed, Misuse
from wattseal.fixed_base import G_BASE, run
from wattseal.hashing import hmac_sha256
from wattseal.labels import INVERSION
from wattseal.p256 import (
    N,
    P,
    decode_scalar,
    encode_scalar,
    inverse,
    jacobian_add,
    jacobian_multiply_steps,
    on_curve,
    to_affine,
)

SIGNATURE_BYTES = 64
_HALF_N = N >> 1


def public_key(secret):
    """Return the public point of a secret scalar in [1, N)."""
    _check_secret(secret)
    return G_BASE.multiply(secret, _mask(secret, b"", P))


def nonces(secret, digest):
    """Generate the nonces k of RFC 6979, section 3.2 (SHA-256), for a 32-byte digest.

    The first is the nonce; later ones serve where r or s would be zero.
    """
    seed = encode_scalar(secret) + encode_scalar(int.from_bytes(digest, "big") % N)
    value = b"\x01" * 32
    key = b"\x00" * 32
    key = hmac_sha256(key, value, b"\x00", seed)
    value = hmac_sha256(key, value)
    key = hmac_sha256(key, value, b"\x01", seed)
    value = hmac_sha256(key, value)
    while True:
        value = hmac_sha256(key, value)
        k = int.from_bytes(value, "big")
        if 0 < k < N:
            yield k
        key = hmac_sha256(key, value, b"\x00")
        value = hmac_sha256(key, value)


def sign(secret, digest):
    """Return the 64-byte low-s signature of a 32-byte digest by a secret in [1, N)."""
    return run(sign_steps(secret, digest))


def sign_steps(secret, digest):
    """Generate None between bounded pieces of work; return the signature as `sign` does.

    The nonce is made here, from the final digest alone: a nonce prepared in advance could meet
    two digests across a power cut and give the key away.
    """
    _check_secret(secret)
    if len(digest) != 32:
        raise Misuse("digest-length")
    z = int.from_bytes(digest, "big")
    for k in nonces(secret, digest):
        point = yield from G_BASE.steps(k, _mask(k, digest, P))
        yield
        r = to_affine(point)[0] % N
        yield
        # k is inverted under a multiplicative mask, so that the time of the inversion tells
        # nothing of k alone.
        mask = _mask(k, digest, N)
        s = (z + r * secret) % N * mask % N * inverse(k * mask, N) % N
        if r and s:
            return encode_scalar(r) + encode_scalar(s if s <= _HALF_N else N - s)


def _mask(secret, digest, modulus):
    """Return a secret number in [1, modulus) to hide `secret` while it is computed with."""
    label = INVERSION + modulus.to_bytes(32, "big")
    return int.from_bytes(hmac_sha256(encode_scalar(secret), label, digest), "big") % modulus or 1


def is_low_s(signature):
    """Tell whether s of a 64-byte signature is at most (N-1)/2."""
    return int.from_bytes(signature[32:], "big") <= _HALF_N


def verify(public, digest, signature):
    """Tell whether a 64-byte signature of a 32-byte digest is valid for a public point.

    A signature of another length, with r or s outside [1, N), or a public point that is the
    identity or off the curve, is invalid.
    """
    return run(verify_steps(public, digest, signature))


def verify_steps(public, digest, signature):
    """Generate None between bounded pieces of work; return what `verify` does."""
    if len(signature) != SIGNATURE_BYTES or len(digest) != 32:
        return False
    if public is None or not on_curve(public):
        return False
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not (0 < r < N and 0 < s < N):
        return False
    w = inverse(s, N)
    u1 = int.from_bytes(digest, "big") * w % N
    u2 = r * w % N
    yield
    first = yield from G_BASE.steps(u1)
    second = yield from jacobian_multiply_steps(u2, public)
    yield
    point = to_affine(jacobian_add(first, second))
    return point is not None and point[0] % N == r


def decode_secret(data):
    """Return the secret scalar of 32 bytes, in [1, N); Malformed `scalar-…` otherwise."""
    secret = decode_scalar(data)
    if secret == 0:
        raise Malformed("scalar-range")
    return secret


def _check_secret(secret):
    if not 0 < secret < N:
        raise Misuse("secret-range")
