"""SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104) over parts given one after another."""

from hashlib import sha256 as _sha256

_BLOCK_BYTES = 64
_INNER = int.from_bytes(b"\x36" * _BLOCK_BYTES, "big")
_OUTER = int.from_bytes(b"\x5c" * _BLOCK_BYTES, "big")


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
    padded = int.from_bytes(key + bytes(_BLOCK_BYTES - len(key)), "big")
    inner = sha256((padded ^ _INNER).to_bytes(_BLOCK_BYTES, "big"), *parts)
    return sha256((padded ^ _OUTER).to_bytes(_BLOCK_BYTES, "big"), inner)
