"""Pedersen commitments C = v*G + r*H and the ciphertext that travels beside them."""

from wattseal.errors import Misuse
from wattseal.fixed_base import G_BASE, G_SHORT, H_BASE, run
from wattseal.hashing import hmac_sha256, sha256
from wattseal.labels import BATCH, INVERSION
from wattseal.p256 import N, P, add, encode_scalar, jacobian_add_affine, to_affine

VALUE_LIMIT = 1 << 32
CIPHERTEXT_BYTES = 5
_HALF_WEIGHT = 1 << 127
HIDDEN_LIMIT = 4  # the hidden flags are two bits, named in record.py


def commit(value, blinding):
    """Return the point value*G + blinding*H; 0 <= value < 2^32, 0 <= blinding < N."""
    return run(commit_steps(value, run(blinding_steps(blinding))))


def blinding_steps(blinding):
    """Generate None between bounded pieces of work; return what `commit_steps` goes on from.

    That is blinding*H and the start of the value's comb. It needs no reading: a meter does it in
    idle time. 0 <= blinding < N.
    """
    mask = int.from_bytes(hmac_sha256(encode_scalar(blinding), INVERSION), "big") % P or 1
    point = yield from H_BASE.steps(blinding, mask)
    yield
    x, y, _ = G_SHORT.start()
    return jacobian_add_affine(point, x, y)


def commit_steps(value, blinding_point):
    """Generate None between bounded pieces of work; return the affine commitment to a value.

    `blinding_point` is what `blinding_steps` returned. Misuse `value-range` outside 32 bits,
    `point-identity` if the commitment is the identity (it has no encoding; probability 2^-256).
    """
    if not 0 <= value < VALUE_LIMIT:
        raise Misuse("value-range")
    triple = yield from G_SHORT.steps_from(blinding_point, value)
    yield
    point = to_affine(triple)
    if point is None:
        raise Misuse("point-identity")
    return point


def opens(point, value, blinding):
    """Tell whether (value, blinding) opens a commitment.

    Numbers out of range open nothing, and neither does (0, 0), whose point has no encoding.
    """
    if not (0 <= value < VALUE_LIMIT and 0 <= blinding < N):
        return False
    return (value or blinding) != 0 and commit(value, blinding) == point


def opens_all(points, values, blindings, entropy):
    """Tell whether every (value, blinding) opens its commitment, in one multi-exponentiation.

    `entropy` is 32 fresh random bytes nobody could foresee who chose the inputs: each equation
    is weighted with 128 bits derived from it (as a signed number: one digit less to add up), so
    a false one passes with probability 2^-128. No equation at all holds.
    """
    # A meter opens nothing, and has no heap for this.
    from wattseal.multi_exp import multi_exp

    if not len(points) == len(values) == len(blindings) or len(entropy) != 32:
        raise Misuse("length-mismatch")
    weights = []
    value_sum = 0
    blinding_sum = 0
    pair = b""
    for i in range(len(points)):
        value = values[i]
        blinding = blindings[i]
        if not (0 <= value < VALUE_LIMIT and 0 <= blinding < N):
            return False
        if i & 1:
            weight = int.from_bytes(pair[16:], "big") - _HALF_WEIGHT
        else:
            pair = sha256(BATCH, entropy, (i >> 1).to_bytes(4, "big"))
            weight = int.from_bytes(pair[:16], "big") - _HALF_WEIGHT
        weights.append(weight)
        value_sum += weight * value
        blinding_sum += weight * blinding
    claimed = add(G_BASE.multiply(value_sum % N), H_BASE.multiply(blinding_sum % N))
    return multi_exp(points, weights) == claimed


def mask_reading(value, hidden_flags, pad):
    """Return the 5-byte ciphertext of a value and its hidden flags under a pad.

    Misuse `value-range`, `hidden-flags` or `pad-length` for what a reader would refuse.
    """
    if not 0 <= value < VALUE_LIMIT:
        raise Misuse("value-range")
    if not 0 <= hidden_flags < HIDDEN_LIMIT:
        raise Misuse("hidden-flags")
    if len(pad) != CIPHERTEXT_BYTES:
        raise Misuse("pad-length")
    clear = value.to_bytes(4, "big") + bytes([hidden_flags])
    return bytes([clear[i] ^ pad[i] for i in range(CIPHERTEXT_BYTES)])


def unmask_reading(ciphertext, pad):
    """Return (value, hidden_flags) of a ciphertext under a pad.

    The caller must check the value against the commitment before using either; flags not
    below HIDDEN_LIMIT beside a right value are a meter's error (SPEC.md 4.4).
    """
    if len(ciphertext) != CIPHERTEXT_BYTES or len(pad) != CIPHERTEXT_BYTES:
        raise Misuse("pad-length")
    clear = int.from_bytes(ciphertext, "big") ^ int.from_bytes(pad, "big")
    return clear >> 8, clear & 0xFF
