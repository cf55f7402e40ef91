"""The part of a verification that does not care where the readings come from.

Documents, readings and a proof go in; every stage from the tariff on is here, once, for a bundle
and for a provider's ledger alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wattseal.errors import Refused

from wattseal_host.documents import Contract, Enrolment
from wattseal_host.engine import Point, weighted_sum
from wattseal_host.linear import Claim, Equation, LinearProof, Settle, check_range
from wattseal_host.proven_bill import CircuitProof, Segment, compile_bill, instance_of
from wattseal_host.statement import Statement
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


class Readings(Protocol):
    """A complete stretch of a meter's records, verified, as the public sees it.

    from_s, to_s: UTC seconds; before, last: digest before the first record and of the last.
    """

    from_s: int
    to_s: int
    before: bytes
    last: bytes

    def part(self, from_s: int, to_s: int) -> Readings:
        """Those of a part of the period. Refused `tariff-change` where a record lies across."""

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


def conclude(
    verdict: Verdict,
    documents: Documents,
    readings: Readings,
    proof: LinearProof | CircuitProof,
    claimed: Statement,
    settle: Settle,
) -> Statement:
    """The stages tariff, proof, statement; the statement proven. Raises Refused or Malformed.

    `settle` is given what the proof leaves to be checked on the curve: it refuses what is false, or
    keeps it for a batch. Of an opened fee the amount is computed; where the proof is a circuit's
    the amount is what it proves.
    """
    enrolment, tariff = documents.enrolment, documents.tariffs[-1]
    with verdict.stage("tariff"):
        agreed = documents.contract.tariffs_for(readings.from_s, readings.to_s)
        if tuple(one.digest for one in agreed) != documents.tariff_digests:
            raise Refused("contract-tariff", "the contract names other tariffs")
        parts = [readings]
        if len(agreed) > 1:
            if isinstance(proof, LinearProof):
                raise Refused("tariff-count", "one tariff to an opened fee")
            parts = [readings.part(one.from_s, one.to_s) for one in agreed]
        weighed = [
            part.weigh(one, enrolment.channels)
            for part, one in zip(parts, documents.tariffs, strict=True)
        ]
        if isinstance(proof, CircuitProof):
            segments = [
                Segment(one, one.scene(enrolment, part.spans(), proof.bits), part.extent())
                for part, one in zip(parts, documents.tariffs, strict=True)
            ]
            compiled = compile_bill(segments)
    amount = claimed.amount
    with verdict.stage("proof"):
        if isinstance(proof, LinearProof):
            magnitude, scalars = weighed[0]
            points = readings.points()
            check_range(proof.fee, magnitude)
            amount = tariff.amount(proof.fee, enrolment.unit, readings.from_s, readings.to_s)
            settle(Equation(weighted_sum(points, scalars), proof.fee, proof.blinding))
        recomputed = Statement(
            contract=documents.contract_digest,
            tariffs=documents.tariff_digests,
            meter=enrolment.meter,
            key=enrolment.key,
            from_s=readings.from_s,
            to_s=readings.to_s,
            before=readings.before,
            last=readings.last,
            currency=tariff.currency,
            amount=amount,
        )
        if isinstance(proof, CircuitProof):
            instance = instance_of(
                compiled,
                tariff.rounding,
                recomputed,
                proof.bits,
                lambda at: weighted_sum(parts[at].points(), weighed[at][1]),
                lambda at, channel: parts[at].column(enrolment.channels.index(channel)),
            )
            settle(Claim(instance, proof.data))
    with verdict.stage("statement"):
        claimed.check_equal(recomputed)
    return claimed
