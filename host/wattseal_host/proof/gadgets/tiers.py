"""Rising blocks: a total cut into parts that fill up one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.numbers import number, range_check
from wattseal_host.proof.linear import Linear, linear_sum


def tiers(b: Builder, x: Linear, widths: Sequence[int]) -> list[Linear]:
    """x >= 0 in len(widths) + 1 parts: at most widths[0] in the first, …, the rest in the last.

    0 <= x_k <= w_k, and x_(k+1) (w_k - x_k) = 0: no part begins before the one below is full.
    Cost: the bits of each width and of what can be left for the last part, and 1 for each width;
    widths beyond what x can reach cost nothing.
    """
    low, high = x.interval
    if low < 0 or any(width < 1 for width in widths):
        raise Misuse("gadget-tiers")
    parts: list[Linear] = []
    rest, left = x, high
    for width in widths:
        if left <= width:
            break
        value = None if rest.value is None else min(rest.value, width)
        parts.append(number(b, width, value))
        rest, left = rest - parts[-1], left - width
    parts.append(range_check(b, rest, 0, left) if parts else x)
    for k, width in enumerate(widths[: len(parts) - 1]):
        b.zero_product(parts[k + 1], width - parts[k])
    return parts + [linear_sum([])] * (len(widths) + 1 - len(parts))
