"""A bill taken apart for its customer: what each part of the tariff comes to. Exact fractions.

For reading only: the amount payable is `Tariff.amount`. The lines add up to it before rounding,
but for what the rule `mean` rounds in the weight of a long record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from wattseal_host.tariff.fixed import Standing
from wattseal_host.tariff.minimum import Minimum
from wattseal_host.tariff.model import Tariff
from wattseal_host.tariff.scene import Shaped
from wattseal_host.tariff.tax import Tax


@dataclass(frozen=True)
class Line:
    """A standing charge, a shaped fee, a tax or what a minimum adds. amount: in the units of the
    tariff's prices."""

    name: str
    amount: Fraction


def part_prices(tariff: Tariff, channel: str, from_s: int, to_s: int) -> dict[str, Fraction]:
    """Each part's own price of a channel over a record, taxes left out, by the long-record rule:
    all parts at the moment where the weight is lowest or highest, or each part's mean."""
    parts = [part.name for part in tariff.priced if part.channel == channel]
    over = tariff.steps(channel).over(from_s, to_s)
    rule = tariff.long_records
    if rule is not None and rule.rule == "mean" and len(over) > 1:
        return {
            name: Fraction(
                sum(s * price for s, price in tariff.price_steps[name].over(from_s, to_s)),
                to_s - from_s,
            )
            for name in parts
        }
    wanted = rule.price(over) if rule is not None else over[0][1]
    at_s = from_s
    for seconds, weight in over:
        if weight == wanted:
            break
        at_s += seconds
    return {name: Fraction(tariff.price_steps[name].at(at_s)) for name in parts}


def charges(tariff: Tariff, fees: Mapping[str, Fraction], from_s: int, to_s: int) -> list[Line]:
    """The standing charges and taxes of a period, in the tariff's order.

    fees: for each priced part, price times energy in priced units (`Tariff.per`), summed; for each
    shaped one, its fee.
    """
    amounts = dict(fees)
    for part in tariff.parts:
        if isinstance(part, Standing):
            amounts[part.name] = part.charge(tariff.zone, from_s, to_s)
    lines = []
    for part in tariff.parts:
        if isinstance(part, Standing | Shaped):
            lines.append(Line(part.name, amounts[part.name]))
        elif isinstance(part, Tax):
            shares = tariff.fold.shares[part.name]
            taxed = sum((share * amounts[name] for name, share in shares.items()), Fraction(0))
            lines.append(Line(part.name, taxed))
        elif isinstance(part, Minimum):
            so_far = sum(amounts[p.name] for p in tariff.priced) + sum(x.amount for x in lines)
            least = part.least(tariff.zone, from_s, to_s)
            amounts[part.name] = max(least - so_far, Fraction(0))
            lines.append(Line(part.name, amounts[part.name]))
    return lines
