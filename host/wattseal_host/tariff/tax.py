"""Taxes, and how they fold: every tax is a share of the parts that are none, by exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from wattseal.errors import Malformed

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields

ALL_BEFORE = "all-before"
MAX_RATE = 10**9
MAX_RATE_DECIMALS = 9
MAX_DECIMALS = 24
MAX_FACTOR = 10**6

Shares = dict[str, Fraction]


@dataclass(frozen=True)
class Tax:
    """A part of type "tax": rate * 10^rate_exponent times the sum of its base.

    base: names of earlier parts, taxes among them if it is a tax on taxes; None: of all parts
    before it. A negative rate is a rebate.
    """

    name: str
    rate: int
    rate_exponent: int
    base: tuple[str, ...] | None

    @classmethod
    def read(cls, fields: Fields) -> Tax:
        base: tuple[str, ...] | None = None
        if fields.raw("base") != ALL_BEFORE:
            base = tuple(fields.items("base", 64, 1))
            if any(type(name) is not str for name in base) or len(set(base)) != len(base):
                raise malformed(fields.where("base"))
        return cls(
            fields.text("name", 40),
            fields.integer("rate", -MAX_RATE, MAX_RATE),
            fields.integer("rate_exponent", -MAX_RATE_DECIMALS, 0),
            base,
        )

    @property
    def fraction(self) -> Fraction:
        return self.rate * Fraction(10) ** self.rate_exponent


class Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Fold:
    """shares: for each part in order, how much of each part that is no tax is in it (of itself:
    all); factors: for each part that is no tax, by how much it counts with all taxes on it."""

    shares: dict[str, Shares]
    factors: Shares

    @classmethod
    def make(cls, parts: Sequence[Named]) -> Fold:
        """Raises Malformed `tariff-names` (two parts of one name), `tariff-base` (a tax on what
        does not come before it), `tariff-scale` (factors beyond what a bill can mean)."""
        shares: dict[str, Shares] = {}
        for part in parts:
            if part.name in shares:
                raise Malformed("tariff-names", part.name)
            if isinstance(part, Tax):
                shares[part.name] = _tax_shares(part, shares)
            else:
                shares[part.name] = {part.name: Fraction(1)}
        factors: Shares = {}
        for share in shares.values():
            for name, fraction in share.items():
                factors[name] = factors.get(name, Fraction(0)) + fraction
        if any(abs(factor) > MAX_FACTOR for factor in factors.values()):
            raise Malformed("tariff-scale")
        return cls(shares, factors)

    def decimals(self, names: Sequence[str]) -> int:
        """The least k for which 10^k times each named factor is whole; Malformed `tariff-scale`
        above 24."""
        for k in range(MAX_DECIMALS + 1):
            if all((self.factors[name] * 10**k).denominator == 1 for name in names):
                return k
        raise Malformed("tariff-scale")


def _tax_shares(tax: Tax, before: dict[str, Shares]) -> Shares:
    base = tuple(before) if tax.base is None else tax.base
    if not base:
        raise Malformed("tariff-base", tax.name)
    result: Shares = {}
    for name in base:
        if name not in before:
            raise Malformed("tariff-base", f"{tax.name}: {name[:40]}")
        for part, fraction in before[name].items():
            result[part] = result.get(part, Fraction(0)) + fraction * tax.fraction
    return result
