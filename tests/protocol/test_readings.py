"""Key tree, commitments, ciphertexts: against the reference, and what must never coincide."""

import itertools

import gmpy2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from vectors import reference
from wattseal import commitment, keytree, p256
from wattseal.errors import Misuse
from wattseal.generators import H
from wattseal.p256 import N
from wattseal_host.engine import keyed_hmac

U32 = st.integers(0, 2**32 - 1)
KEYS = st.binary(min_size=32, max_size=32)
METERS = st.binary(min_size=16, max_size=16)
VALUES = st.one_of(U32, st.sampled_from([0, 1, 2**32 - 1]))
BLINDINGS = st.integers(1, N - 1)


@given(secret=KEYS, meter=METERS, epoch=U32, boot=U32, seq=U32, channel=st.integers(0, 1))
def test_key_tree_is_the_specified_one(secret, meter, epoch, boot, seq, channel):
    key, blinding, pad = reference.leaf(secret, meter, epoch, boot, seq, channel)
    assert keytree.block_key(secret, meter, epoch, seq // 32) == key
    assert keytree.blinding(key, meter, boot, seq, channel) == blinding
    assert keytree.pad(key, meter, boot, seq, channel) == pad
    # With the host's HMAC, whose key is hashed once for a block.
    assert keytree.leaves(keyed_hmac(key), meter, boot, seq, channel) == (blinding, pad)
    assert keytree.epoch_id(secret, meter, epoch) == reference.epoch_id(secret, meter, epoch)


def test_no_two_readings_share_a_blinding_or_a_pad():
    secret, meter = bytes(range(32)), bytes(16)
    seen = set()
    places = list(itertools.product(range(3), range(4), range(30, 36), range(2)))
    for epoch, boot, seq, channel in places:
        key = keytree.block_key(secret, meter, epoch, seq // 32)
        seen.add(keytree.blinding(key, meter, boot, seq, channel))
        seen.add(keytree.pad(key, meter, boot, seq, channel))
    assert len(seen) == 2 * len(places)


@given(value=VALUES, blinding=BLINDINGS)
def test_commitment_is_the_specified_one(value, blinding):
    point = commitment.commit(value, blinding)
    expected = reference.commit(value, blinding)
    assert point == (int(expected.x()), int(expected.y()))
    assert commitment.opens(point, value, blinding)
    assert commitment.commit(gmpy2.mpz(value), gmpy2.mpz(blinding)) == point
    assert not commitment.opens(point, value ^ 1, blinding)
    assert not commitment.opens(point, value, blinding - 1)
    assert not commitment.opens(p256.negate(point), value, blinding)


@given(a=st.integers(0, 2**31 - 1), b=st.integers(0, 2**31 - 1), r=BLINDINGS, s=BLINDINGS)
def test_commitments_add_up(a, b, r, s):
    assume((a + b, (r + s) % N) != (0, 0))  # the identity is no commitment
    total = p256.add(commitment.commit(a, r), commitment.commit(b, s))
    assert total == commitment.commit(a + b, (r + s) % N)


def test_exhaustive_small_openings():
    """Among small values and blindings every commitment has one opening."""
    for value, blinding in itertools.product(range(5), range(1, 5)):
        point = commitment.commit(value, blinding)
        for v, r in itertools.product(range(5), range(5)):
            assert commitment.opens(point, v, r) == ((v, r) == (value, blinding))


@pytest.mark.parametrize(
    ("value", "blinding"),
    [(-1, 1), (2**32, 1), (1, -1), (1, N), (0, 0), (2**300, 1), (1 - N, 1), (N + 1, 1)],
)
def test_nothing_out_of_range_opens(value, blinding):
    point = p256.add(
        p256.multiply(value % N, p256.G), p256.multiply(blinding % N, H)
    )
    assert not commitment.opens(point, value, blinding)
    assert not commitment.opens_all([point], [value], [blinding], bytes(32)) or point is None


@given(data=st.data(), count=st.integers(1, 12))
def test_batch_opening_finds_any_single_error(data, count):
    values = data.draw(st.lists(VALUES, min_size=count, max_size=count))
    blindings = data.draw(st.lists(BLINDINGS, min_size=count, max_size=count))
    entropy = data.draw(KEYS)
    points = [commitment.commit(v, r) for v, r in zip(values, blindings, strict=True)]
    assert commitment.opens_all(points, values, blindings, entropy)
    at = data.draw(st.integers(0, count - 1))
    wrong = [*values]
    wrong[at] ^= 1 << data.draw(st.integers(0, 31))
    assert not commitment.opens_all(points, wrong, blindings, entropy)
    off = [*blindings]
    off[at] = off[at] % (N - 1) + 1
    assert not commitment.opens_all(points, values, off, entropy)


def test_batch_opening_weighs_each_equation():
    """Errors whose plain sum is zero are found, and so are readings that changed places."""
    values, blindings = [5, 9], [11, 13]
    points = [commitment.commit(v, r) for v, r in zip(values, blindings, strict=True)]
    for entropy in (bytes(32), b"\1" * 32):
        assert not commitment.opens_all(points, [6, 8], blindings, entropy)
        assert not commitment.opens_all(points, values, [12, 12], entropy)
        assert not commitment.opens_all(points, values[::-1], blindings[::-1], entropy)


def test_batch_opening_wants_equal_lengths_and_whole_entropy():
    point = commitment.commit(1, 1)
    for arguments in (
        ([point], [1], [], bytes(32)), ([point], [], [1], bytes(32)), ([], [1], [1], bytes(32)),
        ([point], [1], [1], bytes(31)),
    ):  # fmt: skip
        with pytest.raises(Misuse) as caught:
            commitment.opens_all(*arguments)
        assert caught.value.code == "length-mismatch"


@given(value=U32, flags=st.integers(0, 3), pad=st.binary(min_size=5, max_size=5))
def test_ciphertexts_round_trip(value, flags, pad):
    ciphertext = commitment.mask_reading(value, flags, pad)
    assert ciphertext == reference.mask(value, flags, pad)
    assert commitment.unmask_reading(ciphertext, pad) == (value, flags)
