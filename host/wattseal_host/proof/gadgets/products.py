"""Products, and the choice between two values."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.linear import Linear


def product(b: Builder, x: Linear, y: Linear) -> Linear:
    """x * y. Cost: 1, or nothing where one of them is a constant."""
    if not x.terms:
        return y * x.constant
    if not y.terms:
        return x * y.constant
    return b.multiply(x, y)


def select(b: Builder, bit: Linear, x: Linear, y: Linear) -> Linear:
    """x if the bit is 1, y if it is 0. Cost: 1, or nothing where x - y or the bit is a constant.

    Misuse `gadget-bit` for a bit that is not known to be 0 or 1.
    """
    low, high = bit.interval
    if low < 0 or high > 1:
        raise Misuse("gadget-bit")
    chosen = y + product(b, bit, x - y)
    (x_low, x_high), (y_low, y_high) = x.interval, y.interval
    return chosen.within(min(x_low, y_low), max(x_high, y_high))


def one_is_zero(b: Builder, factors: Sequence[Linear]) -> None:
    """Constrain that one of the factors is 0: their product is, mod the order, which is prime.
    Cost: one less than there are factors.

    Each factor has an interval far narrower than the order, so it is 0 if its residue is.
    """
    if not factors:
        raise Misuse("gadget-empty")
    for factor in factors:
        _ = factor.interval
    so_far = factors[0]
    if len(factors) == 1:
        b.equal(so_far, 0)
        return
    for factor in factors[1:-1]:
        so_far = b.multiply_residues(so_far, factor)
    b.zero_product(so_far, factors[-1])
