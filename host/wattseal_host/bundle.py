"""The bundle: one self-contained JSON file from which anybody can check a bill, off line.

Field values have one spelling each, so a bundle with any one byte of any field changed is
another bundle, and refused. White space and the order of fields are free, as JSON has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattseal.ecdsa import SIGNATURE_BYTES
from wattseal.errors import Malformed
from wattseal.record import MAX_BODY_BYTES

from wattseal_host import proven_bill
from wattseal_host.encoding import all_from_base64url, malformed, to_base64url
from wattseal_host.engine import HINT_BYTES
from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.jws import MAX_CHARACTERS
from wattseal_host.linear import LinearProof
from wattseal_host.proven_bill import CircuitProof
from wattseal_host.statement import MAX_TARIFFS, Statement
from wattseal_host.strict_json import dumps, loads, loads_shape

FORMAT = "wattseal-bundle/1"
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
MAX_RECORDS = 200_000
_NAMES = {
    "format", "enrolment", "contract", "tariffs", "statement", "proof", "records", "hints",
    "signature",
}  # fmt: skip
_TELLTALE = {"statement", "proof", "records"}


@dataclass(frozen=True)
class Bundle:
    """enrolment, contract, tariffs: compact JWS, not yet looked into; bodies: of the records,
    oldest first; hints: y of every commitment, 32 bytes each, in the records' order; signature:
    the meter's on the last record (64 bytes)."""

    enrolment: str
    contract: str
    tariffs: tuple[str, ...]
    statement: Statement
    proof: LinearProof | CircuitProof
    bodies: tuple[bytes, ...]
    hints: bytes
    signature: bytes

    @classmethod
    def read(cls, data: bytes) -> Bundle:
        """Parse a bundle's bytes; nothing is verified.

        Raises Unusable when this is no bundle at all (`json-*`, `not-a-bundle`), Malformed when
        it is one with a field that is not as it must be.
        """
        return cls.of(load(data))

    @classmethod
    def of(cls, value: Any) -> Bundle:
        """The same from parsed JSON. Malformed `field-*`."""
        fields = Fields(value, "bundle", _NAMES)
        fields.choice("format", (FORMAT,))
        signature = read_signature(fields)
        return cls(
            fields.text("enrolment", MAX_CHARACTERS),
            fields.text("contract", MAX_CHARACTERS),
            tuple(fields.each("tariffs", MAX_TARIFFS, read_token, least=1)),
            Statement.read(fields.raw("statement"), fields.where("statement")),
            read_proof(fields.raw("proof"), fields.where("proof")),
            read_bodies(fields.items("records", MAX_RECORDS, 1), fields.where("records")),
            fields.base64url("hints", MAX_BUNDLE_BYTES),
            signature,
        )

    def write(self) -> bytes:
        """The canonical bytes: no white space, so that no byte of the file is free."""
        return dumps(
            {
                "format": FORMAT,
                "enrolment": self.enrolment,
                "contract": self.contract,
                "tariffs": list(self.tariffs),
                "statement": self.statement.write(),
                "proof": self.proof.write(),
                "records": [to_base64url(body) for body in self.bodies],
                "hints": to_base64url(self.hints),
                "signature": to_base64url(self.signature),
            }
        )


def split_hints(hints: bytes, count: int) -> Sequence[bytes]:
    """`count` hints of 32 bytes; Malformed `hints-length` unless they are exactly that many."""
    if len(hints) != HINT_BYTES * count:
        raise Malformed("hints-length")
    return [hints[at : at + HINT_BYTES] for at in range(0, len(hints), HINT_BYTES)]


def load(data: bytes) -> dict[str, Any]:
    """The JSON of a bundle of any version. Raises Unusable, Malformed as `Bundle.read`."""
    try:
        value = loads(data, MAX_BUNDLE_BYTES)
    except Unusable:
        raise
    except Malformed:
        # Outside our subset of JSON: a bundle with a damaged number, or something else?
        _check_shape(loads_shape(data))
        raise
    return _check_shape(value)


def _check_shape(value: Any) -> dict[str, Any]:
    if type(value) is not dict or not _TELLTALE & value.keys():
        raise Unusable("not-a-bundle")
    return value


def read_signature(fields: Fields) -> bytes:
    """The 64 bytes of the field `signature`."""
    signature = fields.base64url("signature", 2 * SIGNATURE_BYTES)
    if len(signature) != SIGNATURE_BYTES:
        raise malformed(fields.where("signature"))
    return signature


def read_proof(value: Any, where: str) -> LinearProof | CircuitProof:
    """A proof of either type. Malformed `field-*`."""
    if type(value) is dict and value.get("type") == proven_bill.TYPE:
        return CircuitProof.read(value, where)
    return LinearProof.read(value, where)


def read_token(value: Any, where: str) -> str:
    """A string; as compact JWS it is looked into later."""
    if type(value) is not str:
        raise malformed(where)
    return value


def read_bodies(values: list[Any], where: str) -> tuple[bytes, ...]:
    """Bodies of records from base64url each; Malformed `field-malformed`."""
    for i, value in enumerate(values):
        if type(value) is not str or len(value) > 2 * MAX_BODY_BYTES:
            raise malformed(f"{where}[{i}]")
    return tuple(all_from_base64url(values, where))
