"""Linear combinations of variables, which know the interval their value lies in.

The interval is that of the integer, not of a residue: [lo, hi] holds for every assignment that
satisfies the circuit. Where no such interval is known (`bounded` false) the combination is a
residue mod the order, and only gadgets that ask nothing but "is it zero" may use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wattseal.errors import Misuse


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Σ coefficient * variable + constant. value: on the prover's side, else None."""

    terms: dict[int, int]
    constant: int
    lo: int | None
    hi: int | None
    value: int | None

    @classmethod
    def of(cls, number: int) -> Linear:
        """A constant."""
        return cls({}, number, number, number, number)

    @property
    def bounded(self) -> bool:
        return self.lo is not None

    @property
    def interval(self) -> tuple[int, int]:
        """[lo, hi]. Misuse `circuit-residue` if none is known."""
        if self.lo is None or self.hi is None:
            raise Misuse("circuit-residue")
        return self.lo, self.hi

    def within(self, lo: int, hi: int) -> Linear:
        """The same combination, known to lie in [lo, hi] too: for gadgets that have proven it."""
        low, high = (lo, hi) if self.lo is None or self.hi is None else self.interval
        return Linear(self.terms, self.constant, max(lo, low), min(hi, high), self.value)

    def anew(self, lo: int, hi: int) -> Linear:
        """The same combination, of which no more is relied on than that it lies in [lo, hi]."""
        return Linear(self.terms, self.constant, lo, hi, self.value)

    def __add__(self, other: Linear | int) -> Linear:
        return linear_sum([(1, self), (1, other)])

    def __sub__(self, other: Linear | int) -> Linear:
        return linear_sum([(1, self), (-1, other)])

    def __rsub__(self, other: int) -> Linear:
        return linear_sum([(1, other), (-1, self)])

    def __mul__(self, factor: int) -> Linear:
        return linear_sum([(factor, self)])

    def __neg__(self) -> Linear:
        return self * -1

    __radd__ = __add__
    __rmul__ = __mul__


def linear_sum(parts: Iterable[tuple[int, Linear | int]]) -> Linear:
    """Σ factor * part."""
    terms: dict[int, int] = {}
    constant = 0
    lo: int | None = 0
    hi: int | None = 0
    value: int | None = 0
    for factor, part in parts:
        if isinstance(part, int):
            part = Linear.of(part)
        if type(factor) is not int:
            raise Misuse("circuit-factor")
        if factor == 0:
            continue
        for variable, coefficient in part.terms.items():
            total = terms.get(variable, 0) + factor * coefficient
            if total:
                terms[variable] = total
            else:
                del terms[variable]
        constant += factor * part.constant
        value = None if value is None or part.value is None else value + factor * part.value
        if lo is None or hi is None or part.lo is None or part.hi is None:
            lo = hi = None
        elif factor > 0:
            lo, hi = lo + factor * part.lo, hi + factor * part.hi
        else:
            lo, hi = lo + factor * part.hi, hi + factor * part.lo
    if not terms:
        return Linear.of(constant)
    return Linear(terms, constant, lo, hi, value)
