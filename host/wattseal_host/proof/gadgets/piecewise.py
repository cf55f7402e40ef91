"""Functions of one value: piecewise linear, and polynomial."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Misuse

from wattseal_host.proof.builder import Builder
from wattseal_host.proof.gadgets.compare import excess
from wattseal_host.proof.gadgets.one_hot import band
from wattseal_host.proof.gadgets.products import product
from wattseal_host.proof.linear import Linear, linear_sum

Piece = tuple[int | None, int, int]
_FEW = 3  # up to so many pieces comparisons are cheaper than bands


def piecewise(b: Builder, x: Linear, pieces: Sequence[Piece]) -> Linear:
    """slope * x + intercept of the piece x is in. pieces: (upper, slope, intercept), a piece
    reaching from above the one before up to `upper`; the last upper is None. Jumps are allowed.

    Cost: up to three pieces a comparison for each end between them; more: a band, and a product
    for each piece but one.
    """
    uppers = [upper for upper, _, _ in pieces[:-1] if upper is not None]
    if not pieces or pieces[-1][0] is not None or len(uppers) != len(pieces) - 1:
        raise Misuse("gadget-pieces")
    if uppers != sorted(set(uppers)):
        raise Misuse("gadget-bands")
    result = _by_comparison(b, x, pieces) if len(pieces) <= _FEW else _by_band(b, x, pieces, uppers)
    low, high = x.interval
    ends = []
    start = low
    for upper, slope, intercept in pieces:
        end = high if upper is None else min(upper, high)
        if start <= end:
            ends += [slope * start + intercept, slope * end + intercept]
            start = end + 1
    return result.within(min(ends), max(ends))


def _by_comparison(b: Builder, x: Linear, pieces: Sequence[Piece]) -> Linear:
    upper, slope, intercept = pieces[0]
    parts: list[tuple[int, Linear | int]] = [(slope, x), (intercept, 1)]
    for next_upper, next_slope, next_intercept in pieces[1:]:
        assert upper is not None
        bit, over = excess(b, x, upper + 1)
        # bit * x = over + bit * (upper + 1)
        rise = next_slope - slope
        parts += [(rise, over), (rise * (upper + 1) + next_intercept - intercept, bit)]
        upper, slope, intercept = next_upper, next_slope, next_intercept
    return linear_sum(parts)


def _by_band(b: Builder, x: Linear, pieces: Sequence[Piece], uppers: list[int]) -> Linear:
    bits = band(b, x, uppers)
    _, base, _ = pieces[-1]
    parts: list[tuple[int, Linear | int]] = [(base, x)]
    for (_, slope, intercept), bit in zip(pieces, bits, strict=True):
        if slope != base:
            parts.append((slope - base, product(b, bit, x)))
        parts.append((intercept, bit))
    return linear_sum(parts)


def polynomial(b: Builder, x: Linear, coefficients: Sequence[int]) -> Linear:
    """Σ coefficients[i] * x^i (Horner). Cost: the degree less one."""
    if not coefficients:
        raise Misuse("gadget-empty")
    result = Linear.of(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = product(b, result, x) + coefficient
    return result
