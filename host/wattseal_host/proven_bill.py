"""The proof of a rounded bill: that the amount payable follows, and not what it follows from.

Prices alone need one committed input, F = Σ weight * reading, whose commitment anybody derives from
the records'; blocks one sum of readings each; and the parts that look at single readings those.
Verifier and customer compile the same circuit from the tariff and the records' times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from wattseal.commitment import VALUE_LIMIT
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.p256 import N

from wattseal_host.encoding import malformed, to_base64url
from wattseal_host.engine import Point, weighted_sum
from wattseal_host.fields import Fields
from wattseal_host.linear import check_magnitude
from wattseal_host.proof import Assignment, Builder, Circuit, Instance, Linear, gadgets, prove
from wattseal_host.proof.linear import linear_sum
from wattseal_host.statement import Statement
from wattseal_host.strict_json import dumps
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.scene import READING_BITS, Scene, Source
from wattseal_host.units import divide_rounded

TYPE = "circuit/1"
MAX_PROOF_BYTES = 8192
CONTEXT = b"wattseal-bill"
Progress = Callable[[float], None]


@dataclass(frozen=True)
class CircuitProof:
    """bits: no reading that stands alone in the circuit has more (16, 24, 32); data: the proof."""

    bits: int
    data: bytes

    @classmethod
    def read(cls, value: Any, where: str) -> CircuitProof:
        fields = Fields(value, where, {"type", "bits", "proof"})
        fields.choice("type", (TYPE,))
        bits = fields.integer("bits", READING_BITS[0], READING_BITS[-1])
        if bits not in READING_BITS:
            raise malformed(fields.where("bits"))
        return cls(bits, fields.base64url("proof", 2 * MAX_PROOF_BYTES))

    def write(self) -> dict[str, Any]:
        return {"type": TYPE, "bits": self.bits, "proof": to_base64url(self.data)}


@dataclass(frozen=True)
class Compiled:
    """sources: of the committed inputs after F, which is the first one where `linear`."""

    circuit: Circuit
    assignment: Assignment | None
    linear: bool
    sources: tuple[Source, ...]


def bits_for(values: Sequence[int]) -> int:
    """The least number of bits that may be said of readings."""
    most = max(values, default=0).bit_length()
    return next(bits for bits in READING_BITS if most <= bits)


def compile_bill(
    tariff: Tariff,
    scene: Scene,
    magnitude: tuple[int, int],
    fee: int | None = None,
    amount: int | None = None,
) -> Compiled:
    """The circuit of a bill. magnitude: the least and the most F = Σ weight * reading can be for
    readings below 2^32; fee: F, where it is known; amount: in minor units, likewise.

    Refused `tariff-readings`, `tariff-magnitude` (numbers beyond what can be proven).
    """
    try:
        return _compile(tariff, scene, magnitude, fee, amount)
    except Misuse as error:
        if error.code == "circuit-magnitude":
            raise Refused("tariff-magnitude", "numbers beyond what can be proven") from error
        raise


def _compile(
    tariff: Tariff,
    scene: Scene,
    magnitude: tuple[int, int],
    fee: int | None,
    amount: int | None,
) -> Compiled:
    b = Builder()
    terms: list[tuple[Fraction, Linear]] = []
    inputs: list[Linear] = []
    linear = magnitude != (0, 0)
    if linear:
        inputs.append(b.input(*magnitude, fee))
        terms.append((Fraction(10) ** tariff.fee_exponent(scene.unit), inputs[0]))
    sources: list[Source] = []
    singles: dict[Source, Linear] = {}
    for part in tariff.shaped:
        factor = tariff.price_minor * tariff.fold.factors[part.name]
        asked = []
        for source in part.sources(scene):
            if source not in singles:
                sources.append(source)
                most = len(source.places) * (VALUE_LIMIT - 1)
                singles[source] = b.input(0, most, scene.of(source))
                inputs.append(singles[source])
            asked.append(singles[source])
        terms += [(factor * share, x) for share, x in part.constrain(b, scene, asked)]
    constant = tariff.constant_minor(scene.from_s, scene.to_s)
    least = tariff.least_minor(scene.from_s, scene.to_s)
    common = lcm(*(share.denominator for share, _ in terms), constant.denominator)
    if least is not None:
        common = lcm(common, least.denominator)
    total = linear_sum([(int(common * share), x) for share, x in terms])
    total = total + int(common * constant)
    if least is not None:
        floor = int(common * least)
        _, over = gadgets.excess(b, total, floor)
        total = floor + over
    step = common * tariff.rounding.step_minor
    low, high = (divide_rounded(end, step, tariff.rounding.mode) for end in total.interval)
    payable = b.public(low, high, None if amount is None else amount // tariff.rounding.step_minor)
    gadgets.round_public(b, total, step, tariff.rounding.mode, payable)
    # Where the amount is the same whatever the readings are, or some of them, nobody asks for them.
    for x in (*inputs, payable):
        b.idle(x)
    circuit, assignment = b.finish()
    return Compiled(circuit, assignment, linear, tuple(sources))


def context(statement: Statement, bits: int) -> list[tuple[bytes, bytes]]:
    """What the proof is bound to: the whole statement, in its canonical bytes."""
    return [(CONTEXT, dumps(statement.write())), (b"reading-bits", bytes([bits]))]


def instance_of(
    compiled: Compiled,
    tariff: Tariff,
    statement: Statement,
    bits: int,
    fee_point: Callable[[], Point | None],
    points: Callable[[str], Sequence[Point]],
) -> Instance:
    """The public side. fee_point: Σ weight * C; points: a channel's commitments, record by record.

    Refused `statement-amount` for an amount that is no multiple of the rounding's step.
    """
    payable, rest = divmod(statement.amount, tariff.rounding.step_minor)
    if rest:
        raise Refused("statement-amount", "no multiple of the rounding step")
    commitments: list[Point | None] = [fee_point()] if compiled.linear else []
    for source in compiled.sources:
        column = points(source.channel)
        if len(source.places) == 1:
            commitments.append(column[source.places[0]])
        else:
            some = [column[place] for place in source.places]
            commitments.append(weighted_sum(some, [1] * len(some)))
    if None in commitments:
        raise Malformed("point-identity", "a sum of commitments is the identity")
    return Instance(compiled.circuit, commitments, [payable], context(statement, bits))


def prove_bill(
    compiled: Compiled, instance: Instance, blindings: Sequence[int], progress: Progress | None
) -> bytes:
    """blindings: of the inputs in their order, any integers. Misuse `bill-unproven` for a scene
    without readings."""
    if compiled.assignment is None:
        raise Misuse("bill-unproven")
    return prove(instance, compiled.assignment, [r % N for r in blindings], progress)


def magnitude_of(weights: Sequence[int], counts: Sequence[int] | None = None) -> tuple[int, int]:
    """(least, most) of Σ weight * reading for readings below 2^32; each weight counts[i] times.

    Malformed `weights-range` from 2^250 on.
    """
    pairs = list(zip(weights, counts or [1] * len(weights), strict=True))
    low = (VALUE_LIMIT - 1) * sum(w * n for w, n in pairs if w < 0)
    high = (VALUE_LIMIT - 1) * sum(w * n for w, n in pairs if w > 0)
    check_magnitude((high - low) // (VALUE_LIMIT - 1))
    return low, high
