"""The part of a verification that does not care where the readings come from.

Documents, readings and a proof go in; every stage from the tariff on is here, once, for a bundle
and for a provider's ledger alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wattseal.errors import Refused

from wattseal_host.billed import Billed, billed_by
from wattseal_host.documents import Contract, Enrolment
from wattseal_host.engine import Point, weighted_sum
from wattseal_host.linear import Claim, Equation, LinearProof, Settle, check_range
from wattseal_host.proven_bill import CircuitProof, Segment, compile_bill, instance_of
from wattseal_host.statement import AnyStatement, Metered, Statement, statement_over
from wattseal_host.tariff import Tariff
from wattseal_host.verdict import Verdict


@dataclass(frozen=True)
class Documents:
    """The verified documents of a bill and the digests they go by."""

    enrolment: Enrolment
    contract: Contract
    contract_digest: bytes
    tariffs: tuple[Tariff, ...]
    tariff_digests: tuple[bytes, ...]


class Billable(Protocol):
    """What a tariff bills, verified, as the public sees it."""

    def weigh(self, tariff: Tariff, channels: Sequence[str]) -> tuple[int, list[int]]:
        """(Σ |p| over all readings, the scalars that go with `points`). Refused `tariff-*`."""

    def points(self) -> Sequence[Point | None]:
        """Points whose sum by those scalars is Σ p·C. Malformed `point-*`, `hints-length`."""

    def extent(self) -> tuple[int, int]:
        """The least and the most Σ p·v can be for readings below 2^32, p as last weighed."""

    def spans(self) -> Sequence[tuple[int, int]]:
        """(start_s, end_s) of each record that is no event."""

    def column(self, channel: int) -> Sequence[Point]:
        """The commitments of a channel (0 import, 1 export), record by record."""


class Readings(Billable, Protocol):
    """A complete stretch of a meter's records, verified.

    from_s, to_s: UTC seconds; before, last: digest before the first record and of the last;
    first_seq: of the first record; closed: whether the last one ends the chain.
    """

    from_s: int
    to_s: int
    before: bytes
    last: bytes
    first_seq: int
    closed: bool

    def part(self, from_s: int, to_s: int) -> Readings:
        """Those of a part of the period. Refused `tariff-change` where a record lies across."""


@dataclass(frozen=True)
class Part:
    """One meter of a bill: its papers, and its records in the period."""

    enrolment: Enrolment
    contract: Contract
    contract_digest: bytes
    readings: Readings

    @property
    def metered(self) -> Metered:
        readings = self.readings
        return Metered(
            self.contract_digest,
            self.enrolment.meter,
            self.enrolment.key,
            readings.from_s,
            readings.to_s,
            readings.before,
            readings.last,
        )


def conclude(
    verdict: Verdict,
    documents: Documents,
    readings: Readings,
    proof: LinearProof | CircuitProof,
    claimed: Statement,
    settle: Settle,
) -> AnyStatement:
    """`conclude_all` of one meter."""
    part = Part(documents.enrolment, documents.contract, documents.contract_digest, readings)
    tariffs = documents.tariffs, documents.tariff_digests
    return conclude_all(verdict, [part], (), *tariffs, proof, claimed, settle)


def conclude_all(
    verdict: Verdict,
    parts: Sequence[Part],
    links: tuple[bytes, ...],
    tariffs: Sequence[Tariff],
    digests: tuple[bytes, ...],
    proof: LinearProof | CircuitProof,
    claimed: AnyStatement,
    settle: Settle,
) -> AnyStatement:
    """The stages tariff, proof, statement; the statement proven. Raises Refused or Malformed.

    parts: the meters in order of time, of which `joint` knows that they follow each other; links:
    digests of the documents that say so; digests: of the tariffs.

    `settle` is given what the proof leaves to be checked on the curve: it refuses what is false, or
    keeps it for a batch. Of an opened fee the amount is computed; where the proof is a circuit's
    the amount is what it proves.
    """
    enrolment, tariff = parts[0].enrolment, tariffs[-1]
    with verdict.stage("tariff"):
        billed = billed_by([(p.contract, p.readings.from_s, p.readings.to_s) for p in parts])
        if tuple(one.digest for one in billed) != digests:
            raise Refused("contract-tariff", "the contract names other tariffs")
        if len(billed) > 1 and isinstance(proof, LinearProof):
            raise Refused("tariff-count", "one tariff to an opened fee")
        readings = [join(parts, one) for one in billed]
        weighed = [
            own.weigh(one, enrolment.channels) for own, one in zip(readings, tariffs, strict=True)
        ]
        if isinstance(proof, CircuitProof):
            segments = [
                Segment(one, one.scene(enrolment, own.spans(), proof.bits), own.extent())
                for own, one in zip(readings, tariffs, strict=True)
            ]
            compiled = compile_bill(segments)
    amount = claimed.amount
    with verdict.stage("proof"):
        if isinstance(proof, LinearProof):
            magnitude, scalars = weighed[0]
            points = readings[0].points()
            check_range(proof.fee, magnitude)
            from_s, to_s = billed[0].from_s, billed[0].to_s
            amount = tariff.amount(proof.fee, enrolment.unit, from_s, to_s)
            settle(Equation(weighted_sum(points, scalars), proof.fee, proof.blinding))
        metered = [part.metered for part in parts]
        recomputed = statement_over(metered, links, digests, tariff.currency, amount)
        if isinstance(proof, CircuitProof):
            instance = instance_of(
                compiled,
                tariff.rounding,
                recomputed,
                proof.bits,
                lambda at: weighted_sum(readings[at].points(), weighed[at][1]),
                lambda at, channel: readings[at].column(enrolment.channels.index(channel)),
            )
            settle(Claim(instance, proof.data))
    with verdict.stage("statement"):
        claimed.check_equal(recomputed)
    return claimed


def join(parts: Sequence[Part], billed: Billed) -> Billable:
    """The readings one tariff bills, of all meters. Refused `tariff-change`."""
    found: list[Billable] = []
    for piece in billed.pieces:
        whole = parts[piece.meter].readings
        if (piece.from_s, piece.to_s) == (whole.from_s, whole.to_s):
            found.append(whole)
        else:
            found.append(whole.part(piece.from_s, piece.to_s))
    return found[0] if len(found) == 1 else _Joined(found)


class _Joined:
    """Readings of meters in each other's place, one after the other."""

    def __init__(self, each: Sequence[Billable]) -> None:
        self._each = each

    def weigh(self, tariff: Tariff, channels: Sequence[str]) -> tuple[int, list[int]]:
        weighed = [one.weigh(tariff, channels) for one in self._each]
        return sum(total for total, _ in weighed), [s for _, scalars in weighed for s in scalars]

    def points(self) -> list[Point | None]:
        return [point for one in self._each for point in one.points()]

    def extent(self) -> tuple[int, int]:
        ends = [one.extent() for one in self._each]
        return sum(low for low, _ in ends), sum(high for _, high in ends)

    def spans(self) -> list[tuple[int, int]]:
        return [span for one in self._each for span in one.spans()]

    def column(self, channel: int) -> list[Point]:
        return [point for one in self._each for point in one.column(channel)]
