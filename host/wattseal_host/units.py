"""Measured units, currencies and the one rounding step of a bill. Integers only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wattseal.errors import Malformed
from wattseal.record import CHANNEL_SETS

from wattseal_host.fields import Fields

CHANNELS = ("import", "export")
SEALED_UNIT = "Wh"  # where no enrolment says otherwise
SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,11}")
CURRENCY = re.compile(r"[A-Z]{3}")
MAX_EXPONENT = 18
ROUNDING_MODES = (
    "half-even",
    "half-away-from-zero",
    "half-up",
    "half-down",
    "floor",
    "ceiling",
    "towards-zero",
    "away-from-zero",
)


_WITHOUT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
NO_MINOR_UNIT = frozenset(_WITHOUT.split())
THREE_DIGITS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def minor_digits_of(code: str) -> int:
    """Decimal digits of a currency's minor unit by ISO 4217 (most have two)."""
    return 0 if code in NO_MINOR_UNIT else 3 if code in THREE_DIGITS else 2


@dataclass(frozen=True)
class Unit:
    """10^exponent of a named unit: Unit("Wh", 3) is the kilowatt-hour."""

    name: str
    exponent: int

    @classmethod
    def read(cls, value: Any, where: str) -> Unit:
        fields = Fields(value, where, {"name", "exponent"})
        name = fields.text("name", 12)
        if not SYMBOL.fullmatch(name):
            raise Malformed("field-malformed", fields.where("name"))
        return cls(name, fields.integer("exponent", -MAX_EXPONENT, MAX_EXPONENT))

    def write(self) -> dict[str, Any]:
        return {"name": self.name, "exponent": self.exponent}


@dataclass(frozen=True)
class Currency:
    """ISO 4217 code and the number of decimal digits of its minor unit (EUR 2, JPY 0)."""

    code: str
    minor_digits: int

    @classmethod
    def read(cls, value: Any, where: str) -> Currency:
        fields = Fields(value, where, {"code", "minor_digits"})
        code = fields.text("code", 3)
        if not CURRENCY.fullmatch(code):
            raise Malformed("field-malformed", fields.where("code"))
        return cls(code, fields.integer("minor_digits", 0, 6))

    def write(self) -> dict[str, Any]:
        return {"code": self.code, "minor_digits": self.minor_digits}

    def major(self, amount_minor: int) -> str:
        """12345 minor units as "123.45"."""
        sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor))
        if not self.minor_digits:
            return sign + digits
        digits = digits.rjust(self.minor_digits + 1, "0")
        return f"{sign}{digits[: -self.minor_digits]}.{digits[-self.minor_digits :]}"


def channels_of(channel_set: int) -> tuple[str, ...]:
    """Channel names of a record's channel bits (1 or 3); Malformed `channel-set` otherwise."""
    if channel_set not in CHANNEL_SETS:
        raise Malformed("channel-set", str(channel_set))
    return CHANNELS[: channel_set.bit_count()]


def divide_rounded(numerator: int, denominator: int, mode: str) -> int:
    """numerator / denominator (> 0) to a whole number.

    "half-up" and "half-down" send ties towards plus and minus infinity; the modes "from zero"
    look at the magnitude; so a credit is rounded as its mode says and not by its mirror image.
    """
    whole, rest = divmod(numerator, denominator)
    if rest == 0 or mode == "floor":
        return whole
    twice = 2 * rest - denominator
    if mode == "ceiling":
        up = True
    elif mode == "towards-zero":
        up = numerator < 0
    elif mode == "away-from-zero":
        up = numerator > 0
    elif twice:
        up = twice > 0
    elif mode == "half-even":
        up = whole % 2 == 1
    elif mode == "half-away-from-zero":
        up = numerator > 0
    else:
        up = mode == "half-up"
    return whole + up


@dataclass(frozen=True)
class Rounding:
    """To whole multiples of `step_minor` minor units, by `mode`."""

    step_minor: int
    mode: str

    @classmethod
    def read(cls, value: Any, where: str) -> Rounding:
        fields = Fields(value, where, {"step_minor", "mode"})
        return cls(fields.integer("step_minor", 1, 10**6), fields.choice("mode", ROUNDING_MODES))

    def write(self) -> dict[str, Any]:
        return {"step_minor": self.step_minor, "mode": self.mode}

    def apply(self, amount_minor: Fraction) -> int:
        """An exact amount in minor units, rounded: an integer number of minor units."""
        numerator, denominator = amount_minor.numerator, amount_minor.denominator
        return divide_rounded(numerator, denominator * self.step_minor, self.mode) * self.step_minor
