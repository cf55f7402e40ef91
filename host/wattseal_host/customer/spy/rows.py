"""What the spy test works on: releases as rows of weights over slots, and what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, gcd
from typing import NamedTuple

from wattseal.commitment import VALUE_LIMIT
from wattseal.record import Record

WINDOW_SLOTS = 8
SHARE = 10  # a reading is confined when fewer than a tenth of its values are left
LEAST_USE = 100  # people use a hundredth of what their connection can carry, or more
FUSE_KW = Fraction(23)  # 100 A at 230 V


class Slot(NamedTuple):
    """One record's place in time and the weight of each of its readings, import first."""

    start_s: int
    length_s: int
    weights: tuple[int, ...]

    @property
    def end_s(self) -> int:
        return self.start_s + self.length_s


@dataclass(frozen=True)
class Row:
    """A release Σ weight * reading = fee over slots in order of time; fee None: not known yet."""

    slots: tuple[Slot, ...]
    fee: int | None

    @classmethod
    def of_records(cls, records: Sequence[Record], weights: Sequence[int], fee: int) -> Row:
        """weights: as `weigh` gives them for these records."""
        rest = iter(weights)
        return cls(
            tuple(
                Slot(record.start_s, record.length_s, tuple(next(rest) for _ in record.channels))
                for record in records
                if record.channels
            ),
            fee,
        )

    @property
    def from_s(self) -> int:
        return self.slots[0].start_s

    @property
    def to_s(self) -> int:
        return self.slots[-1].end_s

    def overlaps(self, other: Row) -> bool:
        return self.from_s < other.to_s and other.from_s < self.to_s

    @property
    def divisor(self) -> int:
        """Of every weight: fee / divisor is what the release tells. 0 when all weights are."""
        return gcd(*(weight for slot in self.slots for weight in slot.weights))


@dataclass(frozen=True)
class Limit:
    """The most a connection can carry: per_hour, in units of a reading."""

    per_hour: Fraction
    # By length: asked for every slot, and nearly all are of one.
    _known: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of_fuse(cls, fuse_kw: Fraction, exponent: int) -> Limit:
        """For readings in 10^exponent Wh behind a fuse of so many kilowatts."""
        return cls(fuse_kw * 1000 / Fraction(10) ** exponent)

    def raised_to(self, readings: Iterable[tuple[int, int]]) -> Limit:
        """The limit that (reading, length in seconds) as measured keep, if this one is too low."""
        most: dict[int, int] = {}  # by length: nearly all are of one
        for value, length_s in readings:
            if value > most.get(length_s, 0):
                most[length_s] = value
        measured = (Fraction(3600 * value, length_s) for length_s, value in most.items())
        return Limit(max(self.per_hour, *measured, Fraction(0)))

    def most(self, length_s: int) -> int:
        """The largest reading of a slot, at least 1."""
        most = self._known.get(length_s)
        if most is None:
            most = max(ceil(self.per_hour * length_s / 3600), 1)
            most = self._known[length_s] = min(most, VALUE_LIMIT - 1)
        return most


@dataclass(frozen=True)
class Finding:
    """Something a release would give away. code: stable; spans: (from_s, to_s) of the slots it
    is about, none if about all; about: in plain words, with {when} for the slots' local time."""

    code: str
    spans: tuple[tuple[int, int], ...]
    about: str
