"""Everything that can be tried in a tiny group: every value, every blinding, every claim, and
every other content of each place of a proof."""

import itertools
import random
from collections import Counter

import pytest
from tiny import TinyCurve
from wattseal.errors import Malformed, Refused
from wattseal_host.proof import Builder, Instance, gadgets, length, prove, verify
from wattseal_host.proof.encoding import decode
from wattseal_host.proof.prover import prove_unchecked
from wattseal_host.proof.verifier import read

SMALL = TinyCurve(97, 2, 14)  # few enough for all pairs
LARGER = TinyCurve(1009, 1, 15)


def rounded(group, total, blinding, claimed):
    """`total` in 0..20 behind a commitment, three to the claimed one, ties up."""
    b = Builder()
    x = b.input(0, 20, total)
    claim = b.public(-5, 20, claimed)
    gadgets.round_public(b, x, 3, "half-up", claim)
    circuit, assignment = b.finish()
    instance = Instance(circuit, [group.commit(total, blinding)], [claimed], [(b"of", b"tiny")])
    return instance, assignment


@pytest.mark.parametrize("curve", [SMALL, LARGER], ids=["97", "1009"])
def test_the_curves_are_groups_of_prime_order(curve) -> None:
    order = int(curve.order)
    assert order > 90 and all(order % k for k in range(2, order))
    assert len(curve.logarithms) == order
    if curve is SMALL:
        for p, q in itertools.product(curve.points, repeat=2):
            total = (curve.logarithms[p] + curve.logarithms[q]) % order
            assert curve.logarithms[curve.add(p, q)] == total


def test_every_value_is_hidden_by_every_point() -> None:
    """A commitment is uniform whatever it commits to: each point, once each."""
    for value in range(int(SMALL.order)):
        points = Counter(SMALL.commit(value, r) for r in range(int(SMALL.order)))
        assert set(points) == set(SMALL.points) and set(points.values()) == {1}


def test_every_value_with_every_blinding_is_proven() -> None:
    for total in range(21):
        for blinding in range(0, int(SMALL.order), 7):
            if SMALL.commit(total, blinding) is None:
                continue
            instance, assignment = rounded(SMALL, total, blinding, (2 * total + 3) // 6)
            proof = prove(instance, assignment, [blinding], group=SMALL)
            assert len(proof) == length(instance.circuit.gates, SMALL)
            verify(instance, proof, group=SMALL)


def accepted(instance, proof, group) -> bool:
    """Whether both sums vanish, each by itself: the verifier's random weights, reduced by so small
    an order, would let one false proof in a hundred pass."""
    try:
        equations = read(instance, proof, group)
    except (Malformed, Refused):
        return False
    for one in equations:
        points = [*one.points, group.G, group.H, group.Q]
        scalars = [*one.scalars, one.G, one.H, one.Q]
        vectors = group.vectors(max(len(one.g), len(one.h)))
        if vectors.exp(one.g, one.h, points, scalars) is not None:
            return False
    return True


def test_of_all_claims_only_the_true_one_is_proven_more_often_than_by_chance() -> None:
    """Forced proofs of every false claim about every value. A challenge hits one of the few
    zeros of a polynomial with a chance of about a hundredth in a group so small."""
    lucky = tried = 0
    for total in range(21):
        true = (2 * total + 3) // 6
        for claimed in range(-5, 21):
            instance, assignment = rounded(LARGER, total, 5, claimed)
            proof = prove_unchecked(instance, assignment, [5], None, bytes(32), LARGER)
            if claimed == true:
                assert accepted(instance, proof, LARGER)
            else:
                tried += 1
                lucky += accepted(instance, proof, LARGER)
    assert tried == 21 * 25 and lucky <= tried // 20


def test_each_scalar_has_one_value_and_each_point_one_place() -> None:
    """All contents of each place, the others as they are. A scalar that no challenge follows can
    have one value only, as nothing else enters the sums; elsewhere another one passes if the
    challenges drawn anew happen to fit, which few do."""
    instance, assignment = rounded(SMALL, 10, 5, 3)
    proof = prove(instance, assignment, [5], entropy=bytes(32), group=SMALL)
    order, width = int(SMALL.order), SMALL.point_bytes
    parsed = decode(proof, instance.circuit.gates, SMALL)
    final = len(parsed.inner.a)
    last = len(proof) - 2 * final * SMALL.scalar_bytes
    for at in range(last, len(proof), 2):
        passing = [
            value
            for value in range(1 << 16)
            if value < order + 100
            and accepted(instance, proof[:at] + value.to_bytes(2, "big") + proof[at + 2 :], SMALL)
        ]
        # <a, b> is one equation, the folded vectors another: together one value.
        assert passing == [int.from_bytes(proof[at : at + 2], "big")]
    chance = tried = 0
    for at in range(1, 1 + 8 * width, width):
        for point in SMALL.points[1:]:
            data = SMALL.encode(point)
            if data != proof[at : at + width]:
                tried += 1
                chance += accepted(instance, proof[:at] + data + proof[at + width :], SMALL)
    assert tried == 8 * (order - 2) and chance <= tried // 20
    for at in range(1 + 8 * width, last, 1):
        for bit in range(8):
            changed = bytearray(proof)
            changed[at] ^= 1 << bit
            tried += 1
            chance += accepted(instance, bytes(changed), SMALL)
    assert chance <= tried // 20


def test_every_encoding_of_a_point_is_the_only_one() -> None:
    good = {SMALL.encode(point) for point in SMALL.points[1:]}
    assert len(good) == int(SMALL.order) - 1


def test_each_point_of_a_proof_is_uniform_whatever_the_reading() -> None:
    """By sampling: the first points of proofs for two readings that give one amount."""
    seen = []
    rng = random.Random(20_261_121)
    for total in (8, 10):  # both round to 3
        counts: Counter = Counter()
        for _ in range(700):
            instance, assignment = rounded(SMALL, total, 5, 3)
            entropy = rng.randbytes(32)
            proof = prove(instance, assignment, [5], entropy=entropy, group=SMALL)
            counts[proof[1:4]] += 1
        seen.append(counts)
    cells = int(SMALL.order) - 1
    for counts in seen:
        # Chi-squared over `cells` cells: its mean is cells - 1, its deviation sqrt(2 cells).
        expected = 700 / cells
        chi = sum((counts[SMALL.encode(p)] - expected) ** 2 / expected for p in SMALL.points[1:])
        assert chi < cells + 6 * (2 * cells) ** 0.5
