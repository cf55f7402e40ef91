"""Folding generators: the same few multiples of many points, in step.

    folded[j] = Σ_b weights[b] * points[b * width + j]

All columns share the weights, so all take the same steps: signed windows (wNAF) of every weight,
one doubling of all columns for each bit, one addition to all for each digit. Each step is a batch
of affine additions with one inversion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gmpy2 import mpz
from wattseal import p256
from wattseal.multi_exp import add_pairs

from wattseal_host.proof.buckets import Point

_WINDOW = 5
_COLUMNS = 1024  # at once: bounds the memory of the tables


def fold(rows: Sequence[Sequence[Point]], weights: Sequence[int]) -> list[Point | None]:
    """Σ_b weights[b] * rows[b][j] for each column j; weights >= 0, rows of equal length."""
    digits = [_signed_windows(int(weight)) for weight in weights]
    width = len(rows[0])
    result: list[Point | None] = []
    for first in range(0, width, _COLUMNS):
        chunk = [list(row[first : first + _COLUMNS]) for row in rows]
        result += _fold_chunk(chunk, digits)
    return result


def _fold_chunk(rows: list[list[Point]], digits: list[list[int]]) -> list[Point | None]:
    tables = [_odd_multiples(row) for row in rows]
    total: list[Any] = [None] * len(rows[0])
    for place in range(max(map(len, digits)) - 1, -1, -1):
        total = _add_all(total, total)
        for table, row in zip(tables, digits, strict=True):
            if place < len(row) and row[place]:
                total = _add_all(total, table[row[place]])
    return total


def _odd_multiples(points: list[Point]) -> dict[int, list[Any]]:
    """d * points for odd d, |d| < 2^(_WINDOW - 1)."""
    twice = _add_all(points, points)
    table: dict[int, list[Any]] = {1: list(points)}
    for digit in range(3, 1 << (_WINDOW - 1), 2):
        table[digit] = _add_all(table[digit - 2], twice)
    for digit in list(table):
        table[-digit] = [p256.negate(point) for point in table[digit]]
    return table


def _add_all(firsts: Sequence[Any], seconds: Sequence[Any]) -> list[Any]:
    """firsts[j] + seconds[j], identities allowed."""
    if None not in firsts and None not in seconds:
        return list(add_pairs(list(firsts), list(seconds), mpz(p256.P)))
    both = [j for j, pair in enumerate(zip(firsts, seconds, strict=True)) if None not in pair]
    sums = add_pairs([firsts[j] for j in both], [seconds[j] for j in both], mpz(p256.P))
    result = [a if b is None else b for a, b in zip(firsts, seconds, strict=True)]
    for j, point in zip(both, sums, strict=True):
        result[j] = point
    return result


def _signed_windows(weight: int) -> list[int]:
    """The non-adjacent form of width _WINDOW, lowest digit first."""
    digits = []
    full = 1 << _WINDOW
    while weight:
        digit = 0
        if weight & 1:
            digit = weight & (full - 1)
            if digit >= full >> 1:
                digit -= full
            weight -= digit
        digits.append(digit)
        weight >>= 1
    return digits
