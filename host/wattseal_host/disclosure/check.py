"""Verify a disclosure: from its bytes and named trust to a verdict. Pure, and off line.

Stages, in order: form, documents, records, queries, proof. The first that fails gives the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wattseal.chain import Config, verify_stretch
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.record import Record, decode_body

from wattseal_host import jws
from wattseal_host.bundle import split_hints
from wattseal_host.disclosure.circuit import Compiled, Records, compile_queries
from wattseal_host.disclosure.document import Answer, Disclosure
from wattseal_host.disclosure.query import Query
from wattseal_host.documents import Enrolment
from wattseal_host.engine import Point, decode_commitment, weighted_sum
from wattseal_host.errors import Unusable
from wattseal_host.keys import fingerprint
from wattseal_host.proof import Instance, verify
from wattseal_host.signatures import SignedChain
from wattseal_host.strict_json import dumps
from wattseal_host.trust import Trust

CERTIFIED = "certified"
CONTEXT = b"wattseal-disclosure"


@dataclass
class Certificate:
    """holds; code: "certified" or why not; disclosure: once it could be read; enrolment: once it
    was checked; records: how many were in the stretch; checks: the stages that passed."""

    holds: bool = False
    code: str = ""
    detail: str = ""
    disclosure: Disclosure | None = None
    enrolment: Enrolment | None = None
    from_s: int = 0
    to_s: int = 0
    records: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)


def check(data: bytes, trust: Trust, recipient: str | None = None) -> Certificate:
    """Judge a disclosure. recipient: must be the one it names, where given (Refused
    `disclosure-recipient`). Raises Unusable if it is no file of the kind."""
    result = Certificate()
    try:
        _check(data, trust, recipient, result)
    except Unusable:
        raise
    except (Malformed, Refused) as error:
        result.code, result.detail = error.code, error.detail
        return result
    result.holds, result.code = True, CERTIFIED
    return result


def _check(data: bytes, trust: Trust, recipient: str | None, result: Certificate) -> None:
    said = result.disclosure = Disclosure.read(data)
    result.checks.append("form")
    enrolment = _open_enrolment(said, trust, result)
    if recipient is not None and said.recipient != recipient:
        raise Refused("disclosure-recipient", f"it is made for {said.recipient}")
    result.enrolment = enrolment
    result.checks.append("documents")
    records = check_records(said, enrolment)
    result.records = len(records)
    result.from_s, result.to_s = records[0].start_s, records[-1].end_s
    result.checks.append("records")
    scene = Records(spans_of(records), enrolment.channels, said.bits)
    compiled = compile_all([one.query for one in said.answers], scene)
    result.checks.append("queries")
    points = commitments(records, said.hints, len(enrolment.channels))
    names = list(enrolment.channels)
    columns = {name: points[i :: len(names)] for i, name in enumerate(names)}
    verify(instance_of(compiled, said, records, columns), said.proof)
    result.checks.append("proof")


def _open_enrolment(said: Disclosure, trust: Trust, result: Certificate) -> Enrolment:
    signed = jws.parse(said.enrolment, jws.ENROLMENT)
    enrolment = Enrolment.read(signed.payload)
    result.keys = {"provider": signed.kid, "meter": fingerprint(enrolment.key)}
    expected = trust.provider_of(enrolment.key)
    if expected is None or fingerprint(expected) != signed.kid:
        raise Refused("untrusted-keys", ", ".join(f"{k} {v}" for k, v in result.keys.items()))
    jws.check_signature(signed, [expected])
    return enrolment


def check_records(said: Disclosure, enrolment: Enrolment) -> list[Record]:
    """The records, a complete signed stretch of the meter's chain. Refused `chain-*`."""
    config = Config(enrolment.interval_s, enrolment.unit.exponent, enrolment.channel_set)
    if decode_body(said.bodies[0]).seq == 0:
        chain = SignedChain(enrolment.key, config)
    else:
        chain = SignedChain(enrolment.key, config, previous=said.before)
    records: list[Record] = verify_stretch(said.bodies, said.signature, chain)
    if records[0].previous != said.before:
        raise Refused("chain-link", "the first record follows another one")
    if not any(record.channels for record in records):
        raise Refused("query-no-records", "there are events alone")
    return records


def spans_of(records: Sequence[Record]) -> list[tuple[int, int]]:
    return [(record.start_s, record.end_s) for record in records if record.channels]


def commitments(records: Sequence[Record], hints: bytes, channels: int) -> list[Point]:
    """Every commitment, record by record, import first. Malformed `point-*`, `hints-length`."""
    compressed = [commitment for record in records for commitment, _ in record.channels]
    split = split_hints(hints, len(compressed))
    return [decode_commitment(c, y) for c, y in zip(compressed, split, strict=True)]


def compile_all(
    queries: Sequence[Query], records: Records, answers: Sequence[int] | None = None
) -> Compiled:
    """As `compile_queries`; what it cannot compile is Malformed `query-…`."""
    try:
        return compile_queries(queries, records, answers)
    except Misuse as error:
        code = {"circuit-unused": "query-empty"}.get(error.code, "query-magnitude")
        raise Malformed(code, str(error)) from error


def instance_of(
    compiled: Compiled,
    said: Disclosure,
    records: Sequence[Record],
    columns: dict[str, list[Point]],
) -> Instance:
    """The public side of the proof: the answers, and all that the file says bound to them."""
    points: list[Point | None] = []
    for source in compiled.sources:
        some = [columns[source.channel][place] for place in source.places]
        points.append(some[0] if len(some) == 1 else weighted_sum(some, [1] * len(some)))
    if None in points:
        raise Malformed("point-identity", "a sum of commitments is the identity")
    publics = [one.value for one in said.answers]
    return Instance(compiled.circuit, points, publics, context(said, records))


def context(said: Disclosure, records: Sequence[Record]) -> list[tuple[bytes, bytes]]:
    statement = {
        "meter": records[0].meter.hex(),
        "before": said.before.hex(),
        "last": records[-1].digest.hex(),
        "recipient": said.recipient,
        "purpose": said.purpose,
        "made_s": said.made_s,
        "answers": [{"query": a.query.text, "answer": str(a.value)} for a in said.answers],
        "bits": said.bits,
    }
    return [(CONTEXT, dumps(statement))]


__all__ = ["CERTIFIED", "Answer", "Certificate", "check"]
