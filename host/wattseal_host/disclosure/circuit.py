"""Questions as one circuit, and as numbers: the two must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattseal.commitment import VALUE_LIMIT
from wattseal.errors import Refused

from wattseal_host.disclosure.query import Function, Query, Sum
from wattseal_host.proof import Assignment, Builder, Circuit, Linear, gadgets, linear_sum
from wattseal_host.tariff.scene import Source

SCALE = 1000  # of a load factor
_SAYS = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b,
         ">": lambda a, b: a > b, "<": lambda a, b: a < b}  # fmt: skip


@dataclass(frozen=True)
class Records:
    """spans: (start_s, end_s) of each record that is no event; channels; bits: no reading that is
    looked at by itself has more; values: each channel's readings, None on the verifier's side."""

    spans: Sequence[tuple[int, int]]
    channels: Sequence[str]
    bits: int
    values: Mapping[str, Sequence[int]] | None = None

    def places(self, function: Function) -> tuple[int, ...]:
        """Where the records of a function's window are. Refused `query-channel`,
        `query-no-records`."""
        window = function.window
        if window.channel not in self.channels:
            raise Refused("query-channel", f"the meter has no {window.channel}")
        low, high = window.from_s, window.to_s
        found = tuple(
            place
            for place, (start_s, _) in enumerate(self.spans)
            if (low is None or low <= start_s) and (high is None or start_s < high)
        )
        if not found or (low is not None and low < self.spans[0][0]) or (
            high is not None and high > self.spans[-1][1]
        ):  # fmt: skip
            raise Refused("query-no-records", "the records do not fill the window")
        return found


@dataclass(frozen=True)
class Compiled:
    circuit: Circuit
    assignment: Assignment | None
    sources: tuple[Source, ...]


def answer(query: Query, records: Records) -> int:
    """From the readings."""
    left = _number(query.left, records)
    if not query.comparison:
        return left
    return int(_SAYS[query.comparison](left, _number(query.right, records)))


def _number(side: Sum, records: Records) -> int:
    return side.constant + sum(factor * _value(term, records) for factor, term in side.terms)


def _value(function: Function, records: Records) -> int:
    assert records.values is not None
    places = records.places(function)
    readings = records.values[function.window.channel]
    values = [readings[place] for place in places]
    match function.name:
        case "sum":
            return sum(values)
        case "max":
            return max(values)
        case "highest":
            return sum(sorted(values)[-function.number :])
        case "count":
            return sum(value > function.number for value in values)
        case _:
            if not max(values):
                raise Refused("query-nothing-used", "a load factor of nothing")
            return SCALE * sum(values) // (len(values) * max(values))


def compile_queries(
    queries: Sequence[Query], records: Records, answers: Sequence[int] | None = None
) -> Compiled:
    """One circuit for all; its public numbers are the answers, in their order."""
    return _Compiler(records).all(queries, answers)


class _Compiler:
    def __init__(self, records: Records) -> None:
        self.records, self.b = records, Builder()
        self.sources: list[Source] = []
        self.inputs: dict[Source, Linear] = {}
        self.singles: dict[Source, Linear] = {}

    def all(self, queries: Sequence[Query], answers: Sequence[int] | None) -> Compiled:
        for number, query in enumerate(queries):
            left = self._side(query.left)
            if query.comparison:
                left = self._compare(left, self._side(query.right), query.comparison)
            low, high = left.interval
            said = self.b.public(low, high, None if answers is None else answers[number])
            self.b.equal(left, said)
        circuit, assignment = self.b.finish()
        return Compiled(circuit, assignment, tuple(self.sources))

    def _side(self, side: Sum) -> Linear:
        terms = [(factor, self._function(term)) for factor, term in side.terms]
        return linear_sum(terms) + side.constant

    def _compare(self, left: Linear, right: Linear, comparison: str) -> Linear:
        if comparison in ("<=", "<"):
            left, right = right, left
        bit = gadgets.at_least(self.b, left, right + int(comparison in (">", "<")))
        return bit

    def _input(self, source: Source) -> Linear:
        if source not in self.inputs:
            self.sources.append(source)
            value = None
            if self.records.values is not None:
                readings = self.records.values[source.channel]
                value = sum(readings[place] for place in source.places)
            most = len(source.places) * (VALUE_LIMIT - 1)
            self.inputs[source] = self.b.input(0, most, value)
        return self.inputs[source]

    def _each(self, function: Function) -> list[Linear]:
        """Each reading of a window, proven to have no more than `bits`."""
        found = []
        for place in self.records.places(function):
            source = Source(function.window.channel, (place,))
            if source not in self.singles:
                most = (1 << self.records.bits) - 1
                self.singles[source] = gadgets.range_check(self.b, self._input(source), 0, most)
            found.append(self.singles[source])
        return found

    def _total(self, function: Function) -> Linear:
        return self._input(Source(function.window.channel, self.records.places(function)))

    def _function(self, function: Function) -> Linear:
        b = self.b
        match function.name:
            case "sum":
                return self._total(function)
            case "max":
                return gadgets.maximum(b, self._each(function))
            case "highest":
                each = self._each(function)
                return gadgets.sum_of_highest(b, each, min(function.number, len(each)))
            case "count":
                least = function.number + 1
                return linear_sum((1, gadgets.at_least(b, x, least)) for x in self._each(function))
            case _:
                return self._load_factor(function)

    def _load_factor(self, function: Function) -> Linear:
        """q with 0 <= 1000 Σ - q n max < n max: the quotient, rounded down."""
        b = self.b
        each = self._each(function)
        total, highest = linear_sum((1, x) for x in each), gadgets.maximum(b, each)
        value = None if self.records.values is None else _value(function, self.records)
        quotient = gadgets.number(b, SCALE, value)
        rest = SCALE * total - len(each) * gadgets.product(b, quotient, highest)
        most = len(each) * ((1 << self.records.bits) - 1)
        rest = gadgets.range_check(b, rest, 0, most)
        gadgets.range_check(b, len(each) * highest - rest - 1, 0, most)
        return quotient
