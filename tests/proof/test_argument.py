"""The argument system: what is true is proven, and nothing else is."""

from dataclasses import replace

import pytest
from wattseal.errors import Malformed, Misuse, Refused, WattsealError
from wattseal.p256 import N, P, decode_point, encode_point, negate
from wattseal_host.engine import commitment_to
from wattseal_host.proof import P256, Builder, gadgets, length, prove, verify, verify_many
from wattseal_host.proof.prover import prove_unchecked

STEP = 1000
WIDTHS = [100, 200]


def payable(total: int) -> int:
    first, second = min(total, 100), min(max(total - 100, 0), 200)
    return (20 * first + 30 * second + 45 * (total - first - second) + STEP // 2) // STEP


def tiered(amount: int):
    def build(b, inputs):
        first, second, rest = gadgets.tiers(b, inputs[0], WIDTHS)
        claimed = b.public(0, 10**9, amount)
        gadgets.round_public(b, 20 * first + 30 * second + 45 * rest, STEP, "half-up", claimed)

    return build


@pytest.fixture(scope="module")
def bill(make):
    return make([345], 2**20, tiered(payable(345)), [payable(345)])


@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 299, 300, 301, 2**20])
def test_a_tiered_bill_is_proven(make, total) -> None:
    case = make([total], 2**20, tiered(payable(total)), [payable(total)])
    verify(case.instance, case.proof)
    assert len(case.proof) == length(case.instance.circuit.gates, P256)


def test_the_verifier_compiles_the_same_circuit_without_values(bill) -> None:
    b = Builder()
    tiers = gadgets.tiers(b, b.input(0, 2**20), WIDTHS)
    claimed = b.public(0, 10**9)
    gadgets.round_public(b, 20 * tiers[0] + 30 * tiers[1] + 45 * tiers[2], STEP, "half-up", claimed)
    circuit, _ = b.finish()
    assert circuit.digest == bill.instance.circuit.digest
    verify(replace(bill.instance, circuit=circuit), bill.proof)


def test_proofs_of_one_statement_differ(bill) -> None:
    other = prove(bill.instance, bill.assignment, bill.blindings)
    assert other != bill.proof
    verify(bill.instance, other)


def test_another_amount_is_refused(bill) -> None:
    for other in (payable(345) - 1, payable(345) + 1, 0):
        with pytest.raises(Refused) as error:
            verify(replace(bill.instance, publics=[other]), bill.proof)
        assert error.value.code == "proof-false"


def test_a_public_number_out_of_bounds_is_refused(bill) -> None:
    for other in (-1, 10**9 + 1, payable(345) + N):
        with pytest.raises(Refused) as error:
            verify(replace(bill.instance, publics=[other]), bill.proof)
        assert error.value.code == "proof-public"


def test_another_reading_or_context_is_refused(bill) -> None:
    instance = bill.instance
    another = [
        replace(instance, commitments=[commitment_to(344, bill.blindings[0])]),
        replace(instance, commitments=[negate(instance.commitments[0])]),
        replace(instance, context=[(b"tariff", b"another digest")]),
        replace(instance, context=[(b"tarif", b"fa tariff's digest")]),
        replace(instance, context=[]),
    ]
    for other in another:
        with pytest.raises(Refused) as error:
            verify(other, bill.proof)
        assert error.value.code == "proof-false"


