"""P-256 against two other implementations, and exhaustively over a tiny curve."""

import ecdsa
import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.ellipticcurve import INFINITY, Point
from hypothesis import given
from hypothesis import strategies as st
from wattseal import hash_to_curve, multi_exp, p256
from wattseal.errors import Malformed, Misuse
from wattseal.generators import H
from wattseal.labels import GENERATOR_DST, GENERATOR_H
from wattseal.p256 import G, N, P

SCALARS = st.integers(0, N - 1)
EDGES = [*range(40), N - 2, N - 1, N, N + 1, 2**255, 2**256 - 1, (1 << 128) - 1, 1 << 128]


def openssl_multiple(k):
    """Return k*G by OpenSSL, 0 < k < N."""
    numbers = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers()
    return numbers.x, numbers.y


def openssl_ecdh(k, point):
    """Return the x of k*point by OpenSSL."""
    public = ec.EllipticCurvePublicNumbers(*point, ec.SECP256R1()).public_key()
    shared = ec.derive_private_key(k, ec.SECP256R1()).exchange(ec.ECDH(), public)
    return int.from_bytes(shared, "big")


def theirs(point):
    return INFINITY if point is None else Point(ecdsa.NIST256p.curve, *point)


def ours(point):
    return None if point == INFINITY else (int(point.x()), int(point.y()))


def test_parameters_are_those_of_openssl_and_ecdsa():
    curve = ecdsa.NIST256p
    assert (curve.curve.p(), curve.curve.a() % P, curve.curve.b()) == (P, p256.A % P, p256.B)
    assert curve.order == N
    assert openssl_multiple(1) == G
    assert P % 4 == 3


@pytest.mark.parametrize("k", [k for k in EDGES if k % N])
def test_multiples_of_g_at_the_edges(k):
    assert p256.multiply(k, G) == openssl_multiple(k % N)


@given(k=st.integers(1, N - 1), j=st.integers(1, N - 1))
def test_multiples_of_any_point(k, j):
    point = openssl_multiple(j)
    product = p256.multiply(k, point)
    assert product == openssl_multiple(k * j % N)
    assert product[0] == openssl_ecdh(k, point)


def test_exhaustive_small_multiples():
    """i*G + j*G == (i+j)*G for all small i, j: every exceptional case among them."""
    small = [ours(theirs(G) * k) if k else None for k in range(34)]
    for i in range(-16, 17):
        for j in range(-16, 17):
            first = small[i] if i >= 0 else p256.negate(small[-i])
            second = small[j] if j >= 0 else p256.negate(small[-j])
            expected = small[i + j] if i + j >= 0 else p256.negate(small[-i - j])
            assert p256.add(first, second) == expected, (i, j)


@given(a=SCALARS, b=SCALARS, z1=st.integers(1, P - 1), z2=st.integers(1, P - 1))
def test_group_laws(a, b, z1, z2):
    first, second = p256.multiply(a, G), p256.multiply(b, G)
    total = p256.add(first, second)
    assert total == ours(theirs(first) + theirs(second))
    assert total == p256.add(second, first) == p256.multiply(a + b, G)
    assert p256.add(total, p256.negate(second)) == first
    spread = p256.jacobian_add(scaled(first, z1), scaled(second, z2))
    assert p256.to_affine(spread) == total
    assert p256.to_affine(p256.jacobian_double(scaled(first, z1))) == p256.add(first, first)


def scaled(point, z):
    """Return a Jacobian triple of a point with a Z of choice."""
    if point is None:
        return (z * z % P, z * z * z % P, 0)
    return (point[0] * z * z % P, point[1] * z * z * z % P, z)


@given(k=SCALARS, j=SCALARS)
def test_mpz_gives_the_same_as_int(k, j):
    point = p256.multiply(j or 1, G)
    fast = tuple(gmpy2.mpz(c) for c in point)
    for scalar in (k, gmpy2.mpz(k)):
        product = p256.multiply(scalar, fast)
        assert product == p256.multiply(k, point)
        assert product is None or p256.encode_point(product) == p256.encode_point(tuple(product))
    assert p256.encode_scalar(gmpy2.mpz(k)) == p256.encode_scalar(k)
    assert p256.encode_point(fast) == p256.encode_point(point)
    assert p256.encode_hint(fast) == p256.encode_hint(point)
    assert p256.inverse(gmpy2.mpz(k or 1), N) == p256.inverse(k or 1, N)


@given(values=st.lists(st.integers(1, N - 1), max_size=20))
def test_batch_inverse(values):
    assert p256.batch_inverse(values, N) == [pow(value, -1, N) for value in values]


def test_batch_inverse_of_a_zero_is_refused():
    for at in range(3):
        values = [3, 5, 7]
        values[at] = N
        with pytest.raises(Misuse) as caught:
            p256.batch_inverse(values, N)
        assert caught.value.code == "inverse-of-zero"


@given(k=st.integers(1, N - 1))
def test_encodings_round_trip_as_in_openssl(k):
    from cryptography.hazmat.primitives import serialization as s

    key = ec.derive_private_key(k, ec.SECP256R1()).public_key()
    data = key.public_bytes(s.Encoding.X962, s.PublicFormat.CompressedPoint)
    point = p256.decode_point(data)
    assert p256.on_curve(point)
    assert p256.encode_point(point) == data
    assert p256.decode_point_hinted(data, p256.encode_hint(point)) == point
    assert p256.decode_scalar(p256.encode_scalar(k)) == k


