"""The group P-256 (secp256r1; FIPS 186-4 D.1.2.3, SEC 1): encodings and arithmetic.

A point is an affine pair `(x, y)` of integers in [0, P); the identity is `None`. Functions whose
name begins with `jacobian_` work on triples `(X, Y, Z)` for x = X/Z^2, y = Y/Z^3, with Z = 0 for
the identity. Coordinates may be Python ints, MicroPython ints or gmpy2.mpz: results have the
type of the inputs.

The curve's order is prime, so no point but the identity has y = 0.
"""

from wattseal.errors import Malformed, Misuse

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

SCALAR_BYTES = 32
POINT_BYTES = 33
HINT_BYTES = 32

# By kind of integer: how to invert one modulo a prime, where its library knows better than Euclid.
INVERSES = {}  # type: dict

_JACOBIAN_IDENTITY = (1, 1, 0)
_SQRT_EXPONENT = (P + 1) // 4  # P = 3 mod 4


# --- integers modulo a prime -------------------------------------------------------------------


def inverse(a, modulus):
    """Return 1/a modulo the prime `modulus`; Misuse `inverse-of-zero` if there is none.

    By Euclid, which costs an eighth of Fermat's power. (`pow(a, -1, m)` silently gives 0 on
    MicroPython.) Variable time: whoever has a secret to invert hides it under a random factor
    first (SPEC.md section 9).
    """
    u = a % modulus
    if u == 0:
        raise Misuse("inverse-of-zero")
    quicker = INVERSES.get(type(u))
    if quicker is not None:
        return quicker(u, modulus)
    v = modulus
    # u = x*a and v = y*a (mod modulus)
    x = 1
    y = 0
    while u:
        quotient, rest = divmod(v, u)
        v = u
        u = rest
        y, x = x, y - quotient * x
    return y % modulus


