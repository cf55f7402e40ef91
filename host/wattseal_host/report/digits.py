"""Exact numbers as text, and the ticks of an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

MINUS = "\u2212"
LEAST_SPAN = 1e-6


def exact(count: int, exponent: int, least: int = 0, most: int | None = None) -> str:
    """count * 10^exponent in plain digits, thousands grouped, a true minus sign.

    Every digit is shown, at least `least` decimals; trailing zeros beyond are dropped. `most`
    rounds half to even to that many decimals.
    """
    places = max(0, -exponent)
    digits = abs(count) * 10 ** max(0, exponent)
    if most is not None and places > most:
        digits = round(Decimal(digits).scaleb(most - places))
        places = most
    while places > least and digits % 10 == 0:
        digits, places = digits // 10, places - 1
    if places < least:
        digits, places = digits * 10 ** (least - places), least
    whole, part = divmod(digits, 10**places)
    sign = MINUS if count < 0 and digits else ""
    return f"{sign}{whole:,}" + (f".{part:0{places}d}" if places else "")


def column(counts: Iterable[int], exponent: int, least: int = 0) -> list[str]:
    """Exact numbers, all with as many decimals as the longest of them needs."""
    listed = list(counts)
    texts = [exact(count, exponent, least) for count in listed]
    places = max((len(text.partition(".")[2]) for text in texts), default=least)
    return [exact(count, exponent, places) for count in listed]


def short(value: float) -> str:
    """Three significant digits, for legends and descriptions."""
    if not value:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{abs(value):,.{min(places, 9)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return (MINUS if value < 0 else "") + text


class Tick(NamedTuple):
    value: float
    label: str


def ticks(low: float, high: float, about: int = 4) -> list[Tick]:
    """Round numbers that cover low..high, zero always among them; 0..1 for next to nothing."""
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < LEAST_SPAN:
        low, high = 0.0, 1.0
    raw = (high - low) / about
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999)
    places = 0
    while places < 9 and abs(round(step, places) - step) > step * 1e-6:
        places += 1
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [Tick(i * step, _plain(i * step, places)) for i in range(first, last + 1)]


def _plain(value: float, places: int) -> str:
    text = f"{abs(value):,.{places}f}"
    return MINUS + text if value < 0 else text