@given(data=st.binary(min_size=33, max_size=33), hint=st.binary(min_size=32, max_size=32))
def test_decoding_agrees_with_openssl_on_any_bytes(data, hint):
    for candidate in (data, bytes([2 + (data[0] & 1)]) + data[1:]):
        try:
            point = p256.decode_point(candidate)
        except Malformed:
            with pytest.raises(ValueError):
                ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), candidate)
            with pytest.raises(Malformed):
                p256.decode_point_hinted(candidate, hint)
        else:
            numbers = ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP256R1(), candidate
            ).public_numbers()
            assert point == (numbers.x, numbers.y)
            assert p256.encode_point(point) == candidate


def test_second_generator_is_the_hash_of_its_message():
    assert hash_to_curve.hash_to_curve(GENERATOR_H, GENERATOR_DST) == H
    assert p256.on_curve(H)


@pytest.mark.parametrize("u", [0, 1, P - 1, 10, P - 10])
def test_map_to_curve_gives_points_with_the_sign_of_u(u):
    x, y = hash_to_curve.map_to_curve(u)
    assert p256.on_curve((x, y))
    assert u == 0 or (y & 1) == (u & 1)


def test_map_to_curve_exceptional_case():
    """tv1 = 0 (RFC 9380, 6.6.2): u = 0, and the roots of Z*u^2 = -1 if there are any."""
    x, _ = hash_to_curve.map_to_curve(0)
    z = P - 10
    assert x == p256.B * pow(z * p256.A, -1, P) % P
    square = -pow(z, -1, P) % P
    u = pow(square, (P + 1) // 4, P)
    if u * u % P == square:
        assert hash_to_curve.map_to_curve(u)[0] == x


# --- a tiny curve: y^2 = x^3 - 3x + b over a small field, of prime order ------------------------


def tiny_curves():
    """Generate (p, b, points) of prime order with p = 3 mod 4."""
    for p in (19, 43, 103):
        for b in range(1, p):
            points = [
                (x, y) for x in range(p) for y in range(p)
                if (y * y - x * x * x + 3 * x - b) % p == 0
            ]  # fmt: skip
            order = len(points) + 1
            if all(order % d for d in range(2, order)) and (4 * -27 + 27 * b * b) % p:
                yield p, b, points, order
                break


@pytest.fixture(params=list(tiny_curves()), ids=lambda curve: f"p{curve[0]}")
def tiny(request, monkeypatch):
    p, b, points, order = request.param
    for module, names in (
        (p256, {"P": p, "A": p - 3, "B": b, "N": order, "_SQRT_EXPONENT": (p + 1) // 4}),
        (multi_exp, {"P": p}),
    ):
        for name, value in names.items():
            monkeypatch.setattr(module, name, value)
    base = points[0]
    multiples = [None]
    for _ in range(order - 1):
        multiples.append(slow_add(multiples[-1], base, p))
    assert len(set(multiples)) == order
    return p, multiples


def slow_add(first, second, p):
    """The chord and tangent rule as in a textbook."""
    if first is None or second is None:
        return first or second
    (x1, y1), (x2, y2) = first, second
    if x1 == x2 and (y1 + y2) % p == 0:
        return None
    rise, run = (3 * x1 * x1 - 3, 2 * y1) if first == second else (y2 - y1, x2 - x1)
    slope = rise * pow(run, -1, p) % p
    x3 = (slope * slope - x1 - x2) % p
    return x3, (slope * (x1 - x3) - y1) % p


def test_tiny_curve_all_sums(tiny):
    p, multiples = tiny
    order = len(multiples)
    for i, first in enumerate(multiples):
        for j, second in enumerate(multiples):
            expected = multiples[(i + j) % order]
            assert p256.add(first, second) == expected
            assert multi_exp.sum_points([first, second]) == expected
            for z in (1, 2, p - 1):
                triple = tiny_scaled(first, z, p)
                other = tiny_scaled(second, 3, p)
                assert p256.to_affine(p256.jacobian_add(triple, other)) == expected
                assert p256.to_affine(p256.jacobian_add(other, triple)) == expected


def tiny_scaled(point, z, p):
    if point is None:
        return (z * z % p, z * z * z % p, 0)
    return (point[0] * z * z % p, point[1] * z * z * z % p, z)


def test_tiny_curve_all_multiples(tiny):
    _, multiples = tiny
    order = len(multiples)
    for i, point in enumerate(multiples):
        assert p256.negate(point) == multiples[-i % order]
        for k in range(2 * order + 1):
            assert p256.multiply(k, point) == multiples[k * i % order]


def test_tiny_curve_multi_exp(tiny, rng):
    _, multiples = tiny
    order = len(multiples)
    for size in (*range(1, 9), 30, 60):
        for _ in range(40):
            indices = [rng.randrange(order) for _ in range(size)]
            scalars = [rng.randrange(-2 * order, 2 * order) for _ in range(size)]
            expected = sum(i * k for i, k in zip(indices, scalars, strict=True)) % order
            points = [multiples[i] for i in indices]
            assert multi_exp.multi_exp(points, scalars) == multiples[expected]
            assert multi_exp.sum_points(points) == multiples[sum(indices) % order]
            running = [multiples[sum(indices[: i + 1]) % order] for i in range(size)]
            assert multi_exp.running_sums(None, points) == running


def test_tiny_curve_decodes_exactly_its_points(tiny):
    p, multiples = tiny
    decoded = set()
    for x in range(p + 5):
        for prefix in (2, 3):
            data = bytes([prefix]) + x.to_bytes(32, "big")
            try:
                point = p256.decode_point(data)
            except Malformed:
                continue
            assert p256.encode_point(point) == data
            decoded.add(point)
    assert decoded == set(multiples[1:])
