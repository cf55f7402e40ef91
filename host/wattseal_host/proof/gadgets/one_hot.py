"""One of several, hidden which; and the bands a value may lie in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.numbers import range_check
from wattseal_host.proof.linear import Linear, linear_sum


def one_hot(b: Builder, count: int, index: int | None) -> list[Linear]:
    """`count` bits of which exactly one, number `index`, is 1.

    Cost: count; 1 for two, 0 for one."""
    if count < 1 or (index is not None and not 0 <= index < count):
        raise Misuse("gadget-count")
    if count == 1:
        return [Linear.of(1)]
    made = count if count > 2 else 1
    bits = [b.bit(None if index is None else int(i == index)) for i in range(made)]
    if made < count:
        return [*bits, 1 - bits[0]]
    b.equal(linear_sum((1, bit) for bit in bits), 1)
    return bits


def band(b: Builder, x: Linear, uppers: Sequence[int]) -> list[Linear]:
    """Bits, one for each band of x: up to uppers[0], above that up to uppers[1], …, above all.

    The chosen band's two ends are linear in the bits, and x is held between them.
    Cost: that of `one_hot`, and twice the bits of the widest band.
    """
    if list(uppers) != sorted(set(uppers)):
        raise Misuse("gadget-bands")
    low, high = x.interval
    index = None if x.value is None else bisect_left(uppers, x.value)
    bits = one_hot(b, len(uppers) + 1, index)
    if len(bits) == 1:
        return bits
    firsts = [low, *(upper + 1 for upper in uppers)]
    lasts = [*uppers, high]
    spans = zip(firsts, lasts, strict=True)
    widest = max(min(last, high) - max(first, low) for first, last in spans)
    # Bands outside of x's interval hold no value; their ends are drawn to it.
    starts = [min(max(first, low), high + 1) for first in firsts]
    ends = [max(min(last, high), low - 1) for last in lasts]
    below = linear_sum((-start, bit) for start, bit in zip(starts, bits, strict=True))
    above = linear_sum((end, bit) for end, bit in zip(ends, bits, strict=True))
    range_check(b, x + below, 0, widest)
    range_check(b, above - x, 0, widest)
    return bits
