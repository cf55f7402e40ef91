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
from wattseal_host.linear import Equation, LinearProof, Settle, check_range
from wattseal_host.statement import Statement
from wattseal_host.tariff import Tariff
from wattseal_host.verdict import Verdict


@dataclass(frozen=True)
class Documents:
    """The verified documents of a bill and the digests they go by."""

    enrolment: Enrolment
    contract: Contract
    contract_digest: bytes
    tariff: Tariff
    tariff_digest: bytes


class Readings(Protocol):
    """A complete stretch of a meter's records, verified, as the public sees it.

    from_s, to_s: UTC seconds; before, last: digest before the first record and of the last.
    """

    from_s: int
    to_s: int
    before: bytes
    last: bytes

    def weigh(self, tariff: Tariff, channels: Sequence[str]) -> tuple[int, list[int]]:
        """(Σ |p| over all readings, the scalars that go with `points`). Refused `tariff-*`."""

    def points(self) -> Sequence[Point | None]:
        """Points whose sum by those scalars is Σ p·C. Malformed `point-*`, `hints-length`."""


def conclude(
    verdict: Verdict,
    documents: Documents,
    readings: Readings,
    proof: LinearProof,
    claimed: Statement,
    settle: Settle,
) -> Statement:
    """The stages tariff, proof, statement; the statement proven. Raises Refused or Malformed.

    `settle` is given the proof's equation on the curve: it refuses a false one, or keeps it for
    a batch.
    """
    enrolment, tariff = documents.enrolment, documents.tariff
    with verdict.stage("tariff"):
        agreed = documents.contract.tariff_for(readings.from_s, readings.to_s)
        if agreed != documents.tariff_digest:
            raise Refused("contract-tariff", "the contract names another tariff")
        magnitude, scalars = readings.weigh(tariff, enrolment.channels)
    with verdict.stage("proof"):
        points = readings.points()
        check_range(proof.fee, magnitude)
        settle(Equation(weighted_sum(points, scalars), proof.fee, proof.blinding))
    with verdict.stage("statement"):
        claimed.check_equal(
            Statement(
                contract=documents.contract_digest,
                tariffs=(documents.tariff_digest,),
                meter=enrolment.meter,
                key=enrolment.key,
                from_s=readings.from_s,
                to_s=readings.to_s,
                before=readings.before,
                last=readings.last,
                currency=tariff.currency,
                amount=tariff.amount(proof.fee, enrolment.unit, readings.from_s, readings.to_s),
            )
        )
    return claimed
