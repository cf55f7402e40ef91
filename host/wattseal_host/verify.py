"""The verifier: from a bundle's bytes and named trust to a verdict. Pure; no files, no network.

Stages, in order: form, documents, records, tariff, proof, statement. The first that fails gives
the verdict its stable code.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.chain import Config, verify_stretch
from wattseal.errors import Refused
from wattseal.record import Record, decode_body

from wattseal_host import jws, linear
from wattseal_host.bundle import Bundle, split_hints
from wattseal_host.case import Documents, conclude
from wattseal_host.documents import Contract, Enrolment
from wattseal_host.engine import HINT_BYTES, Point, decode_commitment
from wattseal_host.keys import fingerprint
from wattseal_host.linear import Settle
from wattseal_host.proven_bill import magnitude_of
from wattseal_host.signatures import SignedChain
from wattseal_host.statement import Statement
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import weigh
from wattseal_host.trust import Trust
from wattseal_host.verdict import ACCEPTED, Verdict, judged

__all__ = ["ACCEPTED", "Verdict", "verify_bundle"]


def verify_bundle(data: bytes, trust: Trust, settle: Settle = linear.settle) -> Verdict:
    """Judge a bundle. Raises Unusable if `data` is no bundle; never anything else.

    With another `settle` than the usual one, the verdict holds if the equation given to it does.
    """
    return judged(lambda verdict: _verify(data, trust, verdict, settle))


def _verify(data: bytes, trust: Trust, verdict: Verdict, settle: Settle) -> Statement:
    with verdict.stage("form"):
        bundle = Bundle.read(data)
    with verdict.stage("documents"):
        documents = _check_documents(bundle, trust, verdict)
    with verdict.stage("records"):
        verdict.records = len(bundle.bodies)
        readings = _Records(_check_records(bundle, documents.enrolment), bundle.hints)
    return conclude(verdict, documents, readings, bundle.proof, bundle.statement, settle)


class _Records:
    """Readings from the records themselves (see `case.Readings`)."""

    def __init__(self, records: list[Record], hints: bytes) -> None:
        self._records, self._hints = records, hints
        self.from_s, self.to_s = records[0].start_s, records[-1].end_s
        self.before, self.last = records[0].previous, records[-1].digest
        self._weights: list[int] = []
        self._points: list[Point] = []

    def part(self, from_s: int, to_s: int) -> _Records:
        widths = [len(record.channels) for record in self._records]
        split_hints(self._hints, sum(widths))
        inside = [i for i, r in enumerate(self._records) if from_s <= r.start_s < to_s]
        filled = [self._records[i] for i in inside if widths[i]]
        if not filled or (filled[0].start_s, filled[-1].end_s) != (from_s, to_s):
            raise Refused("tariff-change", f"no records from {from_s} to {to_s}")
        first, last = inside[0], inside[-1] + 1
        hints = self._hints[HINT_BYTES * sum(widths[:first]) : HINT_BYTES * sum(widths[:last])]
        return _Records(self._records[first:last], hints)

    def weigh(self, tariff: Tariff, channels: Sequence[str]) -> tuple[int, list[int]]:
        self._weights = weigh(tariff, self._records, channels)
        return sum(map(abs, self._weights)), self._weights

    def extent(self) -> tuple[int, int]:
        return magnitude_of(self._weights)

    def spans(self) -> list[tuple[int, int]]:
        return [(record.start_s, record.end_s) for record in self._records if record.channels]

    def column(self, channel: int) -> list[Point]:
        width = max(len(record.channels) for record in self._records)
        return self.points()[channel::width]

    def points(self) -> list[Point]:
        if self._points:
            return self._points
        compressed = [commitment for record in self._records for commitment, _ in record.channels]
        hints = split_hints(self._hints, len(compressed))
        self._points = [decode_commitment(c, y) for c, y in zip(compressed, hints, strict=True)]
        return self._points


def _check_documents(bundle: Bundle, trust: Trust, verdict: Verdict) -> Documents:
    enrolment_jws = jws.parse(bundle.enrolment, jws.ENROLMENT)
    contract_jws = jws.parse(bundle.contract, jws.CONTRACT)
    tariff_jws = [jws.parse(token, jws.TARIFF) for token in bundle.tariffs]
    enrolment = Enrolment.read(enrolment_jws.payload)
    verdict.keys = {"provider": enrolment_jws.kid, "meter": fingerprint(enrolment.key)}
    expected = trust.provider_of(enrolment.key)
    if expected is None or fingerprint(expected) != enrolment_jws.kid:
        shown = ", ".join(f"{who} {key}" for who, key in verdict.keys.items())
        raise Refused("untrusted-keys", shown)
    provider = jws.check_signature(enrolment_jws, [expected])
    # One provider signs all of them: a contract of another one is not this meter's.
    jws.check_signature(contract_jws, [provider])
    for signed in tariff_jws:
        jws.check_signature(signed, [provider])
    contract = Contract.read(contract_jws.payload)
    if contract.meter != enrolment.meter:
        raise Refused("contract-meter", contract.meter.hex())
    tariffs = tuple(Tariff.read(signed.payload) for signed in tariff_jws)
    digests = tuple(signed.digest for signed in tariff_jws)
    return Documents(enrolment, contract, contract_jws.digest, tariffs, digests)


def _check_records(bundle: Bundle, enrolment: Enrolment) -> list[Record]:
    config = Config(enrolment.interval_s, enrolment.unit.exponent, enrolment.channel_set)
    if decode_body(bundle.bodies[0]).seq == 0:
        chain = SignedChain(enrolment.key, config)
    else:
        chain = SignedChain(enrolment.key, config, previous=bundle.statement.before)
    records: list[Record] = verify_stretch(bundle.bodies, bundle.signature, chain)
    # An event at the period's last second belongs to the next one: one stretch to a period.
    if not records[-1].channels:
        raise Refused("period-end", "the last record is an event")
    return records
