"""The leak by remainders: weights (1, 8192, 8192, …) tell the first reading by F mod 8192.

With g the divisor of all weights and G that of those outside a window, F mod G speaks of the
window alone and tells its part of the fee up to multiples of G: one of G / g possibilities.
"""

from __future__ import annotations

from itertools import accumulate
from math import gcd

from wattseal_host.customer.spy.rows import WINDOW_SLOTS, Row

MOST_REMAINDERS = 10

Telling = tuple[int, int, int]


def telling_remainders(row: Row) -> list[Telling]:
    """(from_s, to_s, remainders told apart) of the shortest windows of at most 8 slots of which
    the fee tells which of more than ten remainders it has."""
    divisors = [gcd(*slot.weights) for slot in row.slots]
    before = [0, *accumulate(divisors, gcd)]
    after = [0, *accumulate(reversed(divisors), gcd)]
    count, common = len(divisors), before[-1]
    if not common:
        return []

    def told(at: int, width: int) -> int:
        """0 when all outside is free of charge: then the rank tells."""
        return gcd(before[at], after[count - at - width]) // common

    widest = min(WINDOW_SLOTS, count)
    if all(told(at, widest) <= MOST_REMAINDERS for at in range(count - widest + 1)):
        return []
    for width in range(1, widest + 1):
        found = [
            (row.slots[at].start_s, row.slots[at + width - 1].end_s, told(at, width))
            for at in range(count - width + 1)
            if told(at, width) > MOST_REMAINDERS
        ]
        if found:
            return found
    return []
