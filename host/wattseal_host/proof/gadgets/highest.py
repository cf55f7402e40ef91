"""The sum of the k highest of many values."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.numbers import number, range_check
from wattseal_host.proof.gadgets.products import product
from wattseal_host.proof.linear import Linear, linear_sum


def sum_of_highest(b: Builder, xs: Sequence[Linear], k: int) -> Linear:
    """The sum of the k highest of xs; which they are stays hidden, and of equal ones any will do.

    Bits s_i with Σ s_i = k choose them; a threshold tau has none of the chosen below it and none
    of the others above it: (2 s_i - 1)(x_i - tau) >= 0. With g_i = s_i (x_i - tau) that is
    2 g_i - (x_i - tau) in range, and the sum is Σ g_i + k tau. Nothing is sorted.
    Cost, for values in one interval of m bits: m + (m + 2) for each.
    """
    if not 1 <= k <= len(xs):
        raise Misuse("gadget-count")
    if k == len(xs):
        return linear_sum((1, x) for x in xs)
    low, high = min(x.interval[0] for x in xs), max(x.interval[1] for x in xs)
    values = [x.value for x in xs]
    order = None
    threshold = None
    if None not in values:
        order = sorted(range(len(xs)), key=lambda i: values[i], reverse=True)[:k]  # type: ignore
        threshold = values[order[-1]] - low  # type: ignore[operator]
    chosen = set() if order is None else set(order)
    tau = (low + number(b, high - low, threshold)).within(low, high)
    bits, gains = [], []
    for i, x in enumerate(xs):
        bit = b.bit(None if order is None else int(i in chosen))
        above = x - tau
        gain = product(b, bit, above)
        lo, hi = x.interval
        range_check(b, 2 * gain - above, 0, max(hi - low, high - lo))
        bits.append((1, bit))
        gains.append((1, gain))
    b.equal(linear_sum(bits), k)
    return linear_sum([*gains, (k, tau)]).within(k * low, k * high)
