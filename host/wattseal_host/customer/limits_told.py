"""What an answer tells of every reading it looks at: a highest value is above none of them."""

from __future__ import annotations

from wattseal_host.customer.shares import Columns
from wattseal_host.customer.spy import Finding, Limit
from wattseal_host.customer.spy.rows import SHARE
from wattseal_host.disclosure.circuit import Records
from wattseal_host.disclosure.query import Function, Query


def limits_told(query: Query, records: Records, columns: Columns, limit: Limit) -> list[Finding]:
    """The readings to which an answer leaves fewer than a tenth of their values, all at once.

    A highest value, a sum of highest ones and a load factor (whose sum counts as told) bound every
    reading from above; so does a count of none, and a count of all from below. Such a function is
    held to tell its value even within a comparison or a sum, which tell less.
    """
    spans: list[tuple[int, int]] = []
    for function in query.functions:
        if function.name == "sum":
            continue  # a row of weights, whose bounds are propagated
        places = records.places(function)
        low, high = _bounds(function, [columns.values[function.window.channel][p] for p in places])
        for place in places:
            start_s, end_s = columns.spans[place]
            most = limit.most(end_s - start_s)
            count = min(most, most if high is None else high) - low + 1
            if SHARE * count < most + 1 or count == 1:
                spans.append((start_s, end_s))
    if not spans:
        return []
    about = "the answer leaves fewer than a tenth of its values to each reading {when}"
    return [Finding("disclosure-confined", tuple(dict.fromkeys(spans)), about)]


def _bounds(function: Function, values: list[int]) -> tuple[int, int | None]:
    """(least, most) of every reading that follow; None where nothing does."""
    if function.name == "count":
        above = sum(value > function.number for value in values)
        least = function.number + 1 if above == len(values) else 0
        return least, (None if above else function.number)
    if function.name == "highest":
        return 0, sum(sorted(values)[-function.number :])
    return 0, max(values)
