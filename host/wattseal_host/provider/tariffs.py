"""Tariff documents from a few words, in prices people write; exact decimals, never floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from wattseal.errors import Misuse

from wattseal_host.decimals import read_decimal
from wattseal_host.provider.price_csv import PriceList
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.calendar import DAYS
from wattseal_host.tariff.tax import ALL_BEFORE
from wattseal_host.tariff.zone import Zone
from wattseal_host.units import MAX_EXPONENT, minor_digits_of


@dataclass
class Draft:
    """A tariff being written. Parts are added in the order of the bill; `finish` reads it.

    Prices and amounts are major units of the currency as Decimal, per kWh where they are prices
    (or per 1000 of another `unit`: m for vehicles, so per km);
    positive is what the customer pays, so a credit for export is negative.
    """

    name: str
    currency: str
    from_s: int
    to_s: int
    zone: str = "UTC"
    holidays: Sequence[str] = ()
    long_records: dict[str, str] | None = field(default_factory=lambda: {"rule": "lowest"})
    rounding: dict[str, Any] = field(default_factory=lambda: {"step_minor": 1, "mode": "half-even"})
    parts: list[dict[str, Any]] = field(default_factory=list)
    unit: str = "Wh"

    def flat(self, name: str, price: Decimal, channel: str = "import") -> None:
        self.parts.append({"type": "flat", "name": name, "channel": channel, "price": price})

    def time_of_use(
        self,
        name: str,
        bands: Sequence[tuple[str, Decimal]],
        switches: str,
        weekend: str | None = None,
        channel: str = "import",
    ) -> None:
        """switches: "00:00 night, 07:00 day" for every day, or for weekdays alone when `weekend`
        gives those of Saturdays, Sundays and the holidays."""
        week, rest = list(DAYS[:5]), list(DAYS[5:])
        if weekend is None:
            days = [{"on": week + rest, "switches": _switches(switches)}]
        else:
            days = [
                {"on": week, "switches": _switches(switches)},
                {"on": rest, "switches": _switches(weekend)},
            ]
        self.parts.append(
            {
                "type": "time-of-use",
                "name": name,
                "channel": channel,
                "bands": [{"name": band, "price": price} for band, price in bands],
                "seasons": [{"begins": "01-01", "days": days}],
            }
        )

    def series(
        self, name: str, prices: PriceList, minor_units: bool = False, channel: str = "import"
    ) -> None:
        """The slots of a price list that the tariff's validity needs."""
        start_s, listed = prices.series(self.from_s, self.to_s)
        if minor_units:
            listed = [price.scaleb(-minor_digits_of(self.currency)) for price in listed]
        self.parts.append(
            {
                "type": "series",
                "name": name,
                "channel": channel,
                "start_s": start_s,
                "slot_s": prices.slot_s,
                "prices": listed,
            }
        )

    def standing(self, name: str, amount: Decimal, per: str) -> None:
        """per: "day", "month" or "year" (pro rata by local days), or "period"."""
        self.parts.append({"type": "standing", "name": name, "amount": amount, "per": per})

    def tax(self, name: str, percent: Decimal, base: Sequence[str] | None = None) -> None:
        """base: names of parts before it; None: all of them."""
        rate = percent.normalize().scaleb(-2)
        exponent = min(0, int(rate.as_tuple().exponent))
        self.parts.append(
            {
                "type": "tax",
                "name": name,
                "rate": int(rate.scaleb(-exponent)),
                "rate_exponent": exponent,
                "base": ALL_BEFORE if base is None else list(base),
            }
        )

    def finish(self) -> Tariff:
        """The tariff, all prices in one power of ten. Raises as `Tariff.read`, Misuse `price`."""
        exponent = min([0, *(_exponent(price) for price in _decimals(self.parts))])
        if exponent < -MAX_EXPONENT:
            raise Misuse("price", f"more than {MAX_EXPONENT} decimals")
        document: dict[str, Any] = {
            "name": self.name,
            "currency": {"code": self.currency, "minor_digits": minor_digits_of(self.currency)},
            "price_exponent": exponent,
            "per": {"name": self.unit, "exponent": 3},
            "valid": {"from_s": self.from_s, "to_s": self.to_s},
            "zone": Zone.from_iana(self.zone, self.from_s, self.to_s).write(),
            "parts": _whole(self.parts, exponent),
            "rounding": dict(self.rounding),
        }
        if self.long_records is not None:
            document["long_records"] = dict(self.long_records)
        if self.holidays:
            document["holidays"] = sorted(self.holidays)
        return Tariff.read(document)


def dated(document: Any, from_s: int, to_s: int, zone: str) -> Any:
    """A tariff document with what it leaves out of `valid` and `zone`: from_s to to_s, and the
    offsets of an IANA zone, its own name's or else this one's. All else is left as it is."""
    if type(document) is not dict:
        return document
    filled = {"valid": {"from_s": from_s, "to_s": to_s}, **document}
    valid, name = filled["valid"], filled.get("zone", {"name": zone})
    if type(name) is dict and set(name) == {"name"} and type(name["name"]) is str:
        try:
            begins, ends = int(valid["from_s"]), int(valid["to_s"])
        except (TypeError, KeyError, ValueError):
            return filled
        filled["zone"] = Zone.from_iana(name["name"], begins, ends).write()
    return filled


def flat(name: str, *, currency: str, price: str, from_s: int, to_s: int) -> Tariff:
    """One price (major units, e.g. "0.2712") per kWh of import at all times, in UTC."""
    draft = Draft(name, currency, from_s, to_s, long_records=None)
    draft.flat("energy", read_decimal(price))
    return draft.finish()


def time_of_use(
    name: str,
    *,
    currency: str,
    bands: Sequence[tuple[str, str]],
    switches: str,
    from_s: int,
    to_s: int,
    zone: str = "UTC",
    weekend: str | None = None,
    holidays: Sequence[str] = (),
) -> Tariff:
    """Bands of prices by local time of day, the same all the year; see `Draft.time_of_use`."""
    draft = Draft(name, currency, from_s, to_s, zone, holidays)
    priced = [(band, read_decimal(price)) for band, price in bands]
    draft.time_of_use("energy", priced, switches, weekend)
    return draft.finish()


def split(text: str, separator: str, usage: str) -> tuple[str, str]:
    """("night", "0.12") of "night=0.12"; Misuse `price` with the usage otherwise."""
    left, found, right = text.partition(separator)
    if not found or not left.strip():
        raise Misuse("price", usage)
    return left.strip(), right.strip()


def _exponent(price: Decimal) -> int:
    return int(price.normalize().as_tuple().exponent)


def _decimals(value: Any) -> list[Decimal]:
    """Every Decimal in a tree of dicts and lists."""
    if isinstance(value, Decimal):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [price for item in value for price in _decimals(item)] if type(value) is list else []


def _whole(value: Any, exponent: int) -> Any:
    """The tree with every Decimal as an integer of 10^exponent."""
    if isinstance(value, Decimal):
        return int(value.scaleb(-exponent))
    if isinstance(value, dict):
        return {name: _whole(item, exponent) for name, item in value.items()}
    return [_whole(item, exponent) for item in value] if type(value) is list else value


def _switches(text: str) -> list[dict[str, str]]:
    result = []
    for item in text.split(","):
        at, _, band = item.strip().partition(" ")
        result.append({"at": at, "band": band.strip()})
    return result
