"""The proof of a linear bill: the weighted sum of the commitments, opened once.

For public integer weights p_t and commitments C_t = v_t G + r_t H, the customer shows
F = Σ p_t v_t and R = Σ p_t r_t mod n, and Σ p_t C_t = F G + R H holds for no other F that is
small: another F would give the discrete logarithm of H. The weights bound F far below the group
order, so F is one integer and not a residue. R is uniform and hides nothing but itself: F tells
what the bill tells, and no reading.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wattseal.commitment import VALUE_LIMIT
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.p256 import SCALAR_BYTES, N

from wattseal_host.encoding import malformed
from wattseal_host.engine import Point, commitment_to, weighted_sum
from wattseal_host.fields import Fields
from wattseal_host.proof import Instance, verify

TYPE = "linear/1"
MAX_FEE = 1 << 250


@dataclass(frozen=True)
class LinearProof:
    """fee: F, a signed integer; blinding: R, 0 <= R < n."""

    fee: int
    blinding: int

    @classmethod
    def read(cls, value: Any, where: str) -> LinearProof:
        fields = Fields(value, where, {"type", "fee", "blinding"})
        fields.choice("type", (TYPE,))
        blinding = int.from_bytes(fields.hexadecimal("blinding", SCALAR_BYTES), "big")
        if blinding >= N:
            raise malformed(fields.where("blinding"))
        fee = fields.decimal("fee")
        if abs(fee) >= MAX_FEE:
            raise malformed(fields.where("fee"))
        return cls(fee, blinding)

    def write(self) -> dict[str, Any]:
        return {
            "type": TYPE,
            "fee": str(self.fee),
            "blinding": self.blinding.to_bytes(SCALAR_BYTES, "big").hex(),
        }


def check_magnitude(magnitude: int) -> int:
    """The largest |F| that readings below 2^32 can give, for Σ |p| = magnitude.

    Raises Malformed `weights-range` from 2^250 on.
    """
    bound = magnitude * (VALUE_LIMIT - 1)
    if bound >= MAX_FEE:
        raise Malformed("weights-range")
    return bound


def check_range(fee: int, magnitude: int) -> None:
    """Raises Refused `proof-range` for an F that no readings can give."""
    if abs(fee) > check_magnitude(magnitude):
        raise Refused("proof-range")


def prove(weights: Sequence[int], values: Sequence[int], blindings: Sequence[int]) -> LinearProof:
    """The proof for openings that were checked against their commitments beforehand."""
    if not len(weights) == len(values) == len(blindings):
        raise Misuse("length-mismatch")
    check_magnitude(sum(map(abs, weights)))
    fee = sum(p * v for p, v in zip(weights, values, strict=True))
    blinding = sum(p * r for p, r in zip(weights, blindings, strict=True)) % N
    return LinearProof(fee, blinding)


@dataclass(frozen=True)
class Equation:
    """total = fee*G + blinding*H: what is left to check when all that is public is computed."""

    total: Point | None
    fee: int
    blinding: int


@dataclass(frozen=True)
class Claim:
    """A proof of a circuit, to be verified: `data` for a public instance."""

    instance: Instance
    data: bytes


Settle = Callable[[Equation | Claim], None]


def settle(left: Equation | Claim) -> None:
    """Check what one proof leaves to check by itself. Raises Refused `proof-false`; of a Claim all
    that `proof.verify` does."""
    if isinstance(left, Claim):
        verify(left.instance, left.data)
        return
    equation = left
    if equation.total != commitment_to(equation.fee, equation.blinding):
        raise Refused("proof-false")


def settle_many(equations: Sequence[Equation]) -> list[bool]:
    """Which of many equations hold, in their order.

    All are weighted with fresh 128-bit numbers of the system and checked at once, so a false one
    passes with probability 2^-128; on failure each half is looked at by itself, with new weights.
    The caller has parsed all proofs: nobody who chose one can know a weight.
    """
    if not equations:
        return []
    if len(equations) == 1:
        only = equations[0]
        return [only.total == commitment_to(only.fee, only.blinding)]
    if _hold_together(equations):
        return [True] * len(equations)
    half = len(equations) // 2
    return settle_many(equations[:half]) + settle_many(equations[half:])


def _hold_together(equations: Sequence[Equation]) -> bool:
    weights = [secrets.randbits(128) for _ in equations]
    fee = sum(z * e.fee for z, e in zip(weights, equations, strict=True))
    blinding = sum(z * e.blinding for z, e in zip(weights, equations, strict=True))
    return weighted_sum([e.total for e in equations], weights) == commitment_to(fee, blinding)
