"""Blocks: the price of a unit depends on how much the whole period has used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.scene import SPANS, Scene, Shaped, Source, Terms
from wattseal_host.tariff.steps import MAX_PRICE
from wattseal_host.tariff.when import When, places_in, read_when
from wattseal_host.units import CHANNELS, MAX_EXPONENT

if TYPE_CHECKING:
    from wattseal_host.proof import Builder, Linear

MAX_TIERS = 32
MAX_THRESHOLD = 2**48
CUMULATIVE, WHOLE_USE = "cumulative", "whole-use"


@dataclass(frozen=True)
class Ladder:
    """Ascending `uppers`, and a price for each class: up to the first, above it up to the second,
    …, above the last. So a class is (from, to]."""

    uppers: tuple[int, ...]
    prices: tuple[int, ...]

    @classmethod
    def read(cls, fields: Fields, name: str) -> Ladder:
        steps = fields.each(name, MAX_TIERS, _read_step, least=1)
        uppers = [upper for upper, _ in steps[:-1]]
        if steps[-1][0] is not None or None in uppers:
            raise malformed(fields.where(name))
        known = tuple(upper for upper in uppers if upper is not None)
        if any(high <= low for low, high in pairwise((0, *known))):
            raise malformed(fields.where(name))
        return cls(known, tuple(price for _, price in steps))

    def whole(self, scene: Scene, exponent: int, times: Fraction) -> tuple[list[int], list[int]]:
        """(uppers in units of a reading, prices), `times` as many as written. Classes that come to
        hold no whole unit fall away."""
        uppers: list[int] = []
        prices: list[int] = []
        for upper, price in zip(self.uppers, self.prices, strict=False):
            end = scene.whole(upper * times, exponent)
            if end > (uppers[-1] if uppers else -1):
                uppers.append(end)
                prices.append(price)
        return uppers, [*prices, self.prices[-1]]


def _read_step(value: Any, where: str) -> tuple[int | None, int]:
    fields = Fields(value, where, {"price"}, {"up_to"})
    upper = fields.integer("up_to", 1, MAX_THRESHOLD) if fields.has("up_to") else None
    return upper, fields.integer("price", -MAX_PRICE, MAX_PRICE)


def price_of(value: int, uppers: Sequence[int], prices: Sequence[int]) -> int:
    """The price of the class a value is in."""
    for upper, price in zip(uppers, prices, strict=False):
        if value <= upper:
            return price
    return prices[-1]


@dataclass(frozen=True)
class Tiers(Shaped):
    """A part of type "tiers", on the total of a channel (in the hours of `when`).

    mode: "cumulative", each block at its own price, or "whole-use", all of it at the price of the
    block reached. span: thresholds are for the bill's period, or for a day or month, times those
    in the period.
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
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            fields.choice("mode", (CUMULATIVE, WHOLE_USE)),
            fields.integer("unit_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            Ladder.read(fields, "tiers"),
            fields.choice("span", SPANS),
            read_when(fields),
        )

    def sources(self, scene: Scene) -> list[Source]:
        places = places_in(scene, self.when)
        return [Source(self.channel, places)] if places else []

    def _ladder(self, scene: Scene) -> tuple[list[int], list[int]]:
        return self.ladder.whole(scene, self.unit_exponent, scene.times(self.span))

    def fee(self, scene: Scene) -> Fraction:
        uppers, prices = self._ladder(scene)
        total = sum(scene.known(source) for source in self.sources(scene))
        if self.mode == WHOLE_USE:
            return price_of(total, uppers, prices) * total * scene.price_unit
        fee, low = 0, 0
        for upper, price in zip([*uppers, max(total, *uppers, 0)], prices, strict=True):
            fee += price * (min(total, upper) - low)
            low = min(total, upper)
        return fee * scene.price_unit

    def constrain(self, b: Builder, scene: Scene, inputs: Sequence[Linear]) -> Terms:
        from wattseal_host.proof import gadgets

        if not inputs:
            return []
        uppers, prices = self._ladder(scene)
        if self.mode == WHOLE_USE:
            pieces = [*zip(uppers, prices, strict=False), (None, prices[-1])]
            fee = gadgets.piecewise(b, inputs[0], [(upper, price, 0) for upper, price in pieces])
            return [(scene.price_unit, fee)]
        # A first block that ends at 0 holds nothing.
        if uppers and uppers[0] == 0:
            uppers, prices = uppers[1:], prices[1:]
        widths = [high - low for low, high in pairwise((0, *uppers))]
        parts = gadgets.tiers(b, inputs[0], widths)
        return [(price * scene.price_unit, part) for price, part in zip(prices, parts, strict=True)]

    def describe(self, price: Callable[[int], str]) -> list[str]:  # type: ignore[override]
        how = "each block at its price" if self.mode == CUMULATIVE else "all at the block's price"
        per = "" if self.span == "period" else f" a {self.span}"
        return [f"{self.name}, by the total{chosen(self.when)}, {how}:"] + [
            f"  {text}" for text in classes(self.ladder, self.unit_exponent, per, price)
        ]


def chosen(when: When | None) -> str:
    return "" if when is None else " in chosen hours"


def classes(ladder: Ladder, exponent: int, per: str, price: Callable[[int], str]) -> list[str]:
    """ "up to 100·10^3 a day: 0.31" for each class."""
    texts = []
    low = ""
    for upper, value in zip(ladder.uppers, ladder.prices, strict=False):
        end = f"{upper}" if exponent == 0 else f"{upper}·10^{exponent}"
        texts.append(f"{low}up to {end}{per}: {price(value)}")
        low = f"above {end} "
    texts.append(
        f"{low or 'all'}{'' if low else ' '}: {price(ladder.prices[-1])}".replace(" :", ":")
    )
    return texts
