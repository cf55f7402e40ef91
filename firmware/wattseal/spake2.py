"""SPAKE2-P256-SHA256-HKDF-HMAC with key confirmation (RFC 9382).

Two sides that share a password of few bits get a key of 128, and whoever does not know the
password gets one guess from each exchange and nothing to search afterwards. A share is a point,
uncompressed (65 bytes), so that its reader needs no square root.

    w = password_scalar(pin, context)
    share = yield from share_steps(side, w, ephemeral)          # sent; the other's is received
    keys = yield from finish_steps(side, w, ephemeral, share, other, names, additional)

`ephemeral` is a scalar in [1, N) from a random source, for one exchange and never again. Whoever
must not be guessed at by many tries counts an exchange as used when its share leaves.

The multiplications are in variable time: each secret scalar serves for one exchange (SPEC.md
section 9).
"""

from wattseal.errors import Malformed, Misuse, Refused
from wattseal.fixed_base import G_BASE, run
from wattseal.hashing import hmac_sha256, sha256
from wattseal.hkdf import hkdf_sha256
from wattseal.p256 import (
    N,
    P,
    jacobian_add,
    jacobian_add_affine,
    jacobian_multiply_steps,
    on_curve,
    to_affine,
)

FIRST = 0  # A of the RFC
SECOND = 1  # B
SHARE_BYTES = 65
CONFIRMATION_BYTES = 32

# M and N of the RFC, section 6: nobody knows their logarithms. By side.
BLINDS = (
    (
        0x886E2F97ACE46E55BA9DD7242579F2993B64E16EF3DCAB95AFD497333D8FA12F,
        0x5FF355163E43CE224E0B0E65FF02AC8E5C7BE09419C785E0CA547D55A12E2D20,
    ),
    (
        0xD8BBD6C639C62937B04D997F38C3770719C629D7014D49A24B4F98BAA1292B49,
        0x07D60AA6BFADE45008A636337F5168C64D9BD36034808CD564490B1E656EDBE7,
    ),
)
_WIDE_BYTES = 48
_KEY_BYTES = 16


class Keys:
    """What an exchange gives: `key` (16 bytes), the own confirmation and the one expected."""

    def __init__(self, key, own, expected):
        self.key = key
        self.own = own
        self.expected = expected

    def check(self, confirmation):
        """Refused `spake2-confirmation` unless the other side knows the password and transcript.

        Before it the key is not to be used.
        """
        if len(confirmation) != CONFIRMATION_BYTES:
            raise Malformed("spake2-confirmation-length")
        difference = 0
        for own, other in zip(self.expected, confirmation):  # noqa: B905 (no strict= on the VM)
            difference |= own ^ other
        if difference:
            raise Refused("spake2-confirmation")


def password_scalar(password, context):
    """Return w for a password (bytes) in a context that names its use (bytes)."""
    wide = hkdf_sha256(password, b"", context, _WIDE_BYTES)
    return int.from_bytes(wide, "big") % N


def share_steps(side, w, ephemeral):
    """Generate None between bounded pieces of work; return the 65 bytes to send."""
    _check(side, w, ephemeral)
    own = yield from G_BASE.steps(ephemeral)
    blind = yield from jacobian_multiply_steps(w, BLINDS[side])
    yield
    share = to_affine(jacobian_add(own, blind))
    if share is None:
        raise Misuse("spake2-ephemeral")
    return encode_share(share)


def finish_steps(side, w, ephemeral, share, other, names, additional):
    """Generate None between bounded pieces of work; return the exchange's `Keys`.

    share, other  the shares that this side sent and received (bytes)
    names         of the first and of the second side (bytes each)
    additional    what both sides mean to agree on besides (bytes)

    Malformed `spake2-share-…` if the other's is no point; Refused `spake2-share` if it is one
    from which no secret comes.
    """
    _check(side, w, ephemeral)
    point = decode_share(other)
    blind = yield from jacobian_multiply_steps(w and N - w, BLINDS[1 - side])
    yield
    point = to_affine(jacobian_add_affine(blind, point[0], point[1]))
    if point is None:
        raise Refused("spake2-share")
    yield
    secret = yield from jacobian_multiply_steps(ephemeral, point)
    yield
    secret = encode_share(to_affine(secret))
    shares = (share, other) if side == FIRST else (other, share)
    transcript = b""
    for part in (names[0], names[1], shares[0], shares[1], secret, w.to_bytes(32, "big")):
        transcript += len(part).to_bytes(8, "little") + part
    both = sha256(transcript)
    confirm = hkdf_sha256(both[_KEY_BYTES:], b"", b"ConfirmationKeys" + additional, 2 * _KEY_BYTES)
    macs = (
        hmac_sha256(confirm[:_KEY_BYTES], transcript),
        hmac_sha256(confirm[_KEY_BYTES:], transcript),
    )
    return Keys(both[:_KEY_BYTES], macs[side], macs[1 - side])


def share(side, w, ephemeral):
    """Return what `share_steps` does."""
    return run(share_steps(side, w, ephemeral))


def finish(side, w, ephemeral, own, other, names, additional):
    """Return what `finish_steps` does."""
    return run(finish_steps(side, w, ephemeral, own, other, names, additional))


def encode_share(point):
    """Return the 65-byte uncompressed form (SEC 1, 2.3.3) of a point."""
    return b"\x04" + int(point[0]).to_bytes(32, "big") + int(point[1]).to_bytes(32, "big")


def decode_share(data):
    """Return the point of 65 bytes.

    Malformed `spake2-share-length`, `spake2-share-prefix`, `spake2-share-off-curve`.
    """
    if len(data) != SHARE_BYTES:
        raise Malformed("spake2-share-length")
    if data[0] != 4:
        raise Malformed("spake2-share-prefix")
    point = (int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big"))
    if point[0] >= P or point[1] >= P or not on_curve(point):
        raise Malformed("spake2-share-off-curve")
    return point


def _check(side, w, ephemeral):
    if side not in (FIRST, SECOND) or not 0 <= w < N:
        raise Misuse("spake2-input")
    if not 0 < ephemeral < N:
        raise Misuse("spake2-ephemeral")
