"""Multiples of the two generators, by combs with precomputed tables (Lim and Lee 1994).

A comb of `teeth` w and `blocks` v for scalars of `bits` reads the scalar as w rows of v*e bits.
Each of the e rounds doubles the accumulator and adds one table point per block. Every table
point, that of the digit zero included, is shifted by a fixed multiple of the base, and the
accumulator starts where all the shifts cancel: so the sequence of group operations is the same
for every scalar, and no digit is skipped (SPEC.md section 9 says what remains).
"""

from wattseal import comb_tables
from wattseal.errors import Misuse
from wattseal.p256 import jacobian_add_affine, jacobian_double, to_affine

_ROUNDS_PER_STEP = 4


class Comb:
    """One base point's table: `multiply` gives affine points, `steps` yields on the way.

    `table` holds 1 + blocks*2^teeth points as x||y of 32 bytes each: the start, then for each
    block the points of the digits 0 .. 2^teeth - 1.
    """

    def __init__(self, table, bits, teeth, blocks):
        self.bits = bits
        self.teeth = teeth
        self.blocks = blocks
        self.rounds = -(-bits // (teeth * blocks))
        self.row_bits = self.rounds * blocks
        self._table = table

    def _point(self, index):
        at = index * 64
        table = self._table
        return (
            int.from_bytes(table[at : at + 32], "big"),
            int.from_bytes(table[at + 32 : at + 64], "big"),
        )

    def steps(self, k):
        """Generate None between bounded pieces of work; return k*base as a Jacobian triple.

        0 <= k < 2^bits, else Misuse `scalar-range`.
        """
        if k < 0 or k >> self.bits:
            raise Misuse("scalar-range")
        number = type(k)
        digits = int(k).to_bytes((self.row_bits * self.teeth + 7) // 8, "big")
        last = len(digits) - 1
        x, y = self._point(0)
        accumulator = (number(x), number(y), number(1))
        for step in range(self.rounds):
            if step and step % _ROUNDS_PER_STEP == 0:
                yield
            accumulator = jacobian_double(accumulator)
            for block in range(self.blocks):
                bit = block * self.rounds + self.rounds - 1 - step
                digit = 0
                for tooth in range(self.teeth):
                    digit |= (digits[last - (bit >> 3)] >> (bit & 7) & 1) << tooth
                    bit += self.row_bits
                x, y = self._point(1 + (block << self.teeth) + digit)
                accumulator = jacobian_add_affine(accumulator, number(x), number(y))
        return accumulator

    def multiply(self, k):
        """Return k*base, affine or the identity, for 0 <= k < 2^bits."""
        return to_affine(run(self.steps(k)))


def run(steps):
    """Drive a generator of steps to its end and return its result."""
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


# Scalars of both generators; and values of a reading, 32 bits, times G.
G_BASE = Comb(comb_tables.G_TABLE, 256, 6, 2)
H_BASE = Comb(comb_tables.H_TABLE, 256, 6, 2)
G_SHORT = Comb(comb_tables.G_SHORT_TABLE, 32, 4, 2)
