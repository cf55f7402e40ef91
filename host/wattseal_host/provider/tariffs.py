"""Tariff documents from a few words: flat and time-of-use, in prices people write."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from wattseal.errors import Misuse

from wattseal_host.tariff import Tariff
from wattseal_host.tariff.calendar import DAYS
from wattseal_host.tariff.zone import Zone
from wattseal_host.units import MAX_EXPONENT

KILOWATT_HOUR = {"name": "Wh", "exponent": 3}


def flat(
    name: str,
    *,
    currency: str,
    price: str,
    from_s: int,
    to_s: int,
    minor_digits: int = 2,
    per: dict[str, Any] = KILOWATT_HOUR,
) -> Tariff:
    """One price (major units, e.g. "0.2712") per `per` of import at all times."""
    exponent, (whole,) = integer_prices([price])
    part = {"type": "flat", "channel": "import", "price": whole}
    zone = Zone("UTC", ((from_s, 0),))
    return Tariff.read(
        _document(name, currency, minor_digits, exponent, per, from_s, to_s, zone, part)
    )


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
    long_records: str = "lowest",
    minor_digits: int = 2,
    per: dict[str, Any] = KILOWATT_HOUR,
) -> Tariff:
    """Bands of prices by local time of day, the same all the year.

    bands: (name, price in major units); switches: "00:00 night, 07:00 day", for every day, or
    for weekdays alone when `weekend` gives those of Saturdays, Sundays and `holidays`
    (YYYY-MM-DD); long_records: "lowest" or "highest".
    """
    exponent, prices = integer_prices([price for _, price in bands])
    week, rest = list(DAYS[:5]), list(DAYS[5:])
    if weekend is None:
        days = [{"on": week + rest, "switches": _switches(switches)}]
    else:
        days = [
            {"on": week, "switches": _switches(switches)},
            {"on": rest, "switches": _switches(weekend)},
        ]
    part = {
        "type": "time-of-use",
        "channel": "import",
        "bands": [
            {"name": band, "price": price} for (band, _), price in zip(bands, prices, strict=True)
        ],
        "seasons": [{"begins": "01-01", "days": days}],
    }
    offsets = Zone.from_iana(zone, from_s, to_s)
    document = _document(name, currency, minor_digits, exponent, per, from_s, to_s, offsets, part)
    document["long_records"] = {"rule": long_records}
    if holidays:
        document["holidays"] = sorted(holidays)
    return Tariff.read(document)


def split_band(text: str) -> tuple[str, str]:
    """("night", "0.12") of "night=0.12"; Misuse `price` otherwise."""
    name, separator, price = text.partition("=")
    if not separator:
        raise Misuse("price", "a band is written NAME=PRICE")
    return name.strip(), price.strip()


def integer_prices(prices: Sequence[str]) -> tuple[int, list[int]]:
    """(exponent, integers): each price is its integer times 10^exponent. Misuse `price`."""
    try:
        decimals = [Decimal(price) for price in prices]
    except InvalidOperation as error:
        raise Misuse("price", "not a decimal number") from error
    if not all(value.is_finite() for value in decimals):
        raise Misuse("price", "not a finite number")
    exponent = min(0, *(int(value.as_tuple().exponent) for value in decimals))
    if exponent < -MAX_EXPONENT:
        raise Misuse("price", f"more than {MAX_EXPONENT} decimals")
    return exponent, [int(value.scaleb(-exponent)) for value in decimals]


def _document(
    name: str,
    currency: str,
    minor_digits: int,
    price_exponent: int,
    per: dict[str, Any],
    from_s: int,
    to_s: int,
    zone: Zone,
    part: dict[str, Any],
) -> dict[str, Any]:
    return {
        "name": name,
        "currency": {"code": currency, "minor_digits": minor_digits},
        "price_exponent": price_exponent,
        "per": per,
        "valid": {"from_s": from_s, "to_s": to_s},
        "zone": zone.write(),
        "parts": [part],
        "rounding": {"step_minor": 1, "mode": "half-even"},
    }


def _switches(text: str) -> list[dict[str, str]]:
    result = []
    for item in text.split(","):
        at, _, band = item.strip().partition(" ")
        result.append({"at": at, "band": band.strip()})
    return result
