"""The largest of many values."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.numbers import number, range_check
from wattseal_host.proof.gadgets.products import one_is_zero
from wattseal_host.proof.linear import Linear


def maximum(b: Builder, xs: Sequence[Linear]) -> Linear:
    """The largest of xs: none is above it, and it is one of them.

    Cost: the bits of each difference, and one less than there are values. It is written as the
    first value and a difference, so it needs no range of its own.
    """
    if not xs:
        raise Misuse("gadget-empty")
    if len(xs) == 1:
        return xs[0]
    intervals = [x.interval for x in xs]
    low, high = max(lo for lo, _ in intervals), max(hi for _, hi in intervals)
    values = [x.value for x in xs if x.value is not None]
    ahead = max(values) - values[0] if len(values) == len(xs) else None
    highest = (xs[0] + number(b, high - intervals[0][0], ahead)).within(low, high)
    differences = [highest - x for x in xs]
    for difference, (lo, _) in zip(differences[1:], intervals[1:], strict=True):
        range_check(b, difference, 0, high - lo)
    one_is_zero(b, differences)
    return highest
