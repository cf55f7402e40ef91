"""Prices as step functions of UTC time. Every linear part of a tariff becomes one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from wattseal_host.units import divide_rounded

MAX_PRICE = 2**48


@dataclass(frozen=True)
class Steps:
    """prices[i] holds from starts[i] to starts[i + 1] (the last: for ever); starts ascend."""

    starts: tuple[int, ...]
    prices: tuple[int, ...]

    @classmethod
    def make(cls, steps: list[tuple[int, int]]) -> Steps:
        """From (start_s, price) in ascending order; equal neighbours merge."""
        kept: list[tuple[int, int]] = []
        for start_s, price in steps:
            if not kept or kept[-1][1] != price:
                kept.append((start_s, price))
        return cls(tuple(s for s, _ in kept), tuple(p for _, p in kept))

    @property
    def constant(self) -> bool:
        return len(self.prices) == 1

    def at(self, time_s: int) -> int:
        return self.prices[bisect_right(self.starts, time_s) - 1]

    def changes(self, from_s: int, to_s: int) -> tuple[int, ...]:
        """The times at which the price changes, from_s < t < to_s."""
        return self.starts[bisect_right(self.starts, from_s) : bisect_left(self.starts, to_s)]

    def throughout(self, spans: Sequence[tuple[int, int]]) -> list[int | None]:
        """The price of all of each from_s <= t < to_s; None if it changes. from_s >= starts[0]."""
        starts, prices, count = self.starts, self.prices, len(self.starts)
        found: list[int | None] = []
        for from_s, to_s in spans:
            after = bisect_right(starts, from_s)
            changes = after < count and starts[after] < to_s
            found.append(None if changes else prices[after - 1])
        return found

    def over(self, from_s: int, to_s: int) -> list[tuple[int, int]]:
        """(seconds, price) of each step within from_s <= t < to_s; from_s >= starts[0]."""
        index = bisect_right(self.starts, from_s) - 1
        result = []
        while from_s < to_s:
            index += 1
            end_s = min(self.starts[index], to_s) if index < len(self.starts) else to_s
            result.append((end_s - from_s, self.prices[index - 1]))
            from_s = end_s
        return result


def add_steps(parts: list[tuple[int, Steps]], from_s: int) -> Steps:
    """The sum of factor * prices of several step functions from from_s on (of none: 0)."""
    if len(parts) == 1 and parts[0][1].starts[0] == from_s:
        k, steps = parts[0]
        return Steps.make([(s, k * p) for s, p in zip(steps.starts, steps.prices, strict=True)])
    price = sum(k * steps.at(from_s) for k, steps in parts)
    moves: dict[int, int] = {}
    for k, steps in parts:
        first = bisect_right(steps.starts, from_s)
        for index in range(first, len(steps.starts)):
            at_s, move = steps.starts[index], k * (steps.prices[index] - steps.prices[index - 1])
            moves[at_s] = moves.get(at_s, 0) + move
    result = [(from_s, price)]
    for at_s in sorted(moves):
        price += moves[at_s]
        result.append((at_s, price))
    return Steps.make(result)


@dataclass(frozen=True)
class LongRecordRule:
    """The price of a record over which the price is not constant.

    rule: "lowest", "highest" or "mean" (weighted by seconds, rounded to a whole price by
    `rounding`, which is None for the other two). Applied to a channel's total price, taxes
    included; of an export credit, which is a negative price, the lowest is the largest credit.
    """

    rule: str
    rounding: str | None

    def price(self, steps: list[tuple[int, int]]) -> int:
        prices = [price for _, price in steps]
        if self.rounding is None:
            return min(prices) if self.rule == "lowest" else max(prices)
        total = sum(seconds * price for seconds, price in steps)
        return divide_rounded(total, sum(seconds for seconds, _ in steps), self.rounding)
