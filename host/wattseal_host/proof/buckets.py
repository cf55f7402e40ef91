"""Large multi-exponentiations: digits are sorted by numpy, points added by the protocol package.

`wattseal.multi_exp` is portable and spends more time on dividing scalars into digits than on
adding points. Here the digits of all scalars are cut and sorted as arrays, so that what remains is
the affine additions, in rounds that share one inversion. The method is the same (Pippenger, signed
digits, the buckets' own weights by narrower digits, down to single bits).

Variable time: for public scalars, or on a machine nobody can time.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from gmpy2 import mpz
from numpy.typing import NDArray
from wattseal import p256
from wattseal.multi_exp import add_pairs

Point = tuple[mpz, mpz]
Array = NDArray[np.int64]

_CHUNK = 1 << 18  # digits held at once: bounds the memory, some 100 bytes each
_MAX_WIDTH = 14
_KEY_BITS = 14  # a key is (shift << _KEY_BITS) + digit, digit <= 2^(_MAX_WIDTH - 1)


def multi_exp(points: Sequence[Point | None], scalars: Sequence[int]) -> Point | None:
    """Σ scalars[i] * points[i] for scalars of either sign, |scalar| < 2^264; None: identity."""
    base, weights = [], []
    for point, scalar in zip(points, scalars, strict=True):
        if point is not None and scalar:
            base.append(point if scalar > 0 else (point[0], p256.P - point[1]))
            weights.append(abs(scalar))
    if not base:
        return None
    bits = int(max(weights)).bit_length()
    width = _window_bits(len(base), bits)
    packed = b"".join([int(weight).to_bytes(34, "little") for weight in weights])
    matrix = np.frombuffer(packed, dtype=np.uint8).reshape(len(base), 34)
    both = _with_negatives(base)
    keys, sums = [], []
    windows = list(_signed_digits(matrix, bits, width))
    step = max(1, _CHUNK // len(base))
    for first in range(0, len(windows), step):
        some_keys, some_sums = _into_buckets(both, windows[first : first + step])
        keys.append(some_keys)
        sums += some_sums
    return _weigh(np.concatenate(keys), sums, width)


def _window_bits(count: int, bits: int) -> int:
    """The digit width with the fewest additions; each bucket costs about two more below."""
    return min(range(2, _MAX_WIDTH + 1), key=lambda w: (bits // w + 1) * (count + (1 << w)))


def _with_negatives(points: list[Point]) -> list[Point]:
    return points + [(x, p256.P - y) for x, y in points]


def _signed_digits(matrix: NDArray[np.uint8], bits: int, width: int) -> Any:
    """Generate (shift, digits) from the low end; digits in -(2^(width-1)) < d <= 2^(width-1)."""
    carry = np.zeros(len(matrix), dtype=np.int64)
    half, full = 1 << (width - 1), 1 << width
    for shift in range(0, bits + 1, width):
        first, offset = shift >> 3, shift & 7
        digit = matrix[:, first].astype(np.int64)
        for more in (1, 2):
            if first + more < matrix.shape[1]:
                digit |= matrix[:, first + more].astype(np.int64) << (8 * more)
        digit = (digit >> offset & (full - 1)) + carry
        over = digit > half
        carry = over.astype(np.int64)
        yield shift, digit - full * carry
    # The last shift is at most `bits` and the top digit below half: it has room for a carry.


def _into_buckets(both: list[Point], windows: list[tuple[int, Array]]) -> tuple[Array, list[Point]]:
    """Sum the points of equal keys; `both` are the points and then their negatives."""
    count = len(both) >> 1
    keys, indices = [], []
    for shift, digits in windows:
        used = np.flatnonzero(digits)
        some = digits[used]
        keys.append((np.int64(shift) << _KEY_BITS) + np.abs(some))
        indices.append(np.where(some < 0, used + count, used))
    return sum_by_key(both, np.concatenate(keys), np.concatenate(indices))


def sum_by_key(points: Sequence[Point], keys: Array, indices: Array) -> tuple[Array, list[Point]]:
    """For each distinct key, ascending, the sum of points[indices[i]] over its positions i.

    Keys whose sum is the identity are left out.
    """
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    live: list[Any] = _gather(points, indices[order])
    while len(keys):
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        if len(starts) == len(keys):
            break
        lengths = np.diff(np.append(starts, len(keys)))
        rank = np.arange(len(keys)) - np.repeat(starts, lengths)
        even = (rank & 1) == 0
        paired = even & (rank + 1 < np.repeat(lengths, lengths))
        first = np.flatnonzero(paired)
        single = np.flatnonzero(even & ~paired)
        prime = mpz(p256.P)
        sums = add_pairs(_gather(live, first), _gather(live, first + 1), prime)
        kept = np.concatenate((first, single))
        order = np.argsort(kept)
        live = _gather(sums + _gather(live, single), order)
        keys = keys[kept[order]]
        if None in live:
            alive = [place for place, point in enumerate(live) if point is not None]
            live, keys = [live[place] for place in alive], keys[alive]
    return keys, live


def _gather(items: Sequence[Any], indices: Array) -> list[Any]:
    if len(indices) < 2:
        return [items[index] for index in indices]
    return list(itemgetter(*indices.tolist())(items))


def _weigh(keys: Array, points: list[Point], width: int) -> Point | None:
    """Σ digit * 2^shift * point over keys (shift, digit), by ever narrower digits."""
    mask = (1 << _KEY_BITS) - 1
    while width > 1 and points:
        narrow = (width + 1) >> 1
        shifts, digits = keys >> _KEY_BITS, keys & mask
        windows = []
        carry = np.zeros(len(digits), dtype=np.int64)
        both = _with_negatives(points)
        for low in range(0, width + 1, narrow):
            digit = (digits >> low & ((1 << narrow) - 1)) + carry
            # A width of 1 has no negative digits: 1 is half of 2.
            carry = (digit > 1 << (narrow - 1)).astype(np.int64)
            windows.append((low, digit - (carry << narrow)))
        all_keys, indices = [], []
        for low, signed in windows:
            used = np.flatnonzero(signed)
            some = signed[used]
            all_keys.append(((shifts[used] + low) << _KEY_BITS) + np.abs(some))
            indices.append(np.where(some < 0, used + len(points), used))
        keys, points = sum_by_key(both, np.concatenate(all_keys), np.concatenate(indices))
        width = narrow
    by_shift = dict(zip((keys >> _KEY_BITS).tolist(), points, strict=True))
    result = p256.to_jacobian(None)
    for shift in range(max(by_shift, default=-1), -1, -1):
        result = p256.jacobian_double(result)
        if shift in by_shift:
            result = p256.jacobian_add_affine(result, *by_shift[shift])
    affine: Point | None = p256.to_affine(result)
    return affine
