"""Fixed-base combs and multi-exponentiation against plain multiplication."""

import gmpy2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattseal import fixed_base, multi_exp, p256
from wattseal.comb_tables import open_tables
from wattseal.errors import Misuse
from wattseal.fixed_base import G_BASE, G_SHORT, H_BASE
from wattseal.generators import H
from wattseal.p256 import G, N

COMBS = {"G": (G_BASE, G), "H": (H_BASE, H), "G-short": (G_SHORT, G)}
POINTS = [p256.multiply(7 * i + 3, G) for i in range(12)]
POINTS += [p256.negate(point) for point in POINTS] + [None, H, G]


@pytest.fixture(params=COMBS)
def comb(request):
    return COMBS[request.param]


def test_comb_of_small_and_sparse_scalars(comb):
    table, base = comb
    scalars = [*range(64), *(1 << i for i in range(table.bits)), (1 << table.bits) - 1]
    expected = [p256.multiply(k, base) for k in range(64)]
    doubled = base
    for i in range(table.bits):
        assert table.multiply(1 << i) == doubled, i
        doubled = p256.add(doubled, doubled)
    assert [table.multiply(k) for k in scalars[:64]] == expected


@given(k=st.integers(0, 2**256 - 1))
def test_combs_agree_with_plain_multiplication(k):
    for table, base in COMBS.values():
        scalar = k % (1 << table.bits)
        assert table.multiply(scalar) == p256.multiply(scalar, base)
        assert table.multiply(gmpy2.mpz(scalar)) == p256.multiply(scalar, base)


def test_comb_refuses_what_does_not_fit(comb):
    for k in (-1, 1 << comb[0].bits, -(1 << comb[0].bits)):
        with pytest.raises(Misuse) as caught:
            comb[0].multiply(k)
        assert caught.value.code == "scalar-range"


def test_comb_does_the_same_operations_for_every_scalar(comb, monkeypatch, rng):
    """Which table entries are read depends on the scalar; how many steps there are does not."""
    trace = []

    def spied(name):
        original = getattr(p256, name)

        def spy(*arguments):
            trace.append(name)
            return original(*arguments)

        return spy

    for name in ("jacobian_add_affine", "jacobian_double"):
        monkeypatch.setattr(fixed_base, name, spied(name))
    table = comb[0]
    patterns = set()
    for k in [0, 1, (1 << table.bits) - 1, *(rng.getrandbits(table.bits) for _ in range(20))]:
        trace.clear()
        steps = table.steps(k)
        pieces = 0
        while True:
            before = len(trace)
            try:
                next(steps)
            except StopIteration:
                break
            pieces += 1
            assert len(trace) - before <= 12  # bounded work between two yields
        patterns.add((pieces, tuple(trace)))
    assert len(patterns) == 1


def test_comb_tables_are_on_the_curve(comb):
    table = comb[0]
    count = 1 + (table.blocks << (table.teeth - 1))
    with open_tables() as file:
        points = [fixed_base._point(file, table.first + i) for i in range(count)]
    assert all(p256.on_curve(point) for point in points)
    # With their negatives, which stand for the digits without the highest bit: nothing coincides.
    assert len({*points[1:], *map(p256.negate, points[1:])}) == 2 * (count - 1)


def test_comb_tables_hold_nothing_else():
    sizes = [1 + (table.blocks << (table.teeth - 1)) for table, _ in COMBS.values()]
    assert [table.first for table, _ in COMBS.values()] == [0, sizes[0], sizes[0] + sizes[1]]
    with open_tables() as file:
        assert len(file.read()) == 64 * sum(sizes)


@given(k=st.integers(0, 2**256 - 1), mask=st.integers(1, p256.P - 1))
def test_a_mask_changes_the_coordinates_and_not_the_point(k, mask):
    for table, _ in COMBS.values():
        scalar = k % (1 << table.bits)
        plain, masked = (fixed_base.run(table.steps(scalar, m)) for m in (1, mask))
        assert p256.to_affine(masked) == p256.to_affine(plain)
        # A doubling brings the mask in Z to the fourth power, an addition to the third.
        power = 4 ** (table.rounds - 1) * 3 ** (table.rounds * table.blocks)
        assert masked[2] == plain[2] * pow(mask, power, p256.P) % p256.P


def plain(points, scalars):
    total = None
    for point, scalar in zip(points, scalars, strict=True):
        product = None if point is None else p256.multiply(scalar % N, point)
        total = p256.add(total, product)
    return total


