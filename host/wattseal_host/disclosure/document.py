"""The file: `wattseal-disclosure/1`. Field values have one spelling each, as in a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wattseal.ecdsa import SIGNATURE_BYTES
from wattseal.errors import Malformed
from wattseal.record import DIGEST_BYTES

from wattseal_host.bundle import read_bodies
from wattseal_host.disclosure.query import MOST_CHARACTERS, Query, parse
from wattseal_host.encoding import malformed, to_base64url
from wattseal_host.fields import Fields
from wattseal_host.jws import MAX_CHARACTERS
from wattseal_host.proven_bill import MAX_PROOF_BYTES
from wattseal_host.strict_json import dumps, loads
from wattseal_host.tariff.scene import READING_BITS

FORMAT = "wattseal-disclosure/1"
MAX_BYTES = 64 * 1024 * 1024
MAX_RECORDS = 200_000
MAX_QUERIES = 50
_NAMES = {
    "format", "enrolment", "recipient", "purpose", "made_s", "before", "records", "hints",
    "signature", "answers", "bits", "proof",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """query: its text, spaces made one; value: what was answered."""

    query: Query
    value: int


@dataclass(frozen=True)
class Disclosure:
    """enrolment: compact JWS; recipient, purpose: words the proof is bound to; made_s: when, UTC;
    before: digest before the first record; bodies, hints, signature: as in a bundle; bits: no
    reading that is looked at by itself has more; proof: of all answers."""

    enrolment: str
    recipient: str
    purpose: str
    made_s: int
    before: bytes
    bodies: tuple[bytes, ...]
    hints: bytes
    signature: bytes
    answers: tuple[Answer, ...]
    bits: int
    proof: bytes

    @classmethod
    def read(cls, data: bytes) -> Disclosure:
        """Parse a file; nothing is verified. Raises Unusable `json-*`, Malformed `field-*`,
        `json-*`, `query-*`, `disclosure-spelling` (a query with other spaces than our own)."""
        fields = Fields(loads(data, MAX_BYTES), "disclosure", _NAMES)
        fields.choice("format", (FORMAT,))
        signature = fields.base64url("signature", 2 * SIGNATURE_BYTES)
        bits = fields.integer("bits", READING_BITS[0], READING_BITS[-1])
        if len(signature) != SIGNATURE_BYTES or bits not in READING_BITS:
            raise malformed("disclosure")
        return cls(
            fields.text("enrolment", MAX_CHARACTERS),
            fields.text("recipient", 200),
            fields.text("purpose", 200),
            fields.time_s("made_s"),
            fields.hexadecimal("before", DIGEST_BYTES),
            read_bodies(fields.items("records", MAX_RECORDS, 1), fields.where("records")),
            fields.base64url("hints", MAX_BYTES),
            signature,
            tuple(fields.each("answers", MAX_QUERIES, _read_answer, least=1)),
            bits,
            fields.base64url("proof", 2 * MAX_PROOF_BYTES),
        )

    def write(self) -> bytes:
        """The canonical bytes."""
        return dumps(
            {
                "format": FORMAT,
                "enrolment": self.enrolment,
                "recipient": self.recipient,
                "purpose": self.purpose,
                "made_s": self.made_s,
                "before": self.before.hex(),
                "records": [to_base64url(body) for body in self.bodies],
                "hints": to_base64url(self.hints),
                "signature": to_base64url(self.signature),
                "answers": [
                    {"query": one.query.text, "answer": str(one.value)} for one in self.answers
                ],
                "bits": self.bits,
                "proof": to_base64url(self.proof),
            }
        )


def is_disclosure(data: bytes) -> bool:
    """Whether a file claims to be a disclosure, of whatever version."""
    return b'"wattseal-disclosure/' in data[:4096] or b'"wattseal-disclosure/' in data[-4096:]


def _read_answer(value: Any, where: str) -> Answer:
    fields = Fields(value, where, {"query", "answer"})
    text = fields.text("query", MOST_CHARACTERS)
    query = parse(text)
    if query.text != text:
        raise Malformed("disclosure-spelling", where)
    return Answer(query, fields.decimal("answer"))
