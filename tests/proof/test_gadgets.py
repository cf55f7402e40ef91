"""Gadgets: every value they may have is right, every other witness is refused.

Completeness and soundness are looked at in the circuit itself (`Circuit.fault`), which is quick;
that a false assignment makes no proof is test_argument.py's subject.
"""

import random
from dataclasses import replace

import pytest
from wattseal.errors import Misuse
from wattseal.p256 import N
from wattseal_host.proof import Builder, gadgets
from wattseal_host.units import ROUNDING_MODES, divide_rounded

SEED = 20_261_121


def holds(circuit, assignment) -> bool:
    return circuit.fault(assignment, N) is None


def evaluate(values, hi, gadget, lo=0):
    """What a gadget makes of inputs, with its circuit and assignment."""
    b = Builder()
    result = gadget(b, [b.input(lo, hi, value) for value in values])
    circuit, assignment = b.finish()
    assert holds(circuit, assignment)
    return result, circuit, assignment


def falsified(circuit, assignment, rng, tries=200) -> None:
    """No single wire can be another value."""
    for _ in range(tries):
        wires = rng.choice("LRO")
        changed = list(getattr(assignment, wires))
        gate = rng.randrange(len(changed))
        changed[gate] += rng.choice((1, -1, 2**16, rng.randrange(1, N)))
        assert not holds(circuit, replace(assignment, **{wires: changed}))


