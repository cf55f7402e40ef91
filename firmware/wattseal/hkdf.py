"""HKDF with SHA-256 (RFC 5869)."""

from wattseal.errors import Misuse
from wattseal.hashing import hmac_sha256

_HASH_BYTES = 32


def hkdf_sha256(secret, salt, info, length):
    """Return `length` bytes (1 to 8160) of key material from `secret`, for the use `info` names.

    An empty salt stands for none. Misuse `hkdf-length` for another length.
    """
    if not 0 < length <= 255 * _HASH_BYTES:
        raise Misuse("hkdf-length")
    key = hmac_sha256(salt, secret)
    result = b""
    block = b""
    while len(result) < length:
        count = len(result) // _HASH_BYTES + 1
        block = hmac_sha256(key, block, info, count.to_bytes(1, "big"))
        result += block
    return result[:length]
