"""Hashing to P-256: the suite P256_XMD:SHA-256_SSWU_RO_ of RFC 9380, section 8.2."""

from wattseal.errors import Misuse
from wattseal.hashing import sha256
from wattseal.p256 import A, B, P, add, inverse

_Z = P - 10
_FIELD_BYTES = 48  # L of section 5: enough for a bias below 2^-128


def expand_message_xmd(message, dst, length):
    """Return `length` uniform bytes (RFC 9380, section 5.3.1, SHA-256).

    Misuse `expand-length` for more than 8160 bytes or a tag of more than 255 bytes.
    """
    rounds = (length + 31) // 32
    if rounds > 255 or len(dst) > 255:
        raise Misuse("expand-length")
    dst_prime = dst + bytes([len(dst)])
    first = sha256(bytes(64), message, length.to_bytes(2, "big"), b"\0", dst_prime)
    block = sha256(first, b"\1", dst_prime)
    output = block
    for i in range(2, rounds + 1):
        block = sha256(bytes([first[j] ^ block[j] for j in range(32)]), bytes([i]), dst_prime)
        output += block
    return output[:length]


def hash_to_field(message, dst, count):
    """Return `count` elements of the field (RFC 9380, section 5.2)."""
    uniform = expand_message_xmd(message, dst, count * _FIELD_BYTES)
    return [
        int.from_bytes(uniform[i * _FIELD_BYTES : (i + 1) * _FIELD_BYTES], "big") % P
        for i in range(count)
    ]


def map_to_curve(u):
    """Return the point of a field element by simplified SWU (RFC 9380, section 6.6.2)."""
    zu2 = _Z * u * u % P
    tv1 = (zu2 * zu2 + zu2) % P
    if tv1 == 0:
        x = B * inverse(_Z * A, P) % P
    else:
        x = (P - B) * inverse(A, P) % P * (1 + inverse(tv1, P)) % P
    y = _square_root(x)
    if y is None:
        x = zu2 * x % P
        y = _square_root(x)
    if (u & 1) != (y & 1):
        y = P - y
    return (x, y)


def _square_root(x):
    """Return a y with (x, y) on the curve, or None."""
    y_squared = (x * x * x + A * x + B) % P
    y = pow(y_squared, (P + 1) // 4, P)
    return y if y * y % P == y_squared else None


def hash_to_curve(message, dst):
    """Return a point of unknown discrete logarithm for a message under a tag (cofactor 1)."""
    u0, u1 = hash_to_field(message, dst, 2)
    return add(map_to_curve(u0), map_to_curve(u1))
