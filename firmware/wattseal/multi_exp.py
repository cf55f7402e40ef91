"""Sums of points and of multiples of points, many at a time.

Additions are done in affine coordinates, in rounds that share one inversion (Montgomery's
trick), so each costs about six multiplications. Multiples go by buckets (Pippenger): points with
equal scalars are added up first, so a time-of-use tariff with three prices costs hardly more
than a plain sum, and short scalars need few windows.

Variable time: for public scalars only, or on a machine nobody can time.
"""

from wattseal.errors import Misuse
from wattseal.p256 import (
    P,
    batch_inverse,
    jacobian_add,
    jacobian_add_affine,
    jacobian_double,
    negate,
    to_affine,
    to_jacobian,
)


def sum_points(points):
    """Return the sum of a list of affine points (identities allowed)."""
    return sum_groups([points])[0]


def sum_groups(groups):
    """Return the sums of several lists of affine points (identities allowed), in their order."""
    live = [[point for point in group if point is not None] for group in groups]
    while True:
        first = []
        second = []
        denominators = []
        for group in live:
            for i in range(1, len(group), 2):
                p, q = group[i - 1], group[i]
                denominator = q[0] - p[0]
                if denominator == 0:
                    # Equal points: the tangent's. Opposite ones need none; y is never 0.
                    denominator = 2 * p[1]
                first.append(p)
                second.append(q)
                denominators.append(denominator)
        if not denominators:
            return [group[0] if group else None for group in live]
        prime = type(first[0][0])(P)
        inverses = batch_inverse(denominators, prime)
        sums = []  # type: list
        for i in range(len(first)):
            x1, y1 = first[i]
            x2, y2 = second[i]
            if x1 != x2:
                slope = (y2 - y1) * inverses[i] % prime
            elif y1 == y2:
                slope = 3 * (x1 - 1) * (x1 + 1) * inverses[i] % prime
            else:
                sums.append(None)
                continue
            x3 = (slope * slope - x1 - x2) % prime
            sums.append((x3, (slope * (x1 - x3) - y1) % prime))
        at = 0
        for index, group in enumerate(live):
            pairs = len(group) // 2
            if pairs:
                merged = [point for point in sums[at : at + pairs] if point is not None]
                if len(group) & 1:
                    merged.append(group[-1])
                live[index] = merged
                at += pairs


def multi_exp(points, scalars):
    """Return the sum of scalars[i]*points[i]; scalars are integers, negative ones allowed.

    `points` are affine or identities; both lists have the same length (else Misuse).
    """
    if len(points) != len(scalars):
        raise Misuse("length-mismatch")
    by_scalar = {}  # type: dict
    for i in range(len(points)):
        point = points[i]
        scalar = scalars[i]
        if scalar < 0:
            scalar = -scalar
            point = negate(point)
        if scalar and point is not None:
            group = by_scalar.get(scalar)
            if group is None:
                by_scalar[scalar] = [point]
            else:
                group.append(point)
    distinct = list(by_scalar)
    sums = sum_groups([by_scalar[scalar] for scalar in distinct])
    return to_affine(_buckets(sums, distinct))


def _window_bits(count, bits):
    """Return the window width with the fewest multiplications for `count` scalars of `bits`.

    A batched affine addition is counted as 6, the two additions that weigh a bucket as 27.
    """
    best = 1
    least = None
    for width in range(1, 13):
        cost = -(-bits // width) * (6 * count + (27 << width))
        if least is None or cost < least:
            best = width
            least = cost
    return best


def _buckets(points, scalars):
    if not scalars:
        return to_jacobian(None)
    bits = len(f"{int(max(scalars)):b}")
    width = _window_bits(len(points), bits)
    mask = (1 << width) - 1
    windows = -(-bits // width)
    groups = [[] for _ in range(windows * (mask + 1))]  # type: list
    for i, scalar in enumerate(scalars):
        point = points[i]
        base = 0
        while scalar:
            groups[base + int(scalar & mask)].append(point)
            scalar >>= width
            base += mask + 1
    sums = sum_groups(groups)
    result = to_jacobian(None)
    for window in range(windows - 1, -1, -1):
        for _ in range(width):
            result = jacobian_double(result)
        running = to_jacobian(None)
        total = running
        base = window * (mask + 1)
        for digit in range(mask, 0, -1):
            point = sums[base + digit]
            if point is not None:
                running = jacobian_add_affine(running, point[0], point[1])
            total = jacobian_add(total, running)
        result = jacobian_add(result, total)
    return result
