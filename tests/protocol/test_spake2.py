"""SPAKE2 and HKDF against their RFCs, and what an exchange must refuse."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st
from wattseal import p256, spake2
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.hkdf import hkdf_sha256
from wattseal.p256 import N

VECTORS = json.loads((Path(__file__).parent / "rfc9382.json").read_text())
SCALARS = st.integers(1, N - 1)
NAMES = (b"recipient", b"meter")


def code(error, call, *arguments):
    with pytest.raises(error) as caught:
        call(*arguments)
    return caught.value.code


def exchange(w_first, w_second, names=(NAMES, NAMES), additional=(b"", b"")):
    """Return the keys of both sides."""
    x, y = 0x1234567, 0x7654321
    first = spake2.share(spake2.FIRST, w_first, x)
    second = spake2.share(spake2.SECOND, w_second, y)
    return (
        spake2.finish(spake2.FIRST, w_first, x, first, second, names[0], additional[0]),
        spake2.finish(spake2.SECOND, w_second, y, second, first, names[1], additional[1]),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['first']}-{v['second']}")
def test_the_vectors_of_rfc_9382(vector):
    w, x, y = (int(vector[name], 16) for name in "wxy")
    names = (vector["first"].encode(), vector["second"].encode())
    shares = [bytes.fromhex(vector[name]) for name in ("share_first", "share_second")]
    assert spake2.share(spake2.FIRST, w, x) == shares[0]
    assert spake2.share(spake2.SECOND, w, y) == shares[1]
    first = spake2.finish(spake2.FIRST, w, x, shares[0], shares[1], names, b"")
    second = spake2.finish(spake2.SECOND, w, y, shares[1], shares[0], names, b"")
    assert first.key.hex() == second.key.hex() == vector["key"]
    assert first.own.hex() == vector["confirm_first"]
    assert second.own.hex() == vector["confirm_second"]
    first.check(second.own)
    second.check(first.own)


@pytest.mark.parametrize("side", [0, 1])
def test_the_blinds_come_from_their_seeds(side):
    """Appendix A: the first hash block that is a point."""
    block = f"1.2.840.10045.3.1.7 point generation seed ({'MN'[side]})".encode()
    for _ in range(1000):
        block = hashlib.sha256(block).digest()
        text = bytes([block[0] & 1 | 2]) + (block[1:] + hashlib.sha256(block).digest())[:32]
        try:
            point = p256.decode_point(text)
        except Malformed:
            continue
        assert point == spake2.BLINDS[side]
        return
    raise AssertionError("no point")


@given(secret=st.binary(max_size=80), salt=st.binary(max_size=80), info=st.binary(max_size=80),
       length=st.integers(1, 200))  # fmt: skip
def test_hkdf_is_openssl_s(secret, salt, info, length):
    other = HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info)
    assert hkdf_sha256(secret, salt, info, length) == other.derive(secret)


def test_hkdf_of_rfc_5869():
    assert hkdf_sha256(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    for length in (0, 8161):
        assert code(Misuse, hkdf_sha256, b"", b"", b"", length) == "hkdf-length"


@settings(max_examples=10)
@given(w=st.integers(0, N - 1), x=SCALARS, y=SCALARS)
def test_both_sides_agree(w, x, y):
    first, second = spake2.share(0, w, x), spake2.share(1, w, y)
    ours = spake2.finish(0, w, x, first, second, NAMES, b"period")
    theirs = spake2.finish(1, w, y, second, first, NAMES, b"period")
    assert ours.key == theirs.key
    ours.check(theirs.own)
    theirs.check(ours.own)


@pytest.mark.parametrize(
    "changed",
    [
        {"w_second": 8},
        {"names": (NAMES, (b"other", b"meter"))},
        {"names": (NAMES, (b"recipientm", b"eter"))},
        {"additional": (b"January", b"February")},
    ],
    ids=["password", "name", "names-apart", "additional"],
)
def test_any_difference_fails_the_confirmation_of_both(changed):
    first, second = exchange(**{"w_first": 7, "w_second": 7, **changed})
    assert code(Refused, first.check, second.own) == "spake2-confirmation"
    assert code(Refused, second.check, first.own) == "spake2-confirmation"


def test_a_confirmation_sent_back_is_none():
    first, second = exchange(7, 7)
    assert code(Refused, first.check, first.own) == "spake2-confirmation"
    assert code(Malformed, second.check, first.own[:31]) == "spake2-confirmation-length"
    for bit in (0, 100, 255):
        wrong = bytearray(first.own)
        wrong[bit >> 3] ^= 1 << (bit & 7)
        assert code(Refused, second.check, bytes(wrong)) == "spake2-confirmation"


def test_shares_are_read_strictly():
    good = spake2.encode_share(p256.G)
    wide = b"\x04" + (p256.G[0]).to_bytes(32, "big") + b"\xff" * 32
    for data, expected in [
        (b"", "spake2-share-length"),
        (good + b"\0", "spake2-share-length"),
        (b"\x02" + good[1:], "spake2-share-prefix"),
        (good[:-1] + b"\0", "spake2-share-off-curve"),
        (bytes([4]) + bytes(64), "spake2-share-off-curve"),
        (wide, "spake2-share-off-curve"),
    ]:
        assert code(Malformed, spake2.decode_share, data) == expected


def test_a_share_that_is_the_blind_alone_is_refused():
    w = 12345
    blind = spake2.encode_share(p256.multiply(w, spake2.BLINDS[0]))
    own = spake2.share(1, w, 5)
    assert code(Refused, spake2.finish, 1, w, 5, own, blind, NAMES, b"") == "spake2-share"


def test_misuse_is_named():
    for ephemeral in (0, N):
        assert code(Misuse, spake2.share, 0, 1, ephemeral) == "spake2-ephemeral"
    for side, w in ((2, 1), (0, N), (0, -1)):
        assert code(Misuse, spake2.share, side, w, 1) == "spake2-input"


def test_the_password_s_scalar_depends_on_its_context():
    values = {
        spake2.password_scalar(pin, context)
        for pin in (b"000000", b"000001")
        for context in (b"pairing", b"export")
    }
    assert len(values) == 4
    assert all(0 <= value < N for value in values)
