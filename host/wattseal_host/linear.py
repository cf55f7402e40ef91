"""The proof of a linear bill: the weighted sum of the commitments, opened once.

For public integer weights p_t and commitments C_t = v_t G + r_t H, the customer shows
F = Σ p_t v_t and R = Σ p_t r_t mod n, and Σ p_t C_t = F G + R H holds for no other F that is
small: another F would give the discrete logarithm of H. The weights bound F far below the group
order, so F is one integer and not a residue. R is uniform and hides nothing but itself: F tells
what the bill tells, and no reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattseal.commitment import VALUE_LIMIT
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.p256 import SCALAR_BYTES, N

from wattseal_host.encoding import malformed
from wattseal_host.engine import Point, commitment_to, weighted_sum
from wattseal_host.fields import Fields

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


def fee_bound(weights: Sequence[int]) -> int:
    """The largest |F| that readings below 2^32 can give; Malformed `weights-range` from 2^250."""
    bound = sum(abs(weight) for weight in weights) * (VALUE_LIMIT - 1)
    if bound >= MAX_FEE:
        raise Malformed("weights-range")
    return bound


def prove(weights: Sequence[int], values: Sequence[int], blindings: Sequence[int]) -> LinearProof:
    """The proof for openings that were checked against their commitments beforehand."""
    if not len(weights) == len(values) == len(blindings):
        raise Misuse("length-mismatch")
    fee_bound(weights)
    fee = sum(p * v for p, v in zip(weights, values, strict=True))
    blinding = sum(p * r for p, r in zip(weights, blindings, strict=True)) % N
    return LinearProof(fee, blinding)


def check(proof: LinearProof, weights: Sequence[int], points: Sequence[Point]) -> None:
    """Raises Refused `proof-range` (F out of its bound) or `proof-false`."""
    if abs(proof.fee) > fee_bound(weights):
        raise Refused("proof-range")
    if weighted_sum(points, weights) != commitment_to(proof.fee, proof.blinding):
        raise Refused("proof-false")
