"""Price bands: the few colours by which a chart tells cheap from dear."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from wattseal_host.report.data import ReportData
from wattseal_host.report.digits import exact

BELOW_ZERO = "below"
_STYLES: dict[int, tuple[str, ...]] = {
    0: (),
    1: ("mid",),
    2: ("low", "high"),
    3: ("low", "mid", "high"),
    4: ("low", "mid", "high", "top"),
}


@dataclass(frozen=True, slots=True)
class Band:
    """Prices low..high, both included, as integers of the tariff; style: its colour's name."""

    low: int
    high: int
    style: str
    label: str


class Bands:
    """Each price from zero up its own band when they are few; else thirds of the slots.

    Negative prices are one band, never mixed with others.
    """

    def __init__(self, data: ReportData) -> None:
        counts = Counter(slot.price for slot in data.slots)
        prices = sorted(counts)
        below = [price for price in prices if price < 0]
        above = [[price] for price in prices[len(below) :]]
        if len(above) not in _STYLES:
            above = _thirds(prices[len(below) :], counts)
        groups = [(BELOW_ZERO, below)] if below else []
        groups += zip(_STYLES[len(above)], above, strict=True)
        self.bands = [
            Band(group[0], group[-1], style, _label(data, group[0], group[-1]))
            for style, group in groups
        ]
        self._lows = [band.low for band in self.bands]

    def index(self, price: int) -> int:
        """Which band a price of the data is in."""
        return bisect_right(self._lows, price) - 1


def price_text(data: ReportData, price: int) -> str:
    """A price in major units per priced unit of energy, without the unit's name."""
    return exact(price, data.price_exponent, data.minor_digits)


def price_unit(data: ReportData) -> str:
    """ "GBP/kWh" for a price per 10^3 Wh."""
    names = {0: "Wh", 3: "kWh", 6: "MWh"}
    return f"{data.currency}/{names.get(data.per_exponent, f'10^{data.per_exponent} Wh')}"


def _label(data: ReportData, low: int, high: int) -> str:
    if low == high:
        return price_text(data, low)
    if high < 0:
        return f"{price_text(data, low)} to {price_text(data, high)}"
    return f"{price_text(data, low)}\u2013{price_text(data, high)}"


def _thirds(prices: list[int], counts: Counter[int]) -> list[list[int]]:
    """Up to three runs of prices with about as many slots each."""
    total = sum(counts[price] for price in prices)
    groups: list[list[int]] = [[], [], []]
    seen = 0
    for price in prices:
        groups[min(2, 3 * seen // total)].append(price)
        seen += counts[price]
    return [group for group in groups if group]