@pytest.mark.parametrize("upper", [1, 2, 3, 5, 255, 256, 1000])
def test_range(upper) -> None:
    def gadget(b, xs):
        return gadgets.range_check(b, xs[0], 0, upper)

    for value in {0, 1, upper // 2, upper - 1, upper}:
        evaluate([value], 2**16, gadget)
    for value in (upper + 1, upper + 2, 2 * upper + 1, 2**16):
        b = Builder()
        gadget(b, [b.input(0, 2**16, value)])
        assert not holds(*b.finish())


def test_range_by_every_assignment_of_its_bits() -> None:
    """Whatever the bits are: exhaustive for 0..5 over the values 0..15."""
    reached = set()
    for value in range(16):
        b = Builder()
        gadgets.range_check(b, b.input(0, 15, value), 0, 5)
        circuit, assignment = b.finish()
        for bits in range(1 << circuit.gates):
            chosen = [bits >> i & 1 for i in range(circuit.gates)]
            for left in (chosen, [1 - bit for bit in chosen]):
                right = [1 - bit for bit in left]
                for wires in ((left, right), (left, [bit - 1 for bit in left]), (left, left)):
                    out = [x * y for x, y in zip(*wires, strict=True)]
                    tried = replace(assignment, L=wires[0], R=wires[1], O=out)
                    if holds(circuit, tried):
                        reached.add(value)
    assert reached == set(range(6))


def test_tiers() -> None:
    rng = random.Random(SEED)
    widths = [10, 25, 7]
    for total in [0, 9, 10, 11, 35, 36, 42, 43, 100, 255]:
        parts, circuit, assignment = evaluate(
            [total], 255, lambda b, xs: gadgets.tiers(b, xs[0], widths)
        )
        rest, expected = total, []
        for width in widths:
            expected.append(min(rest, width))
            rest -= expected[-1]
        assert [part.value for part in parts] == [*expected, rest]
        falsified(circuit, assignment, rng, 40)


@pytest.mark.parametrize("mode", ROUNDING_MODES)
@pytest.mark.parametrize("step", [1, 2, 3, 10, 100])
def test_rounding(mode, step) -> None:
    for value in range(-2 * step - 1, 2 * step + 2):
        expected = divide_rounded(value, step, mode)
        for claimed in range(expected - 2, expected + 3):
            b = Builder()
            x = b.input(-1000, 1000, value)
            gadgets.round_public(b, x, step, mode, b.public(-1000, 1000, claimed))
            assert holds(*b.finish()) == (claimed == expected), (value, claimed)


def test_rounding_hidden() -> None:
    for mode in ROUNDING_MODES:
        for value in (-150, -50, -1, 0, 49, 50, 51, 150, 999):
            result, _, _ = evaluate(
                [value],
                1000,
                lambda b, xs, mode=mode: gadgets.round_to(b, xs[0], 100, mode),
                lo=-1000,
            )
            assert result.value == divide_rounded(value, 100, mode)


def test_maximum_and_highest() -> None:
    rng = random.Random(SEED)
    for _ in range(20):
        values = [rng.randrange(64) for _ in range(6)]
        top, circuit, assignment = evaluate(values, 63, gadgets.maximum)
        assert top.value == max(values)
        falsified(circuit, assignment, rng, 20)
        for k in (1, 3, 5):
            total, _, _ = evaluate(values, 63, lambda b, xs, k=k: gadgets.sum_of_highest(b, xs, k))
            assert total.value == sum(sorted(values)[-k:])


def test_a_maximum_that_is_none_of_the_values_is_refused() -> None:
    for claimed, right in ((60, True), (61, False), (59, False), (63, False)):
        b = Builder()
        xs = [b.input(0, 63, value) for value in (5, 60, 17)]
        b.equal(gadgets.maximum(b, xs), b.public(0, 63, claimed))
        assert holds(*b.finish()) == right


def test_comparison_and_selection() -> None:
    for x in range(0, 16, 3):
        for y in range(16):
            bit, _, _ = evaluate([x, y], 15, lambda b, v: gadgets.at_least(b, v[0], v[1]))
            assert bit.value == int(x >= y)
            chosen, _, _ = evaluate(
                [x, y],
                15,
                lambda b, v: gadgets.select(b, gadgets.at_least(b, v[0], v[1]), v[0], v[1]),
            )
            assert chosen.value == max(x, y)


def test_piecewise_and_polynomial() -> None:
    few = [(10, 2, 0), (None, 3, -5)]
    many = [(4, 1, 0), (9, 2, 1), (20, 5, -3), (40, 0, 90), (None, 7, 0)]
    for pieces in (few, many):
        for x in range(64):
            slope, cut = next((s, c) for upper, s, c in pieces if upper is None or x <= upper)
            result, _, _ = evaluate(
                [x], 63, lambda b, v, pieces=pieces: gadgets.piecewise(b, v[0], pieces)
            )
            assert result.value == slope * x + cut
    for x in (0, 1, 7, 63):
        result, circuit, _ = evaluate(
            [x], 63, lambda b, v: gadgets.polynomial(b, v[0], [3, -2, 5, 1])
        )
        assert result.value == 3 - 2 * x + 5 * x**2 + x**3
        assert circuit.gates == 2


def test_table_and_bands() -> None:
    table = [(0, 5), (3, -7), (9, 11)]
    for key, value in table:
        result, circuit, assignment = evaluate(
            [key], 15, lambda b, v: gadgets.look_up(b, v[0], table)
        )
        assert result.value == value
        falsified(circuit, assignment, random.Random(SEED), 60)
    with pytest.raises(Misuse):
        evaluate([4], 15, lambda b, v: gadgets.look_up(b, v[0], table))
    for x in range(32):
        bits, _, _ = evaluate([x], 31, lambda b, v: gadgets.band(b, v[0], [3, 10, 20]))
        assert [bit.value for bit in bits] == [
            int(x <= 3),
            int(3 < x <= 10),
            int(10 < x <= 20),
            int(x > 20),
        ]


def test_cost_in_gates() -> None:
    """The docstrings' figures."""

    def cost(count, hi, gadget):
        return evaluate([0] * count, hi, gadget)[1].gates

    assert cost(1, 2**32 - 1, lambda b, v: gadgets.range_check(b, v[0], 0, 2**16 - 1)) == 16
    assert cost(8, 2**16 - 1, gadgets.maximum) == 8 * 16 + 7
    assert cost(8, 2**16 - 1, lambda b, v: gadgets.sum_of_highest(b, v, 3)) == 16 + 8 * 18
    assert cost(2, 2**16 - 1, lambda b, v: gadgets.at_least(b, v[0], v[1])) == 2 + 16
