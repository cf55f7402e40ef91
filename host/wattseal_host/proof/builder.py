"""Building a circuit, and on the prover's side the assignment beside it, by the same calls.

Every variable a builder hands out has an interval that holds for each satisfying assignment:
inputs by the caller's promise, bits by their gate, products from their factors. Every row and
every factor is checked to stay below 2^250 in magnitude, so that what holds mod the order holds
for the integers.
"""

from __future__ import annotations

from wattseal.errors import Misuse

from wattseal_host.proof.circuit import Assignment, Circuit, Row, Symbol
from wattseal_host.proof.group import P256
from wattseal_host.proof.linear import Linear

MAGNITUDE = 1 << 250


class Builder:
    """order: of the group, MAGNITUDE below half of it; both are parameters for the tests only."""

    def __init__(self, order: int | None = None, magnitude: int = MAGNITUDE) -> None:
        self.order = int(P256.order) if order is None else order
        self._magnitude = magnitude
        self._symbols: list[Symbol] = []
        self._rows: list[Row] = []
        self._used: set[int] = set()
        self._assignment = Assignment()
        self._known = True
        self.gates = 0

    def input(self, lo: int, hi: int, value: int | None = None) -> Linear:
        """The next committed input. The caller answers for lo <= value <= hi: the commitments
        are to readings of sealed records, which the meter keeps in range, or to sums of them.
        Misuse `circuit-input` for a value outside."""
        return self._symbol(Symbol(True, lo, hi), value)

    def public(self, lo: int, hi: int, value: int | None = None) -> Linear:
        """The next public number; the verifier checks its bounds."""
        return self._symbol(Symbol(False, lo, hi), value)

    def _symbol(self, symbol: Symbol, value: int | None) -> Linear:
        if symbol.lo > symbol.hi or (value is not None and not symbol.lo <= value <= symbol.hi):
            raise Misuse("circuit-input")
        self._symbols.append(symbol)
        self._assignment.symbols.append(self._note(value))
        return Linear({-len(self._symbols): 1}, 0, symbol.lo, symbol.hi, value)

    def _note(self, value: int | None) -> int:
        if value is None:
            self._known = False
            return 0
        return int(value)

    def equal(self, x: Linear | int, y: Linear | int = 0) -> None:
        """Constrain x = y."""
        self._zero(x - y if isinstance(x, Linear) else y - x if isinstance(y, Linear) else None)

    def _zero(self, difference: Linear | None) -> None:
        if difference is None or not difference.terms:
            if difference is None or difference.constant:
                raise Misuse("circuit-constant", "equality of constants")
            return
        self._check(difference)
        self._row(difference.terms, difference.constant)

    def _row(self, terms: dict[int, int], constant: int) -> None:
        self._rows.append((tuple(sorted(terms.items())), constant))
        self._used.update(variable for variable in terms if variable < 0)

    def _check(self, x: Linear) -> None:
        if x.bounded and max(map(abs, x.interval)) >= self._magnitude:
            raise Misuse("circuit-magnitude")

    def _gate(self, left: int | None, right: int | None, out: int | None) -> int:
        """A new gate; the number of its left wire."""
        values = self._assignment
        values.L.append(self._note(left))
        values.R.append(self._note(right))
        values.O.append(self._note(out))
        self.gates += 1
        return 3 * self.gates - 3

    def bit(self, value: int | None) -> Linear:
        """A new variable that is 0 or 1: b * (b - 1) = 0. One gate."""
        wire = self._gate(value, None if value is None else value - 1, 0)
        self._rows.append((((wire, 1), (wire + 1, -1)), -1))
        self._rows.append((((wire + 2, 1),), 0))
        return Linear({wire: 1}, 0, 0, 1, value)

    def multiply(self, x: Linear, y: Linear) -> Linear:
        """x * y. One gate. A product of a residue is a residue."""
        wire, value = self._multiplication(x, y)
        if not (x.bounded and y.bounded):
            if value is not None:
                value %= self.order
                self._assignment.O[-1] = value
            return Linear({wire + 2: 1}, 0, None, None, value)
        corners = [a * b for a in x.interval for b in y.interval]
        product = Linear({wire + 2: 1}, 0, min(corners), max(corners), value)
        self._check(product)
        return product

    def multiply_residues(self, x: Linear, y: Linear) -> Linear:
        """x * y mod the order, whatever its magnitude."""
        return self.multiply(Linear(x.terms, x.constant, None, None, x.value), y)

    def zero_product(self, x: Linear, y: Linear) -> None:
        """Constrain x * y = 0, which mod a prime means that x or y is 0. One gate."""
        wire, _ = self._multiplication(x, y)
        self._row({wire + 2: 1}, 0)

    def idle(self, x: Linear) -> None:
        """Let an input or public number be one of which no more is said than its bounds. One gate,
        x * 0 = 0; nothing if it is in a constraint already."""
        if any(variable < 0 and variable not in self._used for variable in x.terms):
            self.zero_product(x, Linear.of(0))

    def _multiplication(self, x: Linear, y: Linear) -> tuple[int, int | None]:
        value = None if x.value is None or y.value is None else x.value * y.value
        wire = self._gate(x.value, y.value, value)
        for factor, side in ((x, wire), (y, wire + 1)):
            self._check(factor)
            self._row({**factor.terms, side: -1}, factor.constant)
        return wire, value

    def finish(self) -> tuple[Circuit, Assignment | None]:
        """The circuit, and the assignment if every value was given.

        Misuse `circuit-unused` if an input or public number is in no constraint: nothing would
        be proven about it.
        """
        if any(-1 - j not in self._used for j in range(len(self._symbols))):
            raise Misuse("circuit-unused")
        circuit = Circuit(self.gates, tuple(self._symbols), tuple(self._rows))
        return circuit, self._assignment if self._known else None
