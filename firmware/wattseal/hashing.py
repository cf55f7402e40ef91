"""SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104) over parts given one after another."""

from hashlib import sha256 as _sha256

_BLOCK_BYTES = 64


def sha256(*parts):
    """Return the 32-byte SHA-256 of the parts, concatenated."""
    state = _sha256()
    for part in parts:
        state.update(part)
    return state.digest()


def hmac_sha256(key, *parts):
    """Return the 32-byte HMAC-SHA-256 of the parts, concatenated, under `key` (any length)."""
    if len(key) > _BLOCK_BYTES:
        key = sha256(key)
    inner = bytearray(b"\x36" * _BLOCK_BYTES)
    outer = bytearray(b"\x5c" * _BLOCK_BYTES)
    for i, byte in enumerate(key):
        inner[i] ^= byte
        outer[i] ^= byte
    return sha256(outer, sha256(inner, *parts))
