"""Sums of points and of multiples of points, many at a time.

Additions are done in affine coordinates, in rounds that share one inversion (Montgomery's
trick), so each costs about six multiplications. Points with equal scalars are added up first, so
a time-of-use tariff with three prices costs hardly more than a plain sum. Then multiples go by
buckets (Pippenger) of signed digits; and the buckets' own weights, small scalars again, by
buckets of digits half as wide, and so on down to single bits, so that nearly all additions are
of the cheap kind.

Variable time: for public scalars only, or on a machine nobody can time.
"""

from wattseal.errors import Misuse
from wattseal.p256 import (
    P,
    add,
    batch_inverse,
    inverse,
    jacobian_add_affine,
    jacobian_double,
    negate,
    to_affine,
    to_jacobian,
)

_MAX_WIDTH = 12
_PAIRS = 1024  # to one inversion: what a processor's cache holds


def sum_points(points):
    """Return the sum of a list of affine points (identities allowed)."""
    return sum_groups([points])[0]


def sum_groups(groups):
    """Return the sums of several lists of affine points (identities allowed), in their order."""
    return _sum_live([[p for p in group if p is not None] for group in groups])


def _sum_live(groups):
    """Return the sums of several lists of affine points, none the identity, in their order."""
    prime = _prime_like(groups)
    sums = [None] * len(groups)  # type: list
    by_length = {}  # type: dict
    for index in range(len(groups)):
        length = len(groups[index])
        if length == 1:
            sums[index] = groups[index][0]
        elif length in by_length:
            by_length[length].append(index)
        elif length:
            by_length[length] = [index]
    # Groups of one length stand side by side, one point of each in every row of their block.
    blocks = []
    for length in by_length:
        indices = by_length[length]
        rows = list(zip(*[groups[index] for index in indices]))  # noqa: B905
        blocks.append((indices, rows))
    while blocks:
        firsts = []  # type: list
        seconds = []  # type: list
        for _, rows in blocks:
            for at in range(1, len(rows), 2):
                firsts += rows[at - 1]
                seconds += rows[at]
        added, vanished = _add_pairs(firsts, seconds, prime)
        at = 0
        waiting = []
        for indices, rows in blocks:
            merged = []
            for _ in range(len(rows) >> 1):
                merged.append(added[at : at + len(indices)])
                at += len(indices)
            if len(rows) & 1:
                merged.append(rows[-1])
            if len(merged) > 1:
                waiting.append((indices, merged))
            else:
                for index, point in zip(indices, merged[0]):  # noqa: B905 (MicroPython's)
                    sums[index] = point
        blocks = waiting
        if vanished:
            break
    for indices, rows in blocks:
        rest = sum_groups([[row[i] for row in rows] for i in range(len(indices))])
        for index, point in zip(indices, rest):  # noqa: B905
            sums[index] = point
    return sums


def _prime_like(groups):
    """Return P as the kind of integer the coordinates are."""
    for group in groups:
        if group:
            return type(group[0][0])(P)
    return P


def add_pairs(firsts, seconds, prime):
    """Return firsts[i] + seconds[i] for each i, in order; there are no identities among them.

    `prime` is P as the kind of integer the coordinates are.
    """
    return _add_pairs(firsts, seconds, prime)[0]


def _add_pairs(firsts, seconds, prime):
    """Return what `add_pairs` does, and whether some sum is the identity."""
    if len(firsts) <= _PAIRS:
        return _add_few(firsts, seconds, prime)
    sums = []  # type: list
    vanished = False
    for at in range(0, len(firsts), _PAIRS):
        end = at + _PAIRS
        some, among = _add_few(firsts[at:end], seconds[at:end], prime)
        sums += some
        vanished = vanished or among
    return sums, vanished


def _add_few(firsts, seconds, prime):
    runs = [x2 - x1 for (x1, _), (x2, _) in zip(firsts, seconds)]  # noqa: B905 (MicroPython's)
    twins = []
    if not all(runs):
        # Equal or opposite points: they have no chord, and are added one by one.
        twins = [i for i in range(len(runs)) if not runs[i]]
        for i in twins:
            runs[i] = 1
    before = []
    product = prime // prime
    for run in runs:
        before.append(product)
        product = product * run % prime
    inverted = inverse(product, prime)
    sums = []  # type: list
    for each in (runs, before):
        each.reverse()
    for (x1, y1), (x2, y2), run, others in zip(  # noqa: B905
        reversed(firsts), reversed(seconds), runs, before
    ):
        slope = (y2 - y1) * (others * inverted) % prime
        x3 = (slope * slope - x1 - x2) % prime
        sums.append((x3, (slope * (x1 - x3) - y1) % prime))
        inverted = inverted * run % prime
    sums.reverse()
    for i in twins:
        sums[i] = add(firsts[i], seconds[i])
    return sums, None in [sums[i] for i in twins]


