"""The query language: one question, one whole number for an answer (FORMATS.md section 11).

    query    = compared | sum
    compared = sum (">=" | "<=" | ">" | "<") sum             1 if it is so, else 0
    sum      = ["-"] product {("+" | "-") product}
    product  = factor {"*" factor}                           a whole number times one other thing
    factor   = number | "(" sum ")" | name "(" window {"," number} ")"
    window   = ("import" | "export") ["[" time ".." time "]"]

`sum(w)`; `max(w)`; `highest(w, k)`: the sum of the k highest; `count(w, n)`: how many are above n;
`load_factor(w)`: 1000 times the mean over the highest, rounded down. Readings are in the meter's
own unit. Times are UTC, `2026-01-31` or `2026-01-31T12:30`, or local with the offset from UTC that
held then, `2026-01-31+01:00`; a window takes the records that begin in it. `localised` writes the
offsets of a zone into a question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from wattseal.errors import Malformed

from wattseal_host.units import CHANNELS

MOST_CHARACTERS = 1000
MOST_DEPTH = 20
MOST_NUMBER = 1 << 48
NUMBERS = {"sum": 0, "max": 0, "highest": 1, "count": 1, "load_factor": 0}
COMPARISONS = (">=", "<=", ">", "<")
MOST_OFFSET_H = 18
TIME = re.compile(r"(?P<local>\d{4}-\d\d-\d\d(?:T\d\d:\d\d)?)(?P<offset>[+-]\d\d:\d\d)?")
_TOKEN = re.compile(
    r"\s*(?:(?P<time>\d{4}-\d\d-\d\d(?:T\d\d:\d\d)?(?:[+-]\d\d:\d\d)?)|(?P<number>\d+)"
    r"|(?P<name>[a-z_]+)"
    r"|(?P<mark>>=|<=|\.\.|[-+*()\[\],<>]))"
)


class Window(NamedTuple):
    """channel: "import" or "export"; from_s, to_s: None for the whole stretch."""

    channel: str
    from_s: int | None
    to_s: int | None


@dataclass(frozen=True)
class Number:
    value: int


@dataclass(frozen=True)
class Function:
    """name: a key of NUMBERS; number: its argument, 0 where it has none."""

    name: str
    window: Window
    number: int


@dataclass(frozen=True)
class Sum:
    """Σ factor * term."""

    terms: tuple[tuple[int, Function], ...]
    constant: int


@dataclass(frozen=True)
class Query:
    """left, or whether `left comparison right`; text: as it was written, spaces made one."""

    left: Sum
    comparison: str
    right: Sum
    text: str

    @property
    def functions(self) -> list[Function]:
        return [function for side in (self.left, self.right) for _, function in side.terms]


def parse(text: str) -> Query:
    """Raises Malformed `query-…` with the place: huge, character, syntax, number, nested, product,
    window, empty."""
    if len(text) > MOST_CHARACTERS:
        raise Malformed("query-huge", f"over {MOST_CHARACTERS} characters")
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = " ".join(text.split())
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None or match.lastgroup is None:
                raise Malformed("query-character", f"at {at + 1}: {self._text[at : at + 10]!r}")
            self._tokens.append((match.lastgroup, match[match.lastgroup], match.start() + 1))
            at = match.end()
        self._next = 0

    def _wrong(self, code: str, what: str) -> Malformed:
        at = self._tokens[self._next][2] if self._next < len(self._tokens) else len(self._text) + 1
        return Malformed(f"query-{code}", f"at {at}: {what}")

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        if self._peek() not in wanted:
            raise self._wrong("syntax", f"{' or '.join(wanted)} wanted")
        self._next += 1
        return self._tokens[self._next - 1][1]

    def query(self) -> Query:
        left, comparison, right = self._sum(0), "", Sum((), 0)
        if self._peek() in COMPARISONS:
            comparison = self._take(*COMPARISONS)
            right = self._sum(0)
        if self._next < len(self._tokens):
            raise self._wrong("syntax", "nothing more wanted")
        if not left.terms and not right.terms:
            raise Malformed("query-empty", "it asks for nothing")
        return Query(left, comparison, right, self._text)

    def _sum(self, depth: int) -> Sum:
        sign = -1 if self._peek() == "-" else 1
        if sign < 0:
            self._take("-")
        total = _scaled(self._product(depth), sign)
        while self._peek() in ("+", "-"):
            sign = 1 if self._take("+", "-") == "+" else -1
            more = _scaled(self._product(depth), sign)
            total = Sum(total.terms + more.terms, total.constant + more.constant)
        return total

    def _product(self, depth: int) -> Sum:
        total = self._factor(depth)
        while self._peek() == "*":
            self._take("*")
            more = self._factor(depth)
            if total.terms and more.terms:
                raise self._wrong("product", "one side of * is a whole number")
            total = _scaled(more, total.constant) if more.terms else _scaled(total, more.constant)
            if max((abs(f) for f, _ in total.terms), default=abs(total.constant)) > MOST_NUMBER:
                raise self._wrong("number", "over 2^48")
        return total

    def _factor(self, depth: int) -> Sum:
        if depth > MOST_DEPTH:
            raise self._wrong("nested", f"over {MOST_DEPTH} levels")
        kind, text = self._tokens[self._next][:2] if self._next < len(self._tokens) else ("", "")
        if kind == "number":
            return Sum((), self._number())
        if text == "(":
            self._take("(")
            inner = self._sum(depth + 1)
            self._take(")")
            return inner
        name = self._take(*NUMBERS)
        self._take("(")
        window = self._window()
        number = 0
        if NUMBERS[name]:
            self._take(",")
            number = self._number()
        self._take(")")
        if name == "highest" and not 1 <= number <= 1000:
            raise self._wrong("number", "highest of 1 to 1000")
        return Sum(((1, Function(name, window, number)),), 0)

    def _number(self) -> int:
        if self._next >= len(self._tokens) or self._tokens[self._next][0] != "number":
            raise self._wrong("syntax", "a whole number wanted")
        text = self._tokens[self._next][1]
        if len(text) > 15 or int(text) > MOST_NUMBER:
            raise self._wrong("number", "over 2^48")
        self._next += 1
        return int(text)

    def _window(self) -> Window:
        channel = self._take(*CHANNELS)
        if self._peek() != "[":
            return Window(channel, None, None)
        self._take("[")
        from_s = self._time()
        self._take("..")
        to_s = self._time()
        self._take("]")
        if from_s >= to_s:
            raise self._wrong("window", "it ends before it begins")
        return Window(channel, from_s, to_s)

    def _time(self) -> int:
        if self._next >= len(self._tokens) or self._tokens[self._next][0] != "time":
            raise self._wrong("syntax", "a time wanted, as 2026-01-31 or 2026-01-31T12:30")
        text = self._tokens[self._next][1]
        seconds = _seconds(text)
        if not 0 <= seconds < 1 << 32:
            raise self._wrong("window", f"{text} is no time of ours")
        self._next += 1
        return seconds


def _seconds(text: str) -> int:
    """Of a time token; -1 for one that is none."""
    match = TIME.fullmatch(text)
    assert match is not None
    offset_s = 0
    if offset := match["offset"]:
        hours, minutes = int(offset[1:3]), int(offset[4:])
        if hours > MOST_OFFSET_H or minutes > 59:
            return -1
        offset_s = (3600 * hours + 60 * minutes) * (-1 if offset[0] == "-" else 1)
    try:
        at = datetime.fromisoformat(match["local"]).replace(tzinfo=UTC)
    except ValueError:
        return -1
    return int(at.timestamp()) - offset_s


def _scaled(one: Sum, factor: int) -> Sum:
    return Sum(tuple((factor * f, term) for f, term in one.terms if factor), factor * one.constant)
