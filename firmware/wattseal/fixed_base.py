"""Multiples of the two generators, by signed combs with precomputed tables (SPEC.md 2.4).

A comb of `teeth` w and `blocks` v for scalars of `bits` reads the scalar as w rows of v*e bits
(Lim and Lee 1994). Each of the e rounds doubles the accumulator and adds one table point per
block. A bit counts +1/2 or -1/2 (Hedabou, Pinel and Beneteau 2005) and the accumulator starts at
half of all bits: so no digit is zero, half of the points are the negatives of the others, and the
sequence of group operations is the same for every scalar (SPEC.md section 9 says what remains).
"""

from wattseal.comb_tables import open_tables
from wattseal.errors import Misuse
from wattseal.p256 import P, jacobian_add_affine, jacobian_double, to_affine

_POINT_BYTES = 64


class Comb:
    """One base point's part of the tables: `multiply` gives affine points, `steps` yields.

    From point number `first` on they hold 1 + blocks * 2^(teeth - 1) points: the start, then for
    each block the points of the digits whose highest bit is set.
    """

    def __init__(self, first, bits, teeth, blocks):
        self.first = first
        self.bits = bits
        self.teeth = teeth
        self.blocks = blocks
        self.rounds = -(-bits // (teeth * blocks))
        self.row_bits = self.rounds * blocks

    def start(self, mask=1):
        """Return where the accumulator begins, with Z = mask (1 <= mask < P)."""
        number = type(mask)
        with open_tables() as file:
            x, y = _point(file, self.first)
        square = mask * mask % P
        return (number(x) * square % P, number(y) * square % P * mask % P, mask)

    def steps(self, k, mask=1):
        """Generate None between bounded pieces of work; return k*base as a Jacobian triple.

        0 <= k < 2^bits, else Misuse `scalar-range`. Where k is secret, `mask` is a secret number
        in [1, P): the coordinates computed on the way, and Z of the result, are multiples of its
        powers.
        """
        return (yield from self.steps_from(self.start(type(k)(mask)), k))

    def steps_from(self, accumulator, k):
        """Go on as `steps` does, from the start or, for a comb of one round, a point plus it."""
        if k < 0 or k >> self.bits:
            raise Misuse("scalar-range")
        number = type(k)
        rounds = self.rounds
        row_bits = self.row_bits
        bits = int(k).to_bytes((row_bits * self.teeth + 7) // 8, "little")
        half = 1 << (self.teeth - 1)
        with open_tables() as file:
            for step in range(rounds):
                if step:
                    yield
                    accumulator = jacobian_double(accumulator)
                for block in range(self.blocks):
                    at = row_bits * self.teeth + block * rounds + rounds - 1 - step
                    digit = 0
                    for _ in range(self.teeth):
                        at -= row_bits
                        digit += digit + (bits[at >> 3] >> (at & 7) & 1)
                    # The highest bit is the sign: a digit without it is the negative of its
                    # complement.
                    sign = digit // half
                    index = (digit ^ (sign - 1)) & (half - 1)
                    x, y = _point(file, self.first + 1 + block * half + index)
                    accumulator = jacobian_add_affine(
                        accumulator, number(x), number((P - y, y)[sign])
                    )
        return accumulator

    def multiply(self, k, mask=1):
        """Return k*base, affine or the identity, for 0 <= k < 2^bits; `mask` as in `steps`."""
        return to_affine(run(self.steps(k, mask)))


def _point(file, number):
    file.seek(number * _POINT_BYTES)
    data = file.read(_POINT_BYTES)
    return int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")


def run(steps):
    """Drive a generator of steps to its end and return its result."""
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


# Scalars of both generators; and values of a reading, 32 bits, times G, in a single round.
G_BASE = Comb(0, 256, 8, 4)
H_BASE = Comb(513, 256, 8, 4)
G_SHORT = Comb(1026, 32, 8, 4)
