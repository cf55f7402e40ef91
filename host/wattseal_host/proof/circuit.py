"""An arithmetic circuit: multiplication gates, and linear constraints on their wires.

Gate i says a_L[i] * a_R[i] = a_O[i]. A row says Σ coefficient * variable + constant = 0, mod the
group's order. A variable is an int: wires are 3i (a_L), 3i + 1 (a_R), 3i + 2 (a_O); symbol j is
-1 - j. Symbols are the committed inputs and the public numbers, in the order they were declared.

In the paper's form W_L a_L + W_R a_R + W_O a_O = W_V v + c, W_L, W_R and W_O are the wires'
coefficients, W_V the negative ones of the committed inputs, and c what is left: minus the
constant and minus the public numbers with their coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from gmpy2 import mpz
from wattseal.hashing import sha256

from wattseal_host.proof.inner_product import shape
from wattseal_host.proof.labels import CIRCUIT

Row = tuple[tuple[tuple[int, int], ...], int]


@dataclass(frozen=True)
class Symbol:
    """committed: an input behind a commitment, else a public number; lo <= value <= hi."""

    committed: bool
    lo: int
    hi: int


@dataclass(frozen=True)
class Weights:
    """The rows summed up with the powers z^1, z^2, …: z W_L, z W_R, z W_O, z W_V and <z, c>."""

    L: list[Any]
    R: list[Any]
    O: list[Any]  # noqa: E741 (the paper's symbol)
    V: list[Any]
    c: Any


@dataclass
class Assignment:
    """A value for each wire and each symbol: integers of any sign, equal mod the order."""

    L: list[int] = field(default_factory=list)
    R: list[int] = field(default_factory=list)
    O: list[int] = field(default_factory=list)  # noqa: E741
    symbols: list[int] = field(default_factory=list)

    def value(self, variable: int) -> int:
        if variable < 0:
            return self.symbols[-1 - variable]
        return (self.L, self.R, self.O)[variable % 3][variable // 3]


@dataclass(frozen=True)
class Circuit:
    """gates: how many; rows: as above, their variables ascending, coefficients never 0."""

    gates: int
    symbols: tuple[Symbol, ...]
    rows: tuple[Row, ...]

    @property
    def inputs(self) -> list[int]:
        """The symbols that are committed inputs."""
        return [j for j, symbol in enumerate(self.symbols) if symbol.committed]

    @property
    def publics(self) -> list[int]:
        """The symbols that are public numbers."""
        return [j for j, symbol in enumerate(self.symbols) if not symbol.committed]

    @property
    def n(self) -> int:
        """The gates after padding: length of the vectors."""
        final, rounds = shape(self.gates)
        return final << rounds

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical text (PROOF.md section 4)."""
        lines = [f"gates {self.gates}"]
        lines += [f"{'vp'[not s.committed]} {s.lo} {s.hi}" for s in self.symbols]
        for terms, constant in self.rows:
            lines.append(f"{constant} " + " ".join(map("%d:%d".__mod__, terms)))
        return bytes(sha256(CIRCUIT, "\n".join(lines).encode("ascii")))

    def weights(self, z: int, publics: Sequence[int], order: int) -> Weights:
        """Sum up the rows, q-th with z^(q + 1)."""
        count = 3 * self.gates
        sums: list[Any] = [mpz(0)] * (count + len(self.symbols))
        c = mpz(0)
        power = mpz(1)
        for terms, constant in self.rows:
            power = power * z % order
            for variable, coefficient in terms:
                sums[variable] += power * coefficient  # symbols count from the end
            if constant:
                c -= power * constant
        for j, value in zip(self.publics, publics, strict=True):
            c -= sums[-1 - j] * value
        return Weights(
            [x % order for x in sums[0:count:3]],
            [x % order for x in sums[1:count:3]],
            [x % order for x in sums[2:count:3]],
            [-sums[-1 - j] % order for j in self.inputs],
            c % order,
        )

    def fault(self, assignment: Assignment, order: int) -> str | None:
        """The first gate or row that does not hold ("gate 3", "row 12"); None if all do."""
        wires = zip(assignment.L, assignment.R, assignment.O, strict=True)
        for gate, (left, right, out) in enumerate(wires):
            if (left * right - out) % order:
                return f"gate {gate}"
        values = list(
            chain.from_iterable(zip(assignment.L, assignment.R, assignment.O, strict=True))
        )
        values += reversed(assignment.symbols)
        for index, (terms, constant) in enumerate(self.rows):
            if (sum(c * values[variable] for variable, c in terms) + constant) % order:
                return f"row {index}"
        return None
