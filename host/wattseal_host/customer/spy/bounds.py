"""Test (b): does a fee leave a reading fewer than a tenth of its values?

With the fee known: integer bound propagation over all rows that share slots. Before it is known:
over the fees of any use between 1 % and 99 % of what the connection can carry. (At the very ends
every fee tells everything, whatever the tariff: a bill of nothing is a bill of no use.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattseal_host.customer.spy.rows import LEAST_USE, SHARE, Limit, Row

MAX_PASSES = 200

Reading = tuple[int, int]
Known = Mapping[Reading, tuple[int, int]]  # (start_s, channel) -> (least, most)
NOTHING_KNOWN: Known = {}


@dataclass(frozen=True)
class Confined:
    """A reading that is known to lie in low..high."""

    from_s: int
    to_s: int
    low: int
    high: int


@dataclass
class _Range:
    end_s: int
    most: int
    low: int
    high: int

    @property
    def confined(self) -> bool:
        count = self.high - self.low + 1
        return SHARE * count < self.most + 1 or count == 1


def confined_readings(
    rows: Sequence[Row], limit: Limit, known: Known = NOTHING_KNOWN
) -> list[Confined]:
    """The readings confined by the rows' fees, as far as propagation had to go to find one.

    known: limits told before. A reading that they confine by themselves is not named, unless the
    rows confine it further.
    """
    ranges: dict[Reading, _Range] = {}
    equations = []
    for row in rows:
        terms = []
        for slot in row.slots:
            most = limit.most(slot.length_s)
            for channel, weight in enumerate(slot.weights):
                at = (slot.start_s, channel)
                reading = ranges.get(at)
                if reading is None:
                    low, high = known.get(at, (0, most))
                    reading = ranges[at] = _Range(slot.end_s, most, low, min(high, most))
                if weight:
                    terms.append((weight, reading))
        equations.append((row.fee or 0, terms))
    before = {at: (one.low, one.high) for at, one in ranges.items() if one.confined}
    for _ in range(MAX_PASSES):
        changed = False
        for fee, terms in equations:
            changed |= _tighten(fee, terms)
        found = [
            Confined(at[0], reading.end_s, reading.low, reading.high)
            for at, reading in ranges.items()
            if reading.confined and before.get(at) != (reading.low, reading.high)
        ]
        if found or not changed:
            return found
    return []


def _tighten(fee: int, terms: Sequence[tuple[int, _Range]]) -> bool:
    """One pass over one equation; whether any bound moved."""
    least = sum(w * (r.low if w > 0 else r.high) for w, r in terms)
    most = sum(w * (r.high if w > 0 else r.low) for w, r in terms)
    changed = False
    for w, r in terms:
        size = abs(w)
        # What this term may be, beyond the least it can be, given all others' extremes.
        up, down = (fee - least) // size, (most - fee) // size
        if w > 0:
            low, high = max(r.low, r.high - down), min(r.high, r.low + up)
        else:
            low, high = max(r.low, r.high - up), min(r.high, r.low + down)
        if (low, high) != (r.low, r.high):
            least += w * (low - r.low) if w > 0 else w * (high - r.high)
            most += w * (high - r.high) if w > 0 else w * (low - r.low)
            r.low, r.high = low, high
            changed = True
    return changed


def dominant_slots(row: Row, limit: Limit) -> list[tuple[int, int]]:
    """(from_s, to_s) of slots that some possible fee confines: those whose part of the fee can
    be over a tenth of all that the fee can be. (A hundredth of it is the least use.)"""
    parts = [
        (slot, abs(weight) * limit.most(slot.length_s))
        for slot in row.slots
        for weight in slot.weights
    ]
    whole = sum(part for _, part in parts)
    return [(slot.start_s, slot.end_s) for slot, part in parts if part * LEAST_USE > whole * SHARE]
