"""Blocks: the price of a unit depends on how much the whole period has used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import TYPE_CHECKING, Any, TypeVar

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.scene import SPANS, Scene, Shaped, Size, Source, Terms
from wattseal_host.tariff.steps import MAX_PRICE
from wattseal_host.tariff.when import When, places_in, read_when
from wattseal_host.units import CHANNELS, MAX_EXPONENT

if TYPE_CHECKING:
    from wattseal_host.proof import Builder, Linear

MAX_TIERS = 32
MAX_THRESHOLD = 2**48
CUMULATIVE, WHOLE_USE = "cumulative", "whole-use"
Price = TypeVar("Price", int, Fraction)


@dataclass(frozen=True)
class Ladder:
    """Ascending `uppers`, and a price for each class: up to the first, above it up to the second,
    …, above the last. So a class is (from, to]. fixed: an amount for each class beside its price,
    none if empty."""

    uppers: tuple[int, ...]
    prices: tuple[int, ...]
    fixed: tuple[int, ...] = ()

    @classmethod
    def read(cls, fields: Fields, name: str, with_fixed: bool = False) -> Ladder:
        optional = {"up_to", "fixed"} if with_fixed else {"up_to"}
        steps = fields.each(
            name, MAX_TIERS, lambda value, where: _read_step(value, where, optional), least=1
        )
        uppers = [upper for upper, _, _ in steps[:-1]]
        if steps[-1][0] is not None or None in uppers:
            raise malformed(fields.where(name))
        known = tuple(upper for upper in uppers if upper is not None)
        if any(high <= low for low, high in pairwise((0, *known))):
            raise malformed(fields.where(name))
        fixed = tuple(amount for _, _, amount in steps)
        return cls(known, tuple(price for _, price, _ in steps), fixed if any(fixed) else ())

    def whole(self, scene: Scene, exponent: int, times: Fraction) -> tuple[list[int], list[int]]:
        """(uppers in units of a reading, prices), `times` as many as written. Classes that come to
        hold no whole unit fall away."""
        uppers, places = self.kept(scene, exponent, times)
        return uppers, [self.prices[place] for place in places]

    def kept(self, scene: Scene, exponent: int, times: Fraction) -> tuple[list[int], list[int]]:
        """(uppers as `whole` gives them, the places of the classes that stay)."""
        uppers: list[int] = []
        places: list[int] = []
        for place, upper in enumerate(self.uppers):
            end = scene.whole(upper * times, exponent)
            if end > (uppers[-1] if uppers else -1):
                uppers.append(end)
                places.append(place)
        return uppers, [*places, len(self.uppers)]


def _read_step(value: Any, where: str, optional: set[str]) -> tuple[int | None, int, int]:
    fields = Fields(value, where, {"price"}, optional)
    upper = fields.integer("up_to", 1, MAX_THRESHOLD) if fields.has("up_to") else None
    fixed = fields.integer("fixed", -MAX_PRICE, MAX_PRICE) if fields.has("fixed") else 0
    return upper, fields.integer("price", -MAX_PRICE, MAX_PRICE), fixed


def price_of(value: int, uppers: Sequence[int], prices: Sequence[Price]) -> Price:
    """The price of the class a value is in."""
    for upper, price in zip(uppers, prices, strict=False):
        if value <= upper:
            return price
    return prices[-1]


@dataclass(frozen=True)
class Tiers(Shaped):
    """A part of type "tiers", on the total of a channel (in the hours of `when`).

    mode: "cumulative", each block at its own price, or "whole-use", all of it at the price of the
    block reached, with the block's fixed amount if it has one. span: thresholds and fixed amounts
    are for the bill's period, or for a day or month, times those in the period.
    """

    name: str
    channel: str
    mode: str
    unit_exponent: int
    ladder: Ladder
    span: str
    when: When | None

    @classmethod
    def read(cls, fields: Fields) -> Tiers:
        mode = fields.choice("mode", (CUMULATIVE, WHOLE_USE))
        # In chosen hours a period may have no records, and so no class.
        fixed = mode == WHOLE_USE and not fields.has("when")
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            mode,
            fields.integer("unit_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            Ladder.read(fields, "tiers", fixed),
            fields.choice("span", SPANS),
            read_when(fields),
        )

    def sources(self, scene: Scene) -> list[Source]:
        places = places_in(scene, self.when)
        return [Source(self.channel, places)] if places else []

    def _ladder(self, scene: Scene) -> tuple[list[int], list[int]]:
        return self.ladder.whole(scene, self.unit_exponent, scene.times(self.span))

    def _fixed(self, scene: Scene) -> list[Fraction]:
        """Each class's fixed amount, in units of the tariff's prices."""
        times = scene.times(self.span)
        _, places = self.ladder.kept(scene, self.unit_exponent, times)
        return [
            self.ladder.fixed[at] * times if self.ladder.fixed else Fraction(0) for at in places
        ]

    def fee(self, scene: Scene) -> Fraction:
        uppers, prices = self._ladder(scene)
        total = sum(scene.known(source) for source in self.sources(scene))
        if self.mode == WHOLE_USE:
            fixed = price_of(total, uppers, self._fixed(scene))
            return price_of(total, uppers, prices) * total * scene.price_unit + fixed
        fee, low = 0, 0
        for upper, price in zip([*uppers, max(total, *uppers, 0)], prices, strict=True):
            fee += price * (min(total, upper) - low)
            low = min(total, upper)
        return fee * scene.price_unit

    def basis(self, scene: Scene, size: Size) -> str:
        """ "3 + 2.5 kWh" of the blocks, or the total."""
        uppers, _ = self._ladder(scene)
        total = sum(scene.known(source) for source in self.sources(scene))
        ends = uppers if self.mode == CUMULATIVE else []
        inside = [min(total, high) - min(total, low) for low, high in pairwise((0, *ends))]
        inside.append(total - sum(inside))
        filled = [value for value in inside if value] or [0]
        texts = [size(value, scene.unit.exponent) for value in filled]
        unit = texts[-1].partition(" ")[2]
        return f"{' + '.join(text.partition(' ')[0] for text in texts)} {unit}"

    def constrain(self, b: Builder, scene: Scene, inputs: Sequence[Linear]) -> Terms:
        from wattseal_host.proof import gadgets

        if not inputs:
            return []
        uppers, prices = self._ladder(scene)
        if self.mode == WHOLE_USE:
            # In units in which the fixed amounts are whole numbers, too.
            fixed = [amount / scene.price_unit for amount in self._fixed(scene)]
            scale = lcm(*(amount.denominator for amount in fixed))
            pieces = [
                (upper, price * scale, int(amount * scale))
                for upper, price, amount in zip([*uppers, None], prices, fixed, strict=True)
            ]
            return [(scene.price_unit / scale, gadgets.piecewise(b, inputs[0], pieces))]
        # A first block that ends at 0 holds nothing.
        if uppers and uppers[0] == 0:
            uppers, prices = uppers[1:], prices[1:]
        widths = [high - low for low, high in pairwise((0, *uppers))]
        parts = gadgets.tiers(b, inputs[0], widths)
        return [(price * scene.price_unit, part) for price, part in zip(prices, parts, strict=True)]

    def describe(self, price: Callable[[int], str], size: Size) -> list[str]:
        how = "each block at its price" if self.mode == CUMULATIVE else "all at the block's price"
        per = "" if self.span == "period" else f" a {self.span}"
        return [f"{self.name}, by the total{chosen(self.when)}, {how}:"] + [
            f"  {text}" for text in classes(self.ladder, self.unit_exponent, per, price, size)
        ]


def chosen(when: When | None) -> str:
    return "" if when is None else " in chosen hours"


def classes(
    ladder: Ladder, exponent: int, per: str, price: Callable[[int], str], size: Size
) -> list[str]:
    """ "up to 100 kWh a day: 0.31" for each class."""
    fixed = [f" and {price(amount)} fixed" if amount else "" for amount in ladder.fixed]
    fixed += [""] * (len(ladder.prices) - len(fixed))
    texts = []
    low = ""
    for upper, value, extra in zip(ladder.uppers, ladder.prices, fixed, strict=False):
        end = size(upper, exponent)
        texts.append(f"{low}up to {end}{per}: {price(value)}{extra}")
        low = f"above {end} "
    texts.append(f"{low.rstrip() or 'all'}: {price(ladder.prices[-1])}{fixed[-1]}")
    return texts
