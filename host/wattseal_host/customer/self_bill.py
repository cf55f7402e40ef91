"""The meter as the delegate: it runs the linear bill over its own log, and is checked like any.

The home side gives the weights as runs of records of one price; the meter gives back the opening of
the weighted sum, the same two numbers `linear.prove` makes from single openings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from wattseal.errors import Misuse, Refused

from wattseal_host import linear
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.engine import weighted_sum
from wattseal_host.linear import Equation, LinearProof
from wattseal_host.stretch import Stretch

MOST_RECORDS = 256  # in one command: the meter answers within its time


def runs_of(stretch: Stretch, weights: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
    """(records, weight of each channel), in order. weights: as `weigh` gives them; an event joins
    the run it is in."""
    left = iter(weights)
    columns: list[tuple[int, ...]] = []
    for record in stretch.records:
        if record.channels:
            columns.append(tuple(next(left) for _ in record.channels))
        else:
            columns.append(columns[-1] if columns else ())
    if any(True for _ in left):
        raise Misuse("length-mismatch")
    first = next((column for column in columns if column), ())
    columns = [column or first for column in columns]
    if any(abs(weight) >= 10**40 for column in columns for weight in column):
        raise Misuse("weights-range", "the meter takes weights of 40 digits")
    return list(_split(columns))


def _split(columns: list[tuple[int, ...]]) -> Iterator[tuple[int, tuple[int, ...]]]:
    for column, group in groupby(columns):
        count = sum(1 for _ in group)
        while count:
            yield min(count, MOST_RECORDS), column
            count -= min(count, MOST_RECORDS)


def prove(port: CustomerPort, stretch: Stretch, weights: Sequence[int]) -> LinearProof:
    """The opening the meter computes over exactly this stretch, verified.

    Raises Refused `meter-records` when the meter's log is another one, `proof-range` or
    `proof-false` when what it says does not open the weighted sum of its commitments.
    """
    magnitude = sum(map(abs, weights))
    linear.check_magnitude(magnitude)
    told = port.bill(stretch.records[0].seq, runs_of(stretch, weights))
    if (told.before, told.last) != (stretch.records[0].previous, stretch.records[-1].digest):
        raise Refused("meter-records", "the meter billed other records")
    linear.check_range(told.fee, magnitude)
    total = weighted_sum(stretch.commitments(), weights)
    linear.settle(Equation(total, told.fee, told.blinding))
    return LinearProof(told.fee, told.blinding)
