"""The leak by remainders: weights (1, 8192, 8192, …) tell the first reading by F mod 8192.

With g the divisor of all weights and G that of those outside a window, F mod G speaks of the
window alone, and tells its part of the fee up to multiples of G: which of G / g remainders it has.
A few remainders of a large sum are harmless: an evening's use modulo 50 Wh is no news. They tell
when they leave fewer than ten values below a hundredth of what the connection can carry in that
window, which is about what people use.
"""

from __future__ import annotations

from itertools import accumulate
from math import gcd

from wattseal_host.customer.spy.rows import LEAST_USE, SHARE, WINDOW_SLOTS, Limit, Row

Telling = tuple[int, int, int]


def telling_remainders(row: Row, limit: Limit) -> list[Telling]:
    """(from_s, to_s, remainders told apart) of the shortest windows of at most 8 slots of whose
    readings the fee tells by its remainder."""
    slots = row.slots
    divisors = [gcd(*slot.weights) for slot in slots]
    ranges = [limit.most(slot.length_s) * len(slot.weights) for slot in slots]
    before = [0, *accumulate(divisors, gcd)]
    after = [0, *accumulate(reversed(divisors), gcd)]
    count, common = len(slots), before[-1]
    if not common:
        return []
    for width in range(1, min(WINDOW_SLOTS, count) + 1):
        found = []
        for at in range(count - width + 1):
            # 0 when all outside is free of charge; then the rank tells.
            told = gcd(before[at], after[count - at - width]) // common
            if told > SHARE and told * SHARE * LEAST_USE > sum(ranges[at : at + width]):
                found.append((slots[at].start_s, slots[at + width - 1].end_s, told))
        if found:
            return found
    return []
