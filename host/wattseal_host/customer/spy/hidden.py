"""The leak by a second row below the first: weights that are multiples of a large g but for a few.

With S the slots whose weights are no multiples of g, and r the weights' remainders there, F mod g
is D = Σ r * v over S, up to multiples of g. It tells of few readings, wherever they lie, as the
remainder of a window does; and where |D| < g it is D itself, so that a second row is released.
Moduli are looked for where most weights are multiples of one: a smaller share is not found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from math import gcd
from random import Random

from wattseal_host.customer.spy.bounds import confined_readings
from wattseal_host.customer.spy.residues import telling_remainders
from wattseal_host.customer.spy.rows import LEAST_USE, SHARE, WINDOW_SLOTS, Limit, Row, Slot

DEPTH = 3  # rows below rows
MOST_ROWS = 64
FREQUENT = 24
GROUPS = 32
GROUP_SIZES = (2, 3, 4, 6)
PROBES = 64

Span = tuple[int, int]


@dataclass(frozen=True)
class _Hidden:
    """F tells Σ weight * reading of row modulo `modulus`."""

    modulus: int
    row: Row
    limit: Limit

    @cached_property
    def parts(self) -> list[tuple[Slot, int]]:
        """Every slot and signed weight * most that its reading can be, where that is not 0."""
        return [
            (slot, weight * self.limit.most(slot.length_s))
            for slot in self.row.slots
            for weight in slot.weights
            if weight
        ]

    def few_readings(self) -> list[Span]:
        """The slots if they are few and the remainder tells of them, by the measure of windows."""
        weights = [weight for slot in self.row.slots for weight in slot.weights]
        told = self.modulus // gcd(self.modulus, *weights)
        spans = [(slot.start_s, slot.end_s) for slot in self.row.slots if any(slot.weights)]
        most = sum(self.limit.most(slot.length_s) for slot, _ in self.parts)
        few = len(spans) <= WINDOW_SLOTS and told > SHARE and told * SHARE * LEAST_USE > most
        return spans if few else []

    def plausible(self) -> tuple[int, int] | None:
        """Least and most of D, counted from the least it can be, by uses between 1 % and 99 %
        for which |D| is below the modulus; None when it is for no such use."""
        whole = sum(abs(part) for _, part in self.parts)
        zero = -sum(min(part, 0) for _, part in self.parts)
        low = max(-(-whole // LEAST_USE), zero - self.modulus + 1)
        high = min(whole - whole // LEAST_USE, zero + self.modulus - 1)
        return (low, high) if low <= high else None

    def confinable(self, low: int, high: int) -> list[Span]:
        """The slots whose readings D confines at one of these ends (between, it tells less)."""
        whole = sum(abs(part) for _, part in self.parts)
        found: dict[Span, None] = {}
        for slot, signed in self.parts:
            part = abs(signed)
            for value in (low, high):
                if SHARE * (min(part, value) - max(0, value - whole + part)) < part:
                    found[slot.start_s, slot.end_s] = None
        return list(found)


def telling_hidden_rows(
    row: Row, limit: Limit, readings: Sequence[int] | None = None
) -> list[Span]:
    """(from_s, to_s) of slots of whose readings some row hidden in this one tells.

    readings: in the order of the weights, if they are known. Rows are looked at level by level,
    the first one whole, and below it no more than MOST_ROWS.
    """
    found: dict[Span, None] = {}
    level = [row]
    for below in range(DEPTH):
        hidden = (one for above in level for one in _hidden_rows(above, limit))
        level = []
        for one in hidden if below == 0 else islice(hidden, MOST_ROWS):
            spans, released = _judge(one, limit, readings)
            found.update(dict.fromkeys(spans))
            if released is not None:
                level.append(released)
    return sorted(found)


def _judge(
    hidden: _Hidden, limit: Limit, readings: Sequence[int] | None
) -> tuple[list[Span], Row | None]:
    """The slots it tells of; if none, the row as it is released, when it is."""
    spans = hidden.few_readings()
    ends = hidden.plausible()
    if spans or ends is None:
        return spans, None
    released = hidden.row
    if readings is None:
        spans = hidden.confinable(*ends)
    else:
        weights = (weight for slot in released.slots for weight in slot.weights)
        fee = sum(w * v for w, v in zip(weights, readings, strict=True))
        if abs(fee) >= hidden.modulus:
            return [], None
        released = Row(released.slots, fee)
        confined = confined_readings([released], limit)
        spans = [(reading.from_s, reading.to_s) for reading in confined]
    # That it speaks of one window alone is found as a remainder of the row above.
    spans = spans or [(a, b) for a, b, _ in telling_remainders(released, limit)]
    return spans, None if spans else released


def _hidden_rows(row: Row, limit: Limit) -> Iterator[_Hidden]:
    common = row.divisor
    if not common:
        return
    counts = Counter(
        abs(weight) // common for slot in row.slots for weight in slot.weights if weight
    )
    for modulus in _moduli(counts):
        slots = tuple(
            Slot(
                slot.start_s,
                slot.length_s,
                tuple(_centred(weight // common, modulus) for weight in slot.weights),
            )
            for slot in row.slots
        )
        yield _Hidden(modulus, Row(slots, None), limit)


def _moduli(counts: Counter[int]) -> list[int]:
    """Numbers of which three quarters of the weights are multiples, the rest not. counts: of
    each weight, without sign and common divisor.

    The samples follow from the weights by a hash, so that nobody can choose weights they miss.
    """
    values = list(counts)
    dice = Random(repr(sorted(counts.items())))
    frequent = [value for value, _ in counts.most_common(FREQUENT)]
    tried = {*frequent, *(gcd(*pair) for pair in combinations(frequent, 2))}
    weights = list(counts.values())
    for size in GROUP_SIZES:
        for _ in range(GROUPS):
            tried.add(gcd(*dice.choices(values, weights, k=size)))
    probes = dice.choices(values, weights, k=PROBES)
    whole = counts.total()
    found = set()
    for modulus in tried:
        if modulus <= SHARE or 2 * sum(probe % modulus == 0 for probe in probes) < PROBES:
            continue
        multiples = [value for value in values if value % modulus == 0]
        if 4 * sum(counts[value] for value in multiples) >= 3 * whole:
            found.add(gcd(*multiples))
    return sorted(found)


def _centred(value: int, modulus: int) -> int:
    rest = value % modulus
    return rest - modulus if 2 * rest > modulus else rest
