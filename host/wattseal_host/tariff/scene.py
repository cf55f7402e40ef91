"""What the parts of a bill that are no plain prices look at: records, by time and length, and on
the customer's side the readings in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from wattseal.errors import Misuse, Refused

from wattseal_host.tariff.fixed import DAYS_IN
from wattseal_host.tariff.steps import Steps
from wattseal_host.tariff.zone import Zone
from wattseal_host.units import Unit

if TYPE_CHECKING:
    from wattseal_host.proof import Builder, Linear
    from wattseal_host.tariff.calendar import Calendar

SPANS = ("period", *DAYS_IN)
READING_BITS = (16, 24, 32)


class Source(NamedTuple):
    """A sum of readings that a part asks for: of one channel, by the places of their records."""

    channel: str
    places: tuple[int, ...]


Size = Callable[[int, int], str]
Terms = list[tuple[Fraction, "Linear"]]


@dataclass(frozen=True)
class Scene:
    """spans: (start_s, end_s) of each record that is no event, filling the period; values: each
    channel's readings in 10^unit.exponent units, None on the verifier's side; bits: no reading
    has more (it is proven of those that stand alone). zone, holidays, valid_to_s, per: the
    tariff's."""

    zone: Zone
    holidays: frozenset[date]
    valid_to_s: int
    per: Unit
    unit: Unit
    interval_s: int
    channels: Sequence[str]
    spans: Sequence[tuple[int, int]]
    bits: int
    values: Mapping[str, Sequence[int]] | None = None
    _walked: dict[int, tuple[Calendar, Steps]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def steps(self, calendar: Calendar) -> Steps:
        """A calendar's prices over the tariff's validity, walked once."""
        if id(calendar) not in self._walked:
            walked = calendar.steps(self.zone, self.holidays, self.valid_to_s)
            self._walked[id(calendar)] = (calendar, walked)  # which keeps the id its own
        return self._walked[id(calendar)][1]

    @property
    def from_s(self) -> int:
        return self.spans[0][0]

    @property
    def to_s(self) -> int:
        return self.spans[-1][1]

    @property
    def price_unit(self) -> Fraction:
        """A unit of a reading in the units that prices are for."""
        return Fraction(10) ** (self.unit.exponent - self.per.exponent)

    def times(self, span: str) -> Fraction:
        """How many days, months or years the period has, by local days; 1 period."""
        if span == "period":
            return Fraction(1)
        days = self.zone.days(self.from_s, self.to_s)
        return sum((Fraction(1, DAYS_IN[span](day)) for day in days), Fraction(0))

    def of(self, source: Source) -> int | None:
        """The sum a source stands for, where readings are known."""
        if self.values is None:
            return None
        readings = self.values[source.channel]
        return sum(readings[place] for place in source.places)

    def known(self, source: Source) -> int:
        """The same, on the customer's side."""
        value = self.of(source)
        if value is None:
            raise Misuse("readings-unknown")
        return value

    def whole(self, threshold: Fraction, exponent: int) -> int:
        """A threshold in 10^exponent of the measure as whole units of a reading, rounded down:
        no reading lies between."""
        return int(threshold * Fraction(10) ** (exponent - self.unit.exponent) // 1)


class Shaped:
    """A part whose fee is no weighted sum of readings. Fees are in 10^price_exponent major units.

    Each kind says the same twice, in numbers (`fee`) and in a circuit (`constrain`), side by side.
    """

    name: str
    channel: str

    def sources(self, scene: Scene) -> list[Source]:
        """The sums it needs, in the order `constrain` takes them. Refused `tariff-readings`."""
        raise NotImplementedError

    def told(self, scene: Scene) -> list[tuple[int, ...]]:
        """Places of records, a group for each sum of readings that the fee is held to tell."""
        return [tuple({place for source in self.sources(scene) for place in source.places})]

    def fee(self, scene: Scene) -> Fraction:
        """Exact, from the readings."""
        raise NotImplementedError

    def constrain(self, b: Builder, scene: Scene, inputs: Sequence[Linear]) -> Terms:
        """(factor, combination) whose sum is the fee, for inputs that are what they must be."""
        raise NotImplementedError

    def basis(self, scene: Scene, size: Size) -> str:
        """What of the readings its fee comes from, in a few words for the customer alone."""
        count = len({place for source in self.sources(scene) for place in source.places})
        return f"{count} readings"

    def describe(self, price: Callable[[int], str], size: Size) -> list[str]:
        """Lines for people; `price` writes a price as a decimal, `size` so many of 10^so much of
        what is measured."""
        raise NotImplementedError


def none_left(part: Shaped, places: Sequence[int]) -> Sequence[int]:
    """The places; Refused `tariff-readings` if a part that needs one has none to look at."""
    if not places:
        raise Refused("tariff-readings", f"{part.name} finds no record in the period")
    return places