def batch_inverse(values, modulus):
    """Return the inverses of a list of values modulo a prime, at the price of one (Montgomery).

    Misuse `inverse-of-zero` if any value is zero.
    """
    if not values:
        return []
    prefix = []
    product = 1
    for value in values:
        prefix.append(product)
        product = product * value % modulus
    running = inverse(product, modulus)
    result = [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        result[i] = prefix[i] * running % modulus
        running = running * values[i] % modulus
    return result


# --- encodings (SPEC.md section 2.2) -----------------------------------------------------------


def encode_scalar(k):
    """Return the 32 big-endian bytes of a scalar in [0, N)."""
    if not 0 <= k < N:
        raise Misuse("scalar-range")
    return int(k).to_bytes(SCALAR_BYTES, "big")


def decode_scalar(data):
    """Return the scalar in [0, N) from exactly 32 bytes; Malformed `scalar-…` otherwise."""
    if len(data) != SCALAR_BYTES:
        raise Malformed("scalar-length")
    k = int.from_bytes(data, "big")
    if k >= N:
        raise Malformed("scalar-range")
    return k


def encode_point(point):
    """Return the 33-byte compressed form (SEC 1, 2.3.3) of a point; the identity has none."""
    if point is None:
        raise Misuse("point-identity")
    x, y = point
    return (b"\x03" if y & 1 else b"\x02") + int(x).to_bytes(32, "big")


def encode_hint(point):
    """Return the 32 bytes of y: beside the compressed form they spare the reader a square root."""
    if point is None:
        raise Misuse("point-identity")
    return int(point[1]).to_bytes(HINT_BYTES, "big")


def decode_point(data, number=int):
    """Return the point of a 33-byte compressed form, its coordinates made by `number`.

    Malformed `point-length`, `point-prefix`, `point-range` (x not below P) or `point-off-curve`.
    The identity has no encoding.
    """
    x = _decode_x(data, number)
    y_squared = _curve_rhs(x)
    y = pow(y_squared, _SQRT_EXPONENT, P)
    if y * y % P != y_squared:
        raise Malformed("point-off-curve")
    if (y & 1) != (data[0] & 1):
        y = P - y
    return (x, y)


def decode_point_hinted(data, hint, number=int):
    """Return the point of a 33-byte compressed form, given its y in 32 bytes.

    The result is the one of `decode_point(data, number)` or an error: Malformed as there, or
    `point-hint` if the hint is not this point's y.
    """
    x = _decode_x(data, number)
    if len(hint) != HINT_BYTES:
        raise Malformed("point-hint")
    y = int.from_bytes(hint, "big")
    if y >= P or (hint[31] ^ data[0]) & 1:
        raise Malformed("point-hint")
    y = number(y)
    if (y * y - (x * x - 3) * x - B) % number(P):
        raise Malformed("point-hint")
    return (x, y)


def _decode_x(data, number):
    if len(data) != POINT_BYTES:
        raise Malformed("point-length")
    if data[0] not in (2, 3):
        raise Malformed("point-prefix")
    x = int.from_bytes(data[1:], "big")
    if x >= P:
        raise Malformed("point-range")
    return number(x)


def _curve_rhs(x):
    return ((x * x - 3) * x + B) % P


def on_curve(point):
    """Tell whether an affine pair is a point of the curve with reduced coordinates."""
    x, y = point
    return 0 <= x < P and 0 <= y < P and y * y % P == _curve_rhs(x)


# --- Jacobian arithmetic -----------------------------------------------------------------------


def to_jacobian(point):
    """Return the Jacobian triple of an affine point or the identity."""
    return _JACOBIAN_IDENTITY if point is None else (point[0], point[1], 1)


def to_affine(triple):
    """Return the affine point of a Jacobian triple (one inversion)."""
    x, y, z = triple
    if z == 0:
        return None
    z_inv = inverse(z, P)
    z_inv2 = z_inv * z_inv % P
    return (x * z_inv2 % P, y * z_inv2 % P * z_inv % P)


def jacobian_double(triple):
    """Return 2*triple (EFD dbl-2001-b, a = -3). The identity doubles to itself."""
    x, y, z = triple
    delta = z * z % P
    gamma = y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    z3 = 2 * y * z % P
    y3 = (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P
    return (x3, y3, z3)


def jacobian_add_affine(triple, x2, y2):
    """Return triple + (x2, y2) for an affine point; equal and opposite points are handled."""
    x1, y1, z1 = triple
    if z1 == 0:
        return (x2, y2, 1)
    z1z1 = z1 * z1 % P
    h = (x2 * z1z1 - x1) % P
    r = (y2 * z1 % P * z1z1 - y1) % P
    if h == 0:
        return jacobian_double(triple) if r == 0 else _JACOBIAN_IDENTITY
    h2 = h * h % P
    h3 = h2 * h % P
    v = x1 * h2 % P
    x3 = (r * r - h3 - 2 * v) % P
    y3 = (r * (v - x3) - y1 * h3) % P
    return (x3, y3, z1 * h % P)


def jacobian_add(first, second):
    """Return first + second; the identity, equal and opposite points are handled."""
    x2, y2, z2 = second
    if z2 == 0:
        return first
    x1, y1, z1 = first
    if z1 == 0:
        return second
    z1z1 = z1 * z1 % P
    z2z2 = z2 * z2 % P
    u1 = x1 * z2z2 % P
    s1 = y1 * z2 % P * z2z2 % P
    h = (x2 * z1z1 - u1) % P
    r = (y2 * z1 % P * z1z1 - s1) % P
    if h == 0:
        return jacobian_double(first) if r == 0 else _JACOBIAN_IDENTITY
    h2 = h * h % P
    h3 = h2 * h % P
    v = u1 * h2 % P
    x3 = (r * r - h3 - 2 * v) % P
    y3 = (r * (v - x3) - s1 * h3) % P
    return (x3, y3, z1 * z2 % P * h % P)


# --- affine operations for callers -------------------------------------------------------------


def negate(point):
    """Return -point."""
    return None if point is None else (point[0], P - point[1])


def add(first, second):
    """Return first + second of affine points or identities."""
    if second is None:
        return first
    return to_affine(jacobian_add_affine(to_jacobian(first), second[0], second[1]))


def multiply(k, point):
    """Return k*point for any integer k >= 0 and any point, by 4-bit windows.

    Variable time: for public scalars and for secrets nobody can time (SPEC.md section 9).
    """
    if k < 0:
        raise Misuse("scalar-range")
    return to_affine(jacobian_multiply(k, point))


def jacobian_multiply(k, point):
    """Return k*point (k >= 0, affine point or identity) as a Jacobian triple."""
    steps = jacobian_multiply_steps(k, point)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def jacobian_multiply_steps(k, point):
    """Generate None between bounded pieces of work; return what `jacobian_multiply` does."""
    if point is None or k == 0:
        return _JACOBIAN_IDENTITY
    x, y = point
    # Two bits at a time: four would save a ninth of the time and take 2 KB more.
    double = jacobian_double(to_jacobian(point))
    row = (_JACOBIAN_IDENTITY, to_jacobian(point), double, jacobian_add_affine(double, x, y))
    result = _JACOBIAN_IDENTITY
    for digit in f"{int(k):x}":
        yield
        bits = int(digit, 16)
        for index in (bits >> 2, bits & 3):
            result = jacobian_double(jacobian_double(result))
            if index:
                result = jacobian_add(result, row[index])
    return result
