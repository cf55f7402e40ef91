"""Price series: one price for each slot of equal length, as on a day-ahead market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.steps import MAX_PRICE, Steps
from wattseal_host.tariff.zone import DAY_S, Zone
from wattseal_host.units import CHANNELS

MAX_PRICES = 200_000


@dataclass(frozen=True)
class Series:
    """A part of type "series": prices[i] from start_s + i * slot_s on, for slot_s seconds.

    Slots are counted in UTC, so a change of the clocks neither doubles nor drops one.
    """

    name: str
    channel: str
    start_s: int
    slot_s: int
    prices: Sequence[int]

    @classmethod
    def read(cls, fields: Fields, from_s: int, to_s: int) -> Series:
        """Raises Malformed unless the slots cover from_s..to_s."""
        prices = fields.items("prices", MAX_PRICES, 1)
        if any(type(price) is not int or abs(price) > MAX_PRICE for price in prices):
            raise malformed(fields.where("prices"))
        start_s, slot_s = fields.time_s("start_s"), fields.integer("slot_s", 1, 31 * DAY_S)
        if start_s > from_s or start_s + slot_s * len(prices) < to_s:
            raise malformed(fields.where("prices"))
        return cls(
            fields.text("name", 40),
            fields.choice("channel", CHANNELS),
            start_s,
            slot_s,
            tuple(prices),
        )

    def steps(self, zone: Zone, holidays: frozenset[date], to_s: int) -> Steps:
        return Steps.make(
            [(self.start_s + i * self.slot_s, price) for i, price in enumerate(self.prices)]
        )

    def most_steps(self, days: int) -> int:
        return len(self.prices)
