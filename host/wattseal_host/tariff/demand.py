"""Demand: a price on the highest reading, or on the mean of the k highest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from wattseal.commitment import VALUE_LIMIT

from wattseal_host.fields import Fields
from wattseal_host.tariff.blocks import chosen
from wattseal_host.tariff.scene import Scene, Shaped, Size, Source, Terms, none_left
from wattseal_host.tariff.steps import MAX_PRICE
from wattseal_host.tariff.when import When, places_in, read_when
from wattseal_host.units import CHANNELS

if TYPE_CHECKING:
    from wattseal_host.proof import Builder, Linear

MAX_HIGHEST = 100


@dataclass(frozen=True)
class Demand(Shaped):
    """A part of type "demand": price times the mean of the `highest` highest readings, each brought
    to per_s seconds (3600: kWh in an hour, so kW).

    Records of another length than the interval take no part, and where there are fewer than
    `highest` of them, all do. A period without any of the chosen hours (a season's) costs nothing.
    """

    name: str
    channel: str
    price: int
    highest: int
    per_s: int
    when: When | None

    @classmethod
    def read(cls, fields: Fields) -> Demand:
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            fields.integer("price", -MAX_PRICE, MAX_PRICE),
            fields.integer("highest", 1, MAX_HIGHEST),
            fields.integer("per_s", 1, 86400),
            read_when(fields),
        )

    def sources(self, scene: Scene) -> list[Source]:
        regular = [
            place
            for place in places_in(scene, self.when)
            if scene.spans[place][1] - scene.spans[place][0] == scene.interval_s
        ]
        if self.when is None:
            regular = list(none_left(self, regular))
        return [Source(self.channel, (place,)) for place in regular]

    def _factor(self, scene: Scene, count: int) -> Fraction:
        """Of the sum of the highest."""
        return self.price * scene.price_unit * Fraction(self.per_s, scene.interval_s * count)

    def fee(self, scene: Scene) -> Fraction:
        values = sorted(scene.known(source) for source in self.sources(scene))
        if not values:
            return Fraction(0)
        count = min(self.highest, len(values))
        return self._factor(scene, count) * sum(values[-count:])

    def basis(self, scene: Scene, size: Size) -> str:
        """ "highest 1.2 + 1.1 kWh": readings as they are."""
        values = sorted((scene.known(source) for source in self.sources(scene)), reverse=True)
        some = [size(value, scene.unit.exponent) for value in values[: min(self.highest, 3)]]
        if not some:
            return "no reading"
        more = f" and {self.highest - 3} more" if len(values) > 3 < self.highest else ""
        return f"highest {', '.join(some)}{more}"

    def constrain(self, b: Builder, scene: Scene, inputs: Sequence[Linear]) -> Terms:
        from wattseal_host.proof import gadgets

        if not inputs:
            return []
        count = min(self.highest, len(inputs))
        # The gadgets prove every difference they rely on to be in range, so that the narrower
        # interval saves bits. It is not proven of the readings, and so not handed on.
        narrow = [x.within(0, (1 << scene.bits) - 1) for x in inputs]
        if count == 1:
            highest = gadgets.maximum(b, narrow)
        else:
            highest = gadgets.sum_of_highest(b, narrow, count)
        return [(self._factor(scene, count), highest.anew(0, count * (VALUE_LIMIT - 1)))]

    def describe(self, price: Callable[[int], str], size: Size) -> list[str]:
        what = "the highest" if self.highest == 1 else f"the mean of the {self.highest} highest"
        return [
            f"{self.name}: {price(self.price)} on {what} of all readings{chosen(self.when)}, each "
            f"brought to {'an hour' if self.per_s == 3600 else f'{self.per_s} s'}"
        ]
