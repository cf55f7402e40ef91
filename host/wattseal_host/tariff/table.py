"""A finite map: an amount for each reading, by its size and by the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.blocks import MAX_THRESHOLD
from wattseal_host.tariff.by_reading import MAX_CLASSES, ONE, ByReading
from wattseal_host.tariff.calendar import MAX_BANDS, MAX_SEASONS, Calendar, read_season
from wattseal_host.tariff.scene import Scene, Size, Terms
from wattseal_host.tariff.steps import MAX_PRICE
from wattseal_host.tariff.when import When
from wattseal_host.units import CHANNELS, MAX_EXPONENT

if TYPE_CHECKING:
    from wattseal_host.proof import Builder, Linear


@dataclass(frozen=True)
class Table(ByReading):
    """A part of type "table": an amount for each reading, by its size class and the band of time it
    begins in. times: band -> amounts, one for each class."""

    name: str
    channel: str
    unit_exponent: int
    uppers: tuple[int, ...]
    times: dict[str, tuple[int, ...]]
    calendar: Calendar
    when: When | None = None

    @classmethod
    def read(cls, fields: Fields) -> Table:
        uppers = fields.items("classes", MAX_CLASSES)
        if any(type(u) is not int or not 0 < u <= MAX_THRESHOLD for u in uppers):
            raise malformed(fields.where("classes"))
        if any(high <= low for low, high in pairwise(uppers)):
            raise malformed(fields.where("classes"))
        times = fields.each("times", MAX_BANDS, lambda v, w: _read_row(v, w, len(uppers) + 1), 1)
        bands = dict(times)
        seasons = tuple(fields.each("seasons", MAX_SEASONS, read_season, least=1))
        begins = [season.begins for season in seasons]
        used = {band for s in seasons for switches in s.days.values() for _, band in switches}
        if len(bands) != len(times) or used != set(bands) or sorted(set(begins)) != begins:
            raise malformed(fields.where("seasons"))
        numbers = {band: number for number, band in enumerate(bands)}
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            fields.integer("unit_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            tuple(uppers),
            bands,
            Calendar("table", "import", numbers, seasons),
        )

    def _row(self, scene: Scene, place: int) -> list[tuple[int | None, int, int]]:
        """(upper, 0, amount) of each class that holds a whole unit, for a record."""
        band = scene.steps(self.calendar).at(scene.spans[place][0])
        amounts = list(self.times.values())[band]
        result: list[tuple[int | None, int, int]] = []
        last = -1
        for upper, amount in zip(self.uppers, amounts, strict=False):
            end = scene.whole(Fraction(upper), self.unit_exponent)
            if end > last:
                result.append((end, 0, amount))
                last = end
        return [*result, (None, 0, amounts[-1])]

    def told(self, scene: Scene) -> list[tuple[int, ...]]:
        """The readings of each band by themselves, since a table can tell bands apart; where
        amounts do not depend on the reading nothing is told."""
        groups: dict[tuple[int, ...], list[int]] = {}
        rows = list(self.times.values())
        for place, (start_s, _) in enumerate(scene.spans):
            amounts = rows[scene.steps(self.calendar).at(start_s)]
            if len(set(amounts)) > 1:
                groups.setdefault(amounts, []).append(place)
        return [tuple(places) for places in groups.values()]

    def one(self, scene: Scene, value: int, place: int) -> Fraction:
        for upper, _, amount in self._row(scene, place):
            if upper is None or value <= upper:
                return Fraction(amount)
        raise AssertionError("the last class has no end")

    def prove_one(self, b: Builder, scene: Scene, x: Linear, place: int) -> Terms:
        from wattseal_host.proof import gadgets

        return [(ONE, gadgets.piecewise(b, x, self._row(scene, place)))]

    def describe(self, price: Callable[[int], str], size: Size) -> list[str]:
        ends = [f"up to {size(upper, self.unit_exponent)}" for upper in self.uppers] + ["above"]
        lines = [f"{self.name}, an amount for each reading, by its size:"]
        for band, amounts in self.times.items():
            row = ", ".join(f"{e} {price(a)}" for e, a in zip(ends, amounts, strict=True))
            lines.append(f"  {band}: {row}")
        return lines


def _read_row(value: Any, where: str, count: int) -> tuple[str, tuple[int, ...]]:
    fields = Fields(value, where, {"band", "amounts"})
    amounts = fields.items("amounts", count, count)
    if any(type(amount) is not int or abs(amount) > MAX_PRICE for amount in amounts):
        raise malformed(fields.where("amounts"))
    return fields.text("band", 40), tuple(amounts)
