"""Decimal numbers as people and files write them: exact, bounded, never floats."""

from __future__ import annotations

import re
from decimal import Decimal

from wattseal.errors import Misuse

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
MAX_DIGITS = 18


def read_decimal(text: str) -> Decimal:
    """An exact number of at most 18 digits; Misuse `number`."""
    text = text.strip()
    if not NUMBER.fullmatch(text) or len(text) > 40:
        raise Misuse("number", f"{text[:40]!r} is no decimal number")
    value = Decimal(text)
    if len(value.as_tuple().digits) > MAX_DIGITS:
        raise Misuse("number", f"{text} has more than {MAX_DIGITS} digits")
    return value
