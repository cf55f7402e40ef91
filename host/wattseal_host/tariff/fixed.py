"""Standing charges: what is payable whatever was used."""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from wattseal_host.fields import Fields
from wattseal_host.tariff.steps import MAX_PRICE
from wattseal_host.tariff.zone import Zone

DAYS_IN: dict[str, Callable[[date], int]] = {
    "day": lambda day: 1,
    "month": lambda day: monthrange(day.year, day.month)[1],
    "year": lambda day: 366 if isleap(day.year) else 365,
}


@dataclass(frozen=True)
class Standing:
    """A part of type "standing": `amount` once a bill (per "period"), or pro rata by local days.

    Per "day", "month" or "year", each local day that begins in the billed period costs
    amount / (days of its calendar day, month or year: 1, 28 to 31, 365 or 366), exactly. So a
    day of 23 or 25 hours is one day, and consecutive periods count every day once.
    """

    name: str
    amount: int
    per: str

    @classmethod
    def read(cls, fields: Fields) -> Standing:
        return cls(
            fields.text("name", 40),
            fields.integer("amount", -MAX_PRICE, MAX_PRICE),
            fields.choice("per", ("period", *DAYS_IN)),
        )

    def charge(self, zone: Zone, from_s: int, to_s: int) -> Fraction:
        """What the period costs, in units of the tariff's prices."""
        if self.per == "period":
            return Fraction(self.amount)
        days_in = DAYS_IN[self.per]
        return self.amount * sum(
            (Fraction(1, days_in(day)) for day in zone.days(from_s, to_s)), Fraction(0)
        )
