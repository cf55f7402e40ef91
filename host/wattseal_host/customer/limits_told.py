"""What an answer tells of every reading it looks at: a highest value is above none of them."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal_host.customer.spy import Finding, Limit
from wattseal_host.customer.spy.bounds import Known
from wattseal_host.customer.spy.rows import SHARE
from wattseal_host.disclosure.query import Function

ABOUT = "the answer leaves fewer than a tenth of its values to each reading {when}"


def limits_of(function: Function, values: Sequence[int]) -> tuple[int | None, int | None]:
    """(least, most) of every reading that follow from a function's value; None where nothing does.

    A highest value, a sum of highest ones and a load factor (whose sum counts as told) bound every
    reading from above; so does a count of none, and a count of all from below. Such a function is
    held to tell its value even within a comparison or a sum, which tell less. A sum is a row of
    weights, whose bounds are propagated.
    """
    if function.name == "sum":
        return None, None
    if function.name == "count":
        above = sum(value > function.number for value in values)
        least = function.number + 1 if above == len(values) else None
        return least, (None if above else function.number)
    if function.name == "highest":
        return None, sum(sorted(values)[-function.number :])
    return None, max(values)


def confined_by(told: Known, before: Known, ends: dict[int, int], limit: Limit) -> list[Finding]:
    """The readings to which what is told leaves fewer than a tenth of their values.

    told: limits of an answer; before: those of earlier ones, beside which they hold. ends: of each
    record, by its beginning. A reading that only earlier answers confine is not named.
    """
    spans = []
    for (start_s, channel), (low, high) in told.items():
        most = limit.most(ends[start_s] - start_s)
        earlier = before.get((start_s, channel), (0, most))
        both = max(low, earlier[0]), min(high, earlier[1], most)
        new = both != (earlier[0], min(earlier[1], most))
        if _confines(low, min(high, most), most) or (new and _confines(*both, most)):
            spans.append((start_s, ends[start_s]))
    if not spans:
        return []
    return [Finding("disclosure-confined", tuple(dict.fromkeys(spans)), ABOUT)]


def _confines(low: int, high: int, most: int) -> bool:
    return SHARE * (high - low + 1) < most + 1 or low == high