def test_a_false_witness_makes_no_proof(make, bill) -> None:
    """The prover refuses it; and what comes out if it is forced is refused by the verifier."""
    assignment, instance = bill.assignment, bill.instance
    for wires in ("L", "R", "O"):
        for gate in (0, instance.circuit.gates // 2, instance.circuit.gates - 1):
            changed = list(getattr(assignment, wires))
            changed[gate] += 1
            false = replace(assignment, **{wires: changed})
            with pytest.raises(Misuse) as error:
                prove(instance, false, bill.blindings)
            assert error.value.code == "assignment-false"
            with pytest.raises(Refused):
                verify(instance, prove_unchecked(instance, false, bill.blindings))


def test_a_false_opening_makes_no_proof(bill) -> None:
    wrong = [bill.blindings[0] + 1]
    with pytest.raises(Misuse) as error:
        prove(bill.instance, bill.assignment, wrong)
    assert error.value.code == "opening-false"
    with pytest.raises(Refused):
        verify(bill.instance, prove_unchecked(bill.instance, bill.assignment, wrong))


def test_every_byte_counts(bill) -> None:
    for at in range(0, len(bill.proof), 5):
        changed = bytearray(bill.proof)
        changed[at] ^= 1 << at % 8
        with pytest.raises((Malformed, Refused)):
            verify(bill.instance, bytes(changed))


def places(proof: bytes) -> tuple[list[int], list[int]]:
    """Where the points and the scalars of a proof begin (PROOF.md section 5)."""
    start = 1 + 33 * 8 + 32 * 3
    rest = len(proof) - start
    rounds = next(k for k in range(40) for f in (2, 3) if 66 * k + 64 * f == rest)
    points = [1 + 33 * i for i in range(8)] + [start + 33 * i for i in range(2 * rounds)]
    scalars = [1 + 33 * 8 + 32 * i for i in range(3)]
    return points, scalars + list(range(start + 66 * rounds, len(proof), 32))


def test_every_point_and_scalar_counts(bill) -> None:
    points, scalars = places(bill.proof)
    for at in points:
        point = decode_point(bill.proof[at : at + 33])
        for other in (encode_point(negate(point)), encode_point(P256.G)):
            with pytest.raises(Refused):
                verify(bill.instance, bill.proof[:at] + bytes(other) + bill.proof[at + 33 :])
    for at in scalars:
        value = int.from_bytes(bill.proof[at : at + 32], "big")
        for new in ((value + 1) % N, N - value, 0):
            forged = bill.proof[:at] + int(new).to_bytes(32, "big") + bill.proof[at + 32 :]
            with pytest.raises(Refused):
                verify(bill.instance, forged)


def test_bytes_that_are_no_proof(bill) -> None:
    points, scalars = places(bill.proof)
    at, scalar = points[0], scalars[0]
    value = int.from_bytes(bill.proof[scalar : scalar + 32], "big")

    def with_point(data: bytes) -> bytes:
        return bill.proof[:at] + data + bill.proof[at + 33 :]

    wide = [] if value + N >= 1 << 256 else [(value + N).to_bytes(32, "big")]
    broken = [
        ("proof-version", b""),
        ("proof-version", b"\2" + bill.proof[1:]),
        ("proof-length", bill.proof + b"\0"),
        ("proof-length", bill.proof[:-1]),
        ("point-", with_point(bytes(33))),  # what some write for the identity
        ("point-", with_point(b"\4" + bill.proof[at + 1 : at + 33])),
        ("point-", with_point(b"\2" + P.to_bytes(32, "big"))),
    ]
    for big in (N.to_bytes(32, "big"), b"\xff" * 32, *wide):
        broken.append(("scalar-range", bill.proof[:scalar] + big + bill.proof[scalar + 32 :]))
    for code, data in broken:
        with pytest.raises(Malformed) as error:
            verify(bill.instance, data)
        assert error.value.code.startswith(code)


def test_a_batch_names_the_false_ones(make, bill) -> None:
    other = make([50], 2**20, tiered(payable(50)), [payable(50)])
    pairs = [(bill.instance, bill.proof), (other.instance, other.proof)] * 3
    assert verify_many(pairs) == [None] * 6
    pairs[1] = (other.instance, bill.proof)
    pairs[4] = (bill.instance, b"\1")
    codes = [
        error.code if isinstance(error, WattsealError) else None for error in verify_many(pairs)
    ]
    assert codes == [None, "proof-false", None, None, "proof-length", None]


def test_two_equal_and_opposite_errors_do_not_cancel(bill) -> None:
    """tau_x + 1 in one and - 1 in another: only equal weights would let them pass."""
    _, scalars = places(bill.proof)
    at = scalars[0]
    value = int.from_bytes(bill.proof[at : at + 32], "big")
    moved = [
        bill.proof[:at] + ((value + step) % N).to_bytes(32, "big") + bill.proof[at + 32 :]
        for step in (1, -1)
    ]
    results = verify_many([(bill.instance, proof) for proof in moved])
    assert [error is not None and error.code for error in results] == ["proof-false"] * 2


def test_magnitudes_that_could_wrap_are_refused() -> None:
    b = Builder()
    x = b.input(0, 2**130)
    with pytest.raises(Misuse):
        b.equal(x * 2**125, 0)
