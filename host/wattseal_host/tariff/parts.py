"""The parts a tariff may have, by `type`: prices of a channel, shaped fees, charges, taxes.

Sign: a positive price is what the customer pays, on either channel. A credit for exported energy
is a negative price on the channel "export".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from wattseal.errors import Malformed

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.blocks import Tiers
from wattseal_host.tariff.by_reading import IntervalSteps, Polynomial, Spline
from wattseal_host.tariff.calendar import Calendar
from wattseal_host.tariff.demand import Demand
from wattseal_host.tariff.fixed import Standing
from wattseal_host.tariff.minimum import Minimum
from wattseal_host.tariff.scene import Shaped
from wattseal_host.tariff.series import Series
from wattseal_host.tariff.steps import MAX_PRICE, Steps
from wattseal_host.tariff.table import Table
from wattseal_host.tariff.tax import Tax
from wattseal_host.tariff.zone import Zone
from wattseal_host.units import CHANNELS


class Priced(Protocol):
    """name: unique among the parts; channel: "import" or "export"; steps: the part's price, from
    the beginning of the tariff's validity (or earlier) to its end at to_s; most_steps: no fewer
    than `steps` has, over so many days or parts of one."""

    @property
    def name(self) -> str: ...

    @property
    def channel(self) -> str: ...

    def steps(self, zone: Zone, holidays: frozenset[date], to_s: int) -> Steps: ...

    def most_steps(self, days: int) -> int: ...


Part = Priced | Standing | Tax | Shaped | Minimum


@dataclass(frozen=True)
class Flat:
    """A part of type "flat": one price at all times."""

    name: str
    channel: str
    price: int

    @classmethod
    def read(cls, fields: Fields) -> Flat:
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            fields.integer("price", -MAX_PRICE, MAX_PRICE),
        )

    def steps(self, zone: Zone, holidays: frozenset[date], to_s: int) -> Steps:
        return Steps.make([(zone.offsets[0][0], self.price)])

    def most_steps(self, days: int) -> int:
        return 1


def read_part(value: Any, where: str, from_s: int, to_s: int) -> Part:
    """Dispatch on the part's `type`; from_s, to_s: the tariff's validity.

    Raises Malformed `tariff-part` for an unknown type.
    """
    if type(value) is not dict:
        raise malformed(where)

    def fields(*names: str) -> Fields:
        return Fields(value, where, {"type", "name", *names})

    def chosen(*names: str) -> Fields:
        return Fields(value, where, {"type", "name", "channel", *names}, {"when"})

    match value.get("type"):
        case "flat":
            return Flat.read(fields("channel", "price"))
        case "time-of-use":
            return Calendar.read(fields("channel", "bands", "seasons"))
        case "series":
            return Series.read(fields("channel", "start_s", "slot_s", "prices"), from_s, to_s)
        case "standing":
            return Standing.read(fields("amount", "per"))
        case "tax":
            return Tax.read(fields("rate", "rate_exponent", "base"))
        case "tiers":
            return Tiers.read(chosen("mode", "unit_exponent", "tiers", "span"))
        case "steps":
            return IntervalSteps.read(chosen("unit_exponent", "per_s", "steps"))
        case "demand":
            return Demand.read(chosen("price", "highest", "per_s"))
        case "polynomial":
            return Polynomial.read(chosen("unit_exponent", "coefficients"))
        case "spline":
            return Spline.read(chosen("unit_exponent", "pieces"))
        case "table":
            return Table.read(fields("channel", "unit_exponent", "classes", "times", "seasons"))
        case "minimum":
            return Minimum.read(fields("amount", "span"))
        case _:
            raise Malformed("tariff-part", where)