PAIRS = st.lists(
    st.tuples(
        st.sampled_from(POINTS),
        st.one_of(
            st.integers(-3, 3), st.integers(-(2**32), 2**32), st.integers(0, 2**256 - 1),
            st.sampled_from([N, N - 1, -N, N + 1]),
        ),
    ),
    max_size=30,
)  # fmt: skip


@given(pairs=PAIRS)
def test_multi_exp_agrees_with_plain_multiplication(pairs):
    points, scalars = [p for p, _ in pairs], [k for _, k in pairs]
    expected = plain(points, scalars)
    assert multi_exp.multi_exp(points, scalars) == expected
    fast = [p and (gmpy2.mpz(p[0]), gmpy2.mpz(p[1])) for p in points]
    assert multi_exp.multi_exp(fast, [gmpy2.mpz(k) for k in scalars]) == expected
    assert multi_exp.multi_exp(fast, scalars) == expected


@given(points=st.lists(st.sampled_from(POINTS), max_size=40))
def test_sum_of_points(points):
    assert multi_exp.sum_points(points) == plain(points, [1] * len(points))


@given(groups=st.lists(st.lists(st.sampled_from(POINTS), max_size=9), max_size=6))
def test_sums_of_groups_keep_their_order(groups):
    expected = [plain(group, [1] * len(group)) for group in groups]
    assert multi_exp.sum_groups(groups) == expected


@given(start=st.sampled_from(POINTS), points=st.lists(st.sampled_from(POINTS), max_size=20))
def test_running_sums(start, points):
    expected = [plain([start, *points[: i + 1]], [1] * (i + 2)) for i in range(len(points))]
    assert multi_exp.running_sums(start, points) == expected


def test_sums_that_vanish_on_the_way():
    minus_g, minus_h = p256.negate(G), p256.negate(H)
    assert multi_exp.running_sums(None, [G, minus_g, None, H]) == [G, None, None, H]
    assert multi_exp.multi_exp([G, G, H, H], [7, -7, 9, -9]) is None
    assert multi_exp.multi_exp([G, minus_g, H, minus_h], [1 << 9, 1 << 9, 3, 3]) is None
    assert multi_exp.multi_exp([G, minus_g, H], [4097, 4097, 3]) == p256.multiply(3, H)
    # Digits of different scalars that cancel in their buckets, whole windows of them.
    assert multi_exp.multi_exp([G, minus_g], [0x0FF, 0x1FF]) == p256.multiply(N - 0x100, G)


def test_inputs_are_left_as_they_were():
    points, scalars = [G, H, G], [3, -3, 5]
    multi_exp.multi_exp(points, scalars)
    multi_exp.sum_points(points)
    assert (points, scalars) == ([G, H, G], [3, -3, 5])


@pytest.mark.parametrize("count", [100, 700])
def test_many_points_of_every_scalar_length(count, rng):
    logs = [rng.randrange(N) for _ in range(40)]
    base = [G_BASE.multiply(log) for log in logs]
    indices = [rng.randrange(40) for _ in range(count)]
    scalars = [rng.getrandbits(rng.randrange(257)) * rng.choice((1, -1)) for _ in range(count)]
    total = sum(logs[i] * k for i, k in zip(indices, scalars, strict=True)) % N
    got = multi_exp.multi_exp([base[i] for i in indices], scalars)
    assert got == G_BASE.multiply(total)


def test_pairs_of_every_kind_among_many():
    """More pairs than share one inversion, with equal and opposite points among them."""
    base = [p256.multiply(k, G) for k in range(1, 60)]
    firsts = [base[i % 59] for i in range(2500)]
    seconds = [base[i * 7 % 58] for i in range(2500)]
    seconds[3], seconds[1024] = firsts[3], p256.negate(firsts[1024])
    found = multi_exp.add_pairs(firsts, seconds, p256.P)
    assert found == [p256.add(p, q) for p, q in zip(firsts, seconds, strict=True)]
    assert found[1024] is None


def test_digits_at_the_edges_of_every_width(rng):
    """Scalars of all ones, of halves and one beside them, so that every digit is an extreme."""
    for width in range(1, 13):
        ones = [int(digit * times, 2) for times in (1, 2, 3) for digit in ("1" * width,)]
        half = 1 << (width - 1)
        edges = [half, half + 1, half << width, (half << width) + half, half * ((1 << width) + 1)]
        scalars = [k + d for k in (*ones, *edges) for d in (-1, 0, 1)] * 3
        points = [G_BASE.multiply(rng.randrange(1, N)) for _ in scalars]
        assert multi_exp.multi_exp(points, scalars) == plain(points, scalars)
