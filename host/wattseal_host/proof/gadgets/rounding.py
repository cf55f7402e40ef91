"""Division by a step, rounded to a whole number by a stated mode, negatives included."""

from __future__ import annotations

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.compare import at_least
from wattseal_host.proof.gadgets.numbers import number, range_check
from wattseal_host.proof.linear import Linear
from wattseal_host.units import ROUNDING_MODES, divide_rounded


def round_to(b: Builder, x: Linear, step: int, mode: str) -> Linear:
    """The whole number next to x / step by `mode` (units.ROUNDING_MODES), hidden.

    Cost: that of `round_public`, and the bits of the result's range.
    """
    if step < 1 or mode not in ROUNDING_MODES:
        raise Misuse("gadget-rounding")
    low, high = (divide_rounded(end, step, mode) for end in x.interval)
    value = None if x.value is None else divide_rounded(x.value, step, mode) - low
    quotient = (low + number(b, high - low, value)).within(low, high)
    round_public(b, x, step, mode, quotient)
    return quotient


def round_public(b: Builder, x: Linear, step: int, mode: str, quotient: Linear) -> None:
    """Constrain `quotient` (a whole number, public or not) to be x / step rounded by `mode`.

    All modes but half-even say 0 <= x + offset - step * quotient < step, with an offset of at
    most step - 1, which for the modes "zero" depends on x's sign. Half-even: the remainder from
    half a step below is in [0, step] for an even quotient and in [1, step - 1] for an odd one.
    Cost: bit_length(step - 1); a comparison with 0 where x may have either sign and the mode
    asks; half-even of an even step: 1 + the bits of half the quotient's range + 2 bit_length(step).
    """
    if step < 1 or mode not in ROUNDING_MODES:
        raise Misuse("gadget-rounding")
    if step == 1:
        b.equal(x, quotient)
        return
    if mode == "half-even" and step % 2 == 0:
        _half_even(b, x, step, quotient)
        return
    down, up = (step - 1) // 2, step // 2  # the same for an odd step, which has no ties
    offset: Linear | int
    if mode in ("floor", "ceiling"):
        offset = 0 if mode == "floor" else step - 1
    elif mode in ("half-down", "half-up", "half-even"):
        offset = down if mode == "half-down" else up
    elif mode == "half-away-from-zero":
        offset = down + (up - down) * at_least(b, x, 0) if up != down else up
    else:
        sign = at_least(b, x, 0)
        offset = (step - 1) * (sign if mode == "away-from-zero" else 1 - sign)
    range_check(b, x + offset - step * quotient, 0, step - 1)


def _half_even(b: Builder, x: Linear, step: int, quotient: Linear) -> None:
    low, high = (end // 2 for end in quotient.interval)
    value = quotient.value
    odd = b.bit(None if value is None else value & 1)
    half = number(b, high - low, None if value is None else (value >> 1) - low)
    b.equal(quotient, 2 * (low + half) + odd)
    above = x - step * quotient + step // 2 - odd
    range_check(b, above, 0, step)
    range_check(b, step - 2 * odd - above, 0, step)
