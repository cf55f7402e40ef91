"""Parts that look at each reading by itself: interval steps, polynomial, spline.

A record of another length than the interval counts as one reading; thresholds of steps are scaled
with its length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import TYPE_CHECKING, Any

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.blocks import MAX_THRESHOLD, Ladder, chosen, classes, price_of
from wattseal_host.tariff.scene import Scene, Shaped, Size, Source, Terms
from wattseal_host.tariff.steps import MAX_PRICE
from wattseal_host.tariff.when import When, places_in, read_when
from wattseal_host.units import CHANNELS, MAX_EXPONENT

if TYPE_CHECKING:
    from wattseal_host.proof import Builder, Linear

MAX_DEGREE = 4
MAX_CLASSES = 32
ONE = Fraction(1)


class ByReading(Shaped):
    """One source for each reading, in the order of the records."""

    when: When | None

    def sources(self, scene: Scene) -> list[Source]:
        return [Source(self.channel, (place,)) for place in places_in(scene, self.when)]

    def fee(self, scene: Scene) -> Fraction:
        return sum(
            (
                self.one(scene, scene.known(source), source.places[0])
                for source in self.sources(scene)
            ),
            Fraction(0),
        )

    def one(self, scene: Scene, value: int, place: int) -> Fraction:
        """The fee of one reading."""
        raise NotImplementedError

    def constrain(self, b: Builder, scene: Scene, inputs: Sequence[Linear]) -> Terms:
        return [
            term
            for source, x in zip(self.sources(scene), inputs, strict=True)
            for term in self.prove_one(b, scene, x, source.places[0])
        ]

    def prove_one(self, b: Builder, scene: Scene, x: Linear, place: int) -> Terms:
        raise NotImplementedError


@dataclass(frozen=True)
class IntervalSteps(ByReading):
    """A part of type "steps": all of a reading at the price of the class its size is in.

    A reading of s seconds is compared with the thresholds times s / per_s.
    """

    name: str
    channel: str
    unit_exponent: int
    per_s: int
    ladder: Ladder
    when: When | None

    @classmethod
    def read(cls, fields: Fields) -> IntervalSteps:
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            fields.integer("unit_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            fields.integer("per_s", 1, 86400),
            Ladder.read(fields, "steps"),
            read_when(fields),
        )

    def _ladder(self, scene: Scene, place: int) -> tuple[list[int], list[int]]:
        start_s, end_s = scene.spans[place]
        return self.ladder.whole(scene, self.unit_exponent, Fraction(end_s - start_s, self.per_s))

    def one(self, scene: Scene, value: int, place: int) -> Fraction:
        return price_of(value, *self._ladder(scene, place)) * value * scene.price_unit

    def prove_one(self, b: Builder, scene: Scene, x: Linear, place: int) -> Terms:
        from wattseal_host.proof import gadgets

        uppers, prices = self._ladder(scene, place)
        pieces = [(upper, price, 0) for upper, price in zip(uppers, prices, strict=False)]
        return [(scene.price_unit, gadgets.piecewise(b, x, [*pieces, (None, prices[-1], 0)]))]

    def describe(self, price: Callable[[int], str], size: Size) -> list[str]:
        per = f" in {self.per_s} s"
        return [f"{self.name}, by the size of each reading{chosen(self.when)}:"] + [
            f"  {text}" for text in classes(self.ladder, self.unit_exponent, per, price, size)
        ]


@dataclass(frozen=True)
class Polynomial(ByReading):
    """A part of type "polynomial": Σ coefficients[i] * x^i of each reading x, in
    10^unit_exponent units."""

    name: str
    channel: str
    unit_exponent: int
    coefficients: tuple[int, ...]
    when: When | None

    @classmethod
    def read(cls, fields: Fields) -> Polynomial:
        coefficients = fields.items("coefficients", MAX_DEGREE + 1, 1)
        if any(type(c) is not int or abs(c) > MAX_PRICE for c in coefficients):
            raise malformed(fields.where("coefficients"))
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            fields.integer("unit_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            tuple(coefficients),
            read_when(fields),
        )

    def _exact(self, scene: Scene) -> list[Fraction]:
        """The coefficients for a reading in its own unit."""
        scale = Fraction(10) ** (scene.unit.exponent - self.unit_exponent)
        return [c * scale**i for i, c in enumerate(self.coefficients)]

    def one(self, scene: Scene, value: int, place: int) -> Fraction:
        return sum((c * value**i for i, c in enumerate(self._exact(scene))), Fraction(0))

    def prove_one(self, b: Builder, scene: Scene, x: Linear, place: int) -> Terms:
        from wattseal_host.proof import gadgets

        exact = self._exact(scene)
        common = lcm(*(c.denominator for c in exact))
        whole = [int(c * common) for c in exact]
        return [(Fraction(1, common), gadgets.polynomial(b, x, whole))]

    def describe(self, price: Callable[[int], str], size: Size) -> list[str]:
        terms = " + ".join(f"{price(c)}·x^{i}" for i, c in enumerate(self.coefficients) if c)
        unit = size(1, self.unit_exponent)
        return [f"{self.name}: {terms or '0'} of each reading x in {unit}{chosen(self.when)}"]


@dataclass(frozen=True)
class Spline(ByReading):
    """A part of type "spline": slope * x + intercept of the piece each reading x is in, both with x
    in 10^unit_exponent units. Pieces are (from, to]; jumps are allowed."""

    name: str
    channel: str
    unit_exponent: int
    pieces: tuple[tuple[int | None, int, int], ...]
    when: When | None

    @classmethod
    def read(cls, fields: Fields) -> Spline:
        pieces = tuple(fields.each("pieces", MAX_CLASSES, _read_piece, least=1))
        uppers = [upper for upper, _, _ in pieces[:-1] if upper is not None]
        if pieces[-1][0] is not None or len(uppers) != len(pieces) - 1:
            raise malformed(fields.where("pieces"))
        if any(high <= low for low, high in pairwise((0, *uppers))):
            raise malformed(fields.where("pieces"))
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            fields.integer("unit_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            pieces,
            read_when(fields),
        )

    def _whole(self, scene: Scene) -> tuple[Fraction, list[tuple[int | None, int, int]]]:
        """(unit, pieces in whole numbers of it, for a reading in its own unit)."""
        scale = Fraction(10) ** (scene.unit.exponent - self.unit_exponent)
        common = scale.denominator
        result: list[tuple[int | None, int, int]] = []
        last = -1
        for upper, slope, intercept in self.pieces:
            end = None if upper is None else scene.whole(Fraction(upper), self.unit_exponent)
            if end is None or end > last:
                result.append((end, int(slope * scale * common), intercept * common))
                last = last if end is None else end
        return Fraction(1, common), result

    def one(self, scene: Scene, value: int, place: int) -> Fraction:
        unit, pieces = self._whole(scene)
        for upper, slope, intercept in pieces:
            if upper is None or value <= upper:
                return unit * (slope * value + intercept)
        raise AssertionError("the last piece has no end")

    def prove_one(self, b: Builder, scene: Scene, x: Linear, place: int) -> Terms:
        from wattseal_host.proof import gadgets

        unit, pieces = self._whole(scene)
        return [(unit, gadgets.piecewise(b, x, pieces))]

    def describe(self, price: Callable[[int], str], size: Size) -> list[str]:
        unit = size(1, self.unit_exponent)
        lines = [f"{self.name}, of each reading{chosen(self.when)}:"]
        for upper, slope, intercept in self.pieces:
            end = "above" if upper is None else f"up to {size(upper, self.unit_exponent)}"
            lines.append(f"  {end}: {price(slope)} for {unit} and {price(intercept)}")
        return lines


def _read_piece(value: Any, where: str) -> tuple[int | None, int, int]:
    fields = Fields(value, where, {"slope", "intercept"}, {"up_to"})
    upper = fields.integer("up_to", 1, MAX_THRESHOLD) if fields.has("up_to") else None
    slope = fields.integer("slope", -MAX_PRICE, MAX_PRICE)
    return upper, slope, fields.integer("intercept", -MAX_PRICE, MAX_PRICE)
