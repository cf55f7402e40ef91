"""Comparison of two values, and what one exceeds the other by."""

from __future__ import annotations

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.numbers import range_check
from wattseal_host.proof.gadgets.products import product
from wattseal_host.proof.linear import Linear


def excess(b: Builder, x: Linear, y: Linear | int) -> tuple[Linear, Linear]:
    """(bit, bit * (x - y)): the bit is 1 if x >= y, else 0.

    With d = x - y: where the bit is 1 d is in range, where it is 0 -d - 1 is; both are one number,
    (2 bit - 1) d + bit - 1 >= 0. Cost: 2 + bit_length of the largest it can be; nothing where the
    intervals decide.
    """
    d = x - y
    low, high = d.interval
    if low >= 0:
        return Linear.of(1), d
    if high < 0:
        return Linear.of(0), Linear.of(0)
    bit = b.bit(None if d.value is None else int(d.value >= 0))
    over = product(b, bit, d)
    range_check(b, 2 * over - d + bit - 1, 0, max(high, -low - 1))
    return bit, over.within(0, high)


def at_least(b: Builder, x: Linear, y: Linear | int) -> Linear:
    """A bit: 1 if x >= y. Cost: that of `excess`."""
    return excess(b, x, y)[0]
