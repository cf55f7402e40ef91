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
from wattseal_host.statement import AnyStatement
from wattseal_host.strict_json import dumps
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.scene import READING_BITS, Scene, Source, Terms
from wattseal_host.units import Rounding, divide_rounded

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
class Segment:
    """What one tariff bills: its own part of the period, all of it but where tariffs change.

    magnitude: the least and the most F = Σ weight * reading can be for readings below 2^32; fee:
    F, where it is known.
    """

    tariff: Tariff
    scene: Scene
    magnitude: tuple[int, int]
    fee: int | None = None

    @property
    def exact_minor(self) -> Fraction:
        """What it comes to in minor units, on the side that knows the readings."""
        if self.fee is None:
            raise Misuse("readings-unknown")
        return self.tariff.exact_minor(self.fee, self.scene)


@dataclass(frozen=True)
class Compiled:
    """inputs: of each committed one the segment it belongs to, and the sum of readings it is, or
    None for F."""

    circuit: Circuit
    assignment: Assignment | None
    inputs: tuple[tuple[int, Source | None], ...]


def bits_for(values: Sequence[int]) -> int:
    """The least number of bits that may be said of readings."""
    most = max(values, default=0).bit_length()
    return next(bits for bits in READING_BITS if most <= bits)


def compile_bill(segments: Sequence[Segment], amount: int | None = None) -> Compiled:
    """The circuit of a bill; segments in order of time. amount: in minor units, if it is known.

    Each segment is a sum of its own, with its own minimum; they are added and rounded once, as the
    last one's tariff says. Refused `tariff-currency` (of several), `tariff-readings`,
    `tariff-magnitude` (numbers beyond what can be proven).
    """
    if any(one.tariff.currency != segments[-1].tariff.currency for one in segments):
        raise Refused("tariff-currency", "tariffs of one bill have one currency")
    try:
        return _compile(segments, amount)
    except Misuse as error:
        if error.code == "circuit-magnitude":
            raise Refused("tariff-magnitude", "numbers beyond what can be proven") from error
        raise


def _compile(segments: Sequence[Segment], amount: int | None) -> Compiled:
    b = Builder()
    asked: list[tuple[int, Source | None]] = []
    inputs: list[Linear] = []
    sums: list[_Sum] = []
    for place, segment in enumerate(segments):
        sources, values, found = _constrain(b, segment)
        asked += [(place, source) for source in sources]
        inputs += values
        sums.append(found)
    common = lcm(*(one.denominator for one in sums))
    total = Linear.of(0)
    for one in sums:
        total = total + one.scaled(b, common)
    rounding = segments[-1].tariff.rounding
    step = common * rounding.step_minor
    low, high = (divide_rounded(end, step, rounding.mode) for end in total.interval)
    payable = b.public(low, high, None if amount is None else amount // rounding.step_minor)
    gadgets.round_public(b, total, step, rounding.mode, payable)
    # Where the amount is the same whatever the readings are, or some of them, nobody asks for them.
    for x in (*inputs, payable):
        b.idle(x)
    circuit, assignment = b.finish()
    return Compiled(circuit, assignment, tuple(asked))


@dataclass(frozen=True)
class _Sum:
    """Σ share * combination + constant, and at least `least`; all in minor units."""

    terms: Terms
    constant: Fraction
    least: Fraction | None

    @property
    def denominator(self) -> int:
        shares = [share for share, _ in self.terms] + [self.constant, self.least or Fraction(0)]
        return lcm(*(share.denominator for share in shares))

    def scaled(self, b: Builder, common: int) -> Linear:
        """`common` times the sum, a whole number."""
        total = linear_sum([(int(common * share), x) for share, x in self.terms])
        total = total + int(common * self.constant)
        if self.least is None:
            return total
        floor = int(common * self.least)
        _, over = gadgets.excess(b, total, floor)
        return floor + over


def _constrain(b: Builder, segment: Segment) -> tuple[list[Source | None], list[Linear], _Sum]:
    """(the committed inputs a segment asks for, and they themselves, what it comes to)."""
    tariff, scene = segment.tariff, segment.scene
    terms: Terms = []
    asked: list[Source | None] = []
    inputs: list[Linear] = []
    if segment.magnitude != (0, 0):
        asked.append(None)
        inputs.append(b.input(*segment.magnitude, segment.fee))
        terms.append((Fraction(10) ** tariff.fee_exponent(scene.unit), inputs[0]))
    known: dict[Source, Linear] = {}
    for part in tariff.shaped:
        factor = tariff.price_minor * tariff.fold.factors[part.name]
        wanted = part.sources(scene)
        for source in wanted:
            if source not in known:
                most = len(source.places) * (VALUE_LIMIT - 1)
                known[source] = b.input(0, most, scene.of(source))
                asked.append(source)
                inputs.append(known[source])
        own = part.constrain(b, scene, [known[source] for source in wanted])
        terms += [(factor * share, x) for share, x in own]
    constant = tariff.constant_minor(scene.from_s, scene.to_s)
    least = tariff.least_minor(scene.from_s, scene.to_s)
    return asked, inputs, _Sum(terms, constant, least)


def context(statement: AnyStatement, bits: int) -> list[tuple[bytes, bytes]]:
    """What the proof is bound to: the whole statement, in its canonical bytes."""
    return [(CONTEXT, dumps(statement.write())), (b"reading-bits", bytes([bits]))]


def instance_of(
    compiled: Compiled,
    rounding: Rounding,
    statement: AnyStatement,
    bits: int,
    fee_point: Callable[[int], Point | None],
    points: Callable[[int, str], Sequence[Point]],
) -> Instance:
    """The public side. fee_point: Σ weight * C of a segment; points: a channel's commitments in a
    segment, record by record.

    Refused `statement-amount` for an amount that is no multiple of the rounding's step.
    """
    payable, rest = divmod(statement.amount, rounding.step_minor)
    if rest:
        raise Refused("statement-amount", "no multiple of the rounding step")
    commitments: list[Point | None] = []
    for place, source in compiled.inputs:
        if source is None:
            commitments.append(fee_point(place))
            continue
        column = points(place, source.channel)
        if len(source.places) == 1:
            commitments.append(column[source.places[0]])
        else:
            some = [column[at] for at in source.places]
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
