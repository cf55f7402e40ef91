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
    batch_inverse,
    inverse,
    jacobian_add_affine,
    jacobian_double,
    negate,
    to_affine,
    to_jacobian,
)

_MAX_WIDTH = 12


def sum_points(points):
    """Return the sum of a list of affine points (identities allowed)."""
    return sum_groups([points])[0]


def sum_groups(groups):
    """Return the sums of several lists of affine points (identities allowed), in their order."""
    live = [[p for p in group if p is not None] if None in group else group for group in groups]
    prime = _prime_like(live)
    busy = [index for index in range(len(live)) if len(live[index]) > 1]
    while busy:
        firsts = []  # type: list
        seconds = []  # type: list
        for index in busy:
            group = live[index]
            even = len(group) & ~1
            firsts += group[0:even:2]
            seconds += group[1:even:2]
        sums = add_pairs(firsts, seconds, prime)
        some_vanish = None in sums
        at = 0
        still_busy = []
        for index in busy:
            group = live[index]
            end = at + (len(group) >> 1)
            merged = sums[at:end]
            at = end
            if some_vanish:
                merged = [point for point in merged if point is not None]
            if len(group) & 1:
                merged.append(group[-1])
            live[index] = merged
            if len(merged) > 1:
                still_busy.append(index)
        busy = still_busy
    return [group[0] if group else None for group in live]


def _prime_like(groups):
    """Return P as the kind of integer the coordinates are."""
    for group in groups:
        if group:
            return type(group[0][0])(P)
    return P


def add_pairs(firsts, seconds, prime):
    """Return firsts[i] + seconds[i] for each i, in order (no identities among them; `prime` is P
    as the kind of integer the coordinates are). Both lists are used up."""
    runs = []
    before = []
    product = 1
    for (x1, y1), (x2, _) in zip(firsts, seconds):  # noqa: B905 (MicroPython's)
        # Equal points have the tangent's slope; opposite ones need none; y is never 0.
        run = x2 - x1 or y1 + y1
        runs.append(run)
        before.append(product)
        product = product * run % prime
    inverted = inverse(product, prime)
    sums = []  # type: list
    for each in (firsts, seconds, runs, before):
        each.reverse()
    for (x1, y1), (x2, y2), run, others in zip(firsts, seconds, runs, before):  # noqa: B905
        if x1 != x2:
            rise = y2 - y1
        elif y1 == y2:
            rise = 3 * (x1 - 1) * (x1 + 1)  # a = -3
        else:
            rise = None
        if rise is None:
            sums.append(None)
        else:
            slope = rise * (others * inverted) % prime
            x3 = (slope * slope - x1 - x2) % prime
            sums.append((x3, (slope * (x1 - x3) - y1) % prime))
        inverted = inverted * run % prime
    sums.reverse()
    return sums


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
    if not by_scalar:
        return None
    distinct = list(by_scalar)
    sums = sum_groups([by_scalar[scalar] for scalar in distinct])
    return _weigh(sums, [int(scalar) for scalar in distinct])


def _window_bits(count, bits):
    """Return the digit width with the fewest additions for `count` scalars of `bits`.

    Each digit is an addition into a bucket, and each of 2^(width-1) buckets two more below. A
    carry may need a digit more.
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
    shifts = [0] * len(points)
    while True:
        buckets = _sort_digits(points, scalars, shifts, width)
        places = list(buckets)
        points = sum_groups([buckets[place] for place in places])
        shifts = [place >> _MAX_WIDTH for place in places]
        if width == 1:
            break
        scalars = [place & (1 << _MAX_WIDTH) - 1 for place in places]
        width = (width + 1) >> 1
    by_shift = {}  # type: dict
    for i in range(len(points)):
        by_shift[shifts[i]] = points[i]
    result = to_jacobian(None)
    for shift in range(max(shifts) if shifts else -1, -1, -1):
        result = jacobian_double(result)
        point = by_shift.get(shift)
        if point is not None:
            result = jacobian_add_affine(result, point[0], point[1])
    return to_affine(result)


def _sort_digits(points, scalars, shifts, width):
    """Return buckets of the points whose scalars * 2^shifts have a digit: the digit, in 1 to
    2^(width-1), at the low end of the key, its shift above it. A larger digit is a negative one
    and a carry."""
    mask = (1 << width) - 1
    half = (mask + 1) >> 1
    step = width << _MAX_WIDTH
    buckets = {}  # type: dict
    for i in range(len(points)):
        point = points[i]
        if point is None:
            continue
        scalar = scalars[i]
        place = shifts[i] << _MAX_WIDTH
        while scalar:
            digit = scalar & mask
            scalar >>= width
            if digit > half:
                scalar += 1
                key = place + mask + 1 - digit
                item = (point[0], P - point[1])
            else:
                key = place + digit
                item = point
            if digit:
                bucket = buckets.get(key)
                if bucket is None:
                    buckets[key] = [item]
                else:
                    bucket.append(item)
            place += step
    return buckets
