"""A minimum bill: what is payable at the least, whatever was used."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from wattseal.errors import Malformed

from wattseal_host.fields import Fields
from wattseal_host.tariff.fixed import Standing
from wattseal_host.tariff.scene import SPANS
from wattseal_host.tariff.steps import MAX_PRICE
from wattseal_host.tariff.tax import Fold
from wattseal_host.tariff.zone import Zone


@dataclass(frozen=True)
class Minimum:
    """A part of type "minimum": raises the sum of all parts before it to `amount`, for the period
    or pro rata by local days. Only taxes on all of that may follow."""

    name: str
    amount: int
    span: str

    @classmethod
    def read(cls, fields: Fields) -> Minimum:
        return cls(
            fields.text("name", 40),
            fields.integer("amount", 0, MAX_PRICE),
            fields.choice("span", SPANS),
        )

    def least(self, zone: Zone, from_s: int, to_s: int) -> Fraction:
        """In units of the tariff's prices."""
        return Standing(self.name, self.amount, self.span).charge(zone, from_s, to_s)


def taxed(fold: Fold, minimum: Minimum, before: list[str]) -> Fraction:
    """By how much the raised sum counts with the taxes after it.

    before: names of the parts before it. Malformed `tariff-minimum` unless those taxes are on all
    of the sum and the minimum alike.
    """
    factor = fold.factors[minimum.name]
    for name, total in fold.factors.items():
        if name == minimum.name:
            continue
        so_far = sum((fold.shares[part].get(name, Fraction(0)) for part in before), Fraction(0))
        if total != factor * so_far:
            raise Malformed("tariff-minimum", name)
    return factor