def running_sums(start, points):
    """Return start + points[0] + … + points[i] for each i (identities allowed; one inversion)."""
    total = to_jacobian(start)
    triples = []
    for point in points:
        if point is not None:
            total = jacobian_add_affine(total, point[0], point[1])
        triples.append(total)
    inverses = batch_inverse([triple[2] for triple in triples if triple[2]], P)
    inverses.reverse()
    sums = []  # type: list
    for x, y, z in triples:
        if z:
            z_inv = inverses.pop()
            z_inv2 = z_inv * z_inv % P
            sums.append((x * z_inv2 % P, y * z_inv2 % P * z_inv % P))
        else:
            sums.append(None)
    return sums


def multi_exp(points, scalars):
    """Return the sum of scalars[i]*points[i]; scalars are integers, negative ones allowed.

    `points` are affine or identities; both lists have the same length (else Misuse).
    """
    if len(points) != len(scalars):
        raise Misuse("length-mismatch")
    by_scalar = {}  # type: dict
    shared = {}  # type: dict
    for point, scalar in zip(points, scalars):  # noqa: B905
        if scalar < 0:
            scalar = -scalar
            point = negate(point)
        if scalar and point is not None:
            if scalar not in by_scalar:
                by_scalar[scalar] = point
            elif scalar in shared:
                shared[scalar].append(point)
            else:
                shared[scalar] = [by_scalar[scalar], point]
    if not by_scalar:
        return None
    common = list(shared)
    sums = _sum_live([shared[scalar] for scalar in common])
    for scalar, point in zip(common, sums):  # noqa: B905
        by_scalar[scalar] = point
    distinct = list(by_scalar)
    return _weigh([by_scalar[scalar] for scalar in distinct], [int(k) for k in distinct])


def _window_bits(count, bits):
    """Return the digit width with the fewest additions for `count` scalars of `bits`.

    Each digit is an addition into a bucket, and each of 2^(width-1) buckets two more below.
    """
    best = 1
    least = None
    for width in range(1, _MAX_WIDTH + 1):
        cost = (bits // width + 1) * (count + (1 << width))
        if least is None or cost < least:
            best = width
            least = cost
    return best


def _weigh(points, scalars):
    """Return the sum of scalars[i]*points[i], scalars > 0, as an affine point."""
    width = _window_bits(len(points), len(f"{max(scalars):b}"))
    # A window is a sum of multiples by small digits, to be shifted in the end: its shift and how
    # many of the points and digits are its own, in order.
    windows = [(0, len(points))]
    digits = scalars
    while True:
        deeper = []  # type: list
        sizes = []  # type: list
        buckets = []  # type: list
        at = 0
        for shift, count in windows:
            end = at + count
            parts = _sort_digits(points[at:end], digits[at:end], width, sizes, buckets)
            deeper += [(shift + low, filled) for low, filled in parts]
            at = end
        windows = deeper
        digits = sizes
        points = _sum_live(buckets)
        if width == 1:
            break
        width = (width + 1) >> 1
    # Now each window is one point at most. A digit's highest bit lies within its window, so the
    # windows' shifts ascend.
    result = to_jacobian(None)
    above = 0
    at = len(points)
    for shift, count in reversed(windows):
        result = _double(result, above - shift)
        above = shift
        at -= count
        if count and points[at] is not None:
            result = jacobian_add_affine(result, points[at][0], points[at][1])
    return to_affine(_double(result, above))


def _double(triple, times):
    for _ in range(times):
        triple = jacobian_double(triple)
    return triple


def _sort_digits(points, scalars, width, sizes, buckets):
    """Sort points by the signed digits of their scalars, -2^(width-1) + 1 to 2^(width-1).

    For each digit, the lowest first, `sizes` and `buckets` are extended by the points whose digit
    is of each size, negated where it is negative. Return (shift, how many buckets) for each.
    """
    half = 1 << (width - 1)
    mask = 2 * half - 1
    if None in points:
        live = [i for i in range(len(points)) if points[i] is not None]
        points = [points[i] for i in live]
        scalars = [scalars[i] for i in live]
    # So many digits that the largest scalar fits; and with the least digit everywhere added
    # beforehand, each digit can be taken by itself, without carries.
    reach = 0
    lift = 0
    shifts = []  # type: list
    most = max(scalars) if scalars else 0
    while reach < most:
        shifts.append(len(shifts) * width)
        reach = (reach << width) + half
        lift = (lift << width) + half - 1
    lifted = [scalar + lift for scalar in scalars]
    prime = _prime_like([points])
    negated = [(x, prime - y) for x, y in points] if half > 1 else points
    filled = []
    for shift in shifts:
        by_size = [[] for _ in range(half + 1)]  # type: list
        # The bucket of each digit, lifted as it is.
        table = by_size[half - 1 : 0 : -1] + by_size
        for scalar, point, minus in zip(lifted, points, negated):  # noqa: B905
            digit = scalar >> shift & mask
            table[digit].append(point if digit >= half else minus)
        count = len(buckets)
        for size in range(1, half + 1):
            if by_size[size]:
                sizes.append(size)
                buckets.append(by_size[size])
        filled.append((shift, len(buckets) - count))
    return filled
