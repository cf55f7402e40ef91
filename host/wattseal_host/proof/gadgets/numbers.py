"""Numbers of a known range, from bits."""

from __future__ import annotations

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.linear import Linear, linear_sum


def number(b: Builder, upper: int, value: int | None) -> Linear:
    """A new variable in [0, upper]. Cost: bit_length(upper).

    The bits weigh 1, 2, 4, …, and the last one what is missing to `upper`: no sum is larger, and
    none up to it is left out, since the last weight is at most one more than all others together.
    So an upper end that is no power of two needs no second range.
    """
    if upper < 0:
        raise Misuse("gadget-range")
    if upper == 0:
        return Linear.of(0)
    count = upper.bit_length()
    weights = [1 << i for i in range(count - 1)] + [upper - (1 << count - 1) + 1]
    rest = value
    bits: list[tuple[int, Linear]] = []
    for place in range(count - 1, -1, -1):
        chosen = None
        if rest is not None:
            # A value outside of the range gets bits that do not add up to it.
            chosen = int(rest >= 1 << place)
            rest -= chosen * weights[place]
        bits.append((weights[place], b.bit(chosen)))
    return linear_sum(bits)


def range_check(b: Builder, x: Linear, lo: int, hi: int) -> Linear:
    """Constrain lo <= x <= hi; the result is x, with that interval. Cost: bit_length(hi - lo),
    and nothing if it is known already."""
    low, high = x.interval
    if lo <= low and high <= hi:
        return x
    b.equal(x - lo, number(b, hi - lo, None if x.value is None else x.value - lo))
    return x.within(lo, hi)
