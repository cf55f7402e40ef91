"""Signatures against OpenSSL, the ecdsa package and Wycheproof."""

import hashlib
import json

import ecdsa as other
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from ecdsa.util import sigencode_string_canonize
from hypothesis import given
from hypothesis import strategies as st
from wattseal import ecdsa, p256
from wattseal.p256 import N

SECRETS = st.integers(1, N - 1)
DIGESTS = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.sampled_from([bytes(32), b"\xff" * 32, N.to_bytes(32, "big"), (N - 1).to_bytes(32, "big")]),
)
SHA256 = ec.ECDSA(Prehashed(hashes.SHA256()))


def openssl_accepts(point, digest, signature):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key = ec.EllipticCurvePublicNumbers(*point, ec.SECP256R1()).public_key()
    try:
        key.verify(encode_dss_signature(r, s), digest, SHA256)
    except InvalidSignature:
        return False
    return True


@given(secret=SECRETS, digest=DIGESTS)
def test_sign_is_deterministic_low_s_and_valid(secret, digest):
    signature = ecdsa.sign(secret, digest)
    key = other.SigningKey.from_secret_exponent(secret, other.NIST256p)
    assert signature == key.sign_digest_deterministic(
        digest, hashfunc=hashlib.sha256, sigencode=sigencode_string_canonize
    )
    public = ecdsa.public_key(secret)
    assert ecdsa.is_low_s(signature)
    assert ecdsa.verify(public, digest, signature)
    assert openssl_accepts(public, digest, signature)


@given(secret=SECRETS, digest=DIGESTS)
def test_openssl_signs_and_we_verify(secret, digest):
    key = ec.derive_private_key(secret, ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(digest, SHA256))
    public = ecdsa.public_key(secret)
    for value in (s, N - s):
        signature = r.to_bytes(32, "big") + value.to_bytes(32, "big")
        assert ecdsa.verify(public, digest, signature)
        assert ecdsa.is_low_s(signature) == (value <= N // 2)


def test_every_single_bit_of_a_signature_digest_or_key_counts():
    secret, digest = 0xC0FFEE, hashlib.sha256(b"bits").digest()
    public, signature = ecdsa.public_key(secret), ecdsa.sign(0xC0FFEE, digest)
    for i in range(512):
        changed = bytearray(signature)
        changed[i // 8] ^= 1 << i % 8
        assert not ecdsa.verify(public, digest, bytes(changed)), i
    for i in range(0, 256, 3):
        changed = bytearray(digest)
        changed[i // 8] ^= 1 << i % 8
        assert not ecdsa.verify(public, bytes(changed), signature), i
    assert not ecdsa.verify(p256.negate(public), digest, signature)
    assert not ecdsa.verify(p256.add(public, p256.G), digest, signature)


def test_extreme_values_agree_with_openssl():
    """r and s at the ends of their range, with a key for which u1*G and u2*Q meet or cancel."""
    digest = hashlib.sha256(b"extreme").digest()
    z = int.from_bytes(digest, "big") % N
    edges = [1, 2, N // 2, N // 2 + 1, N - 2, N - 1]
    for r in edges:
        for s in edges:
            # u1 = u2 * d and u1 = -u2 * d: equal and opposite points in the verifier's addition
            for d in (z * pow(r, -1, N) % N, -z * pow(r, -1, N) % N, 1):
                public = ecdsa.public_key(d)
                signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
                expected = openssl_accepts(public, digest, signature)
                assert ecdsa.verify(public, digest, signature) == expected


def test_x_of_the_nonce_point_above_n():
    """A signature whose point has x in [N, P): r = x - N (found by Wycheproof's authors too)."""
    for x in range(N, N + 50):
        data = b"\2" + x.to_bytes(32, "big")
        try:
            point = p256.decode_point(data)
        except ecdsa.Malformed:
            continue
        # Choose s and u1, then the key that makes this point come out.
        r, s = x - N, 12345
        if r == 0:
            continue
        digest = hashlib.sha256(b"above n").digest()
        u1 = int.from_bytes(digest, "big") * pow(s, -1, N) % N
        rest = p256.add(point, p256.negate(p256.multiply(u1, p256.G)))
        public = p256.multiply(pow(r * pow(s, -1, N), -1, N), rest)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        assert ecdsa.verify(public, digest, signature)
        assert openssl_accepts(public, digest, signature)
        return
    raise AssertionError("no such point tried")


def test_wycheproof(data_dir):
    file = data_dir / "vectors" / "wycheproof_ecdsa_secp256r1_sha256_p1363.json"
    document = json.loads(file.read_text())
    count = 0
    for group in document["testGroups"]:
        key = group["publicKey"]
        public = (int(key["wx"], 16), int(key["wy"], 16))
        for case in group["tests"]:
            digest = hashlib.sha256(bytes.fromhex(case["msg"])).digest()
            valid = ecdsa.verify(public, digest, bytes.fromhex(case["sig"]))
            assert valid == (case["result"] == "valid"), (case["tcId"], case["comment"])
            count += 1
    assert count == document["numberOfTests"] > 200


def test_the_nonce_depends_on_digest_and_key():
    digests = [bytes([i]) * 32 for i in range(50)]
    nonces = {next(ecdsa.nonces(secret, d)) for d in digests for secret in (1, 2, N - 1)}
    assert len(nonces) == 150


@pytest.mark.parametrize("zero", ["r", "s"])
def test_a_nonce_that_gives_a_zero_is_replaced(monkeypatch, zero):
    """Feed nonces by hand: one whose r or s is zero is passed over, as RFC 6979 asks."""
    secret, digest = 5, hashlib.sha256(b"zero").digest()
    z = int.from_bytes(digest, "big")
    if zero == "s":
        r = ecdsa.public_key(77)[0] % N
        secret = -z * pow(r, -1, N) % N
        first = 77
    else:
        first = 78
        real = ecdsa.to_affine
        calls = []

        def to_affine(point):
            calls.append(1)
            return (N, 1) if len(calls) == 1 else real(point)

        monkeypatch.setattr(ecdsa, "to_affine", to_affine)
    monkeypatch.setattr(ecdsa, "nonces", lambda *_: iter([first, 99]))
    signature = ecdsa.sign(secret, digest)
    monkeypatch.undo()
    assert ecdsa.verify(ecdsa.public_key(secret), digest, signature)
    assert signature[:32] == (ecdsa.public_key(99)[0] % N).to_bytes(32, "big")


def test_signing_yields_in_between():
    assert len(list(ecdsa.sign_steps(3, bytes(32)))) >= 6
