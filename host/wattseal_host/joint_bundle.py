"""The bundle of a bill over several meters, `wattseal-bundle/2`; and either version from its bytes.

It says of each meter what a bundle of version 1 says of its one, and holds the documents by which
one meter came in the place of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wattseal_host import bundle as first
from wattseal_host.bundle import Bundle
from wattseal_host.encoding import to_base64url
from wattseal_host.fields import Fields
from wattseal_host.jws import MAX_CHARACTERS
from wattseal_host.linear import LinearProof
from wattseal_host.proven_bill import CircuitProof
from wattseal_host.statement import MAX_METERS, MAX_TARIFFS, JointStatement
from wattseal_host.strict_json import dumps

FORMAT = "wattseal-bundle/2"
_NAMES = {"format", "tariffs", "replacements", "stretches", "statement", "proof"}
_STRETCH_NAMES = {"enrolment", "contract", "records", "hints", "signature"}


@dataclass(frozen=True)
class MeterRecords:
    """One meter's part: as the fields of a `Bundle`."""

    enrolment: str
    contract: str
    bodies: tuple[bytes, ...]
    hints: bytes
    signature: bytes

    @classmethod
    def read(cls, value: Any, where: str) -> MeterRecords:
        fields = Fields(value, where, _STRETCH_NAMES)
        return cls(
            fields.text("enrolment", MAX_CHARACTERS),
            fields.text("contract", MAX_CHARACTERS),
            first.read_bodies(fields.items("records", first.MAX_RECORDS, 1), f"{where}.records"),
            fields.base64url("hints", first.MAX_BUNDLE_BYTES),
            first.read_signature(fields),
        )

    def write(self) -> dict[str, Any]:
        return {
            "enrolment": self.enrolment,
            "contract": self.contract,
            "records": [to_base64url(body) for body in self.bodies],
            "hints": to_base64url(self.hints),
            "signature": to_base64url(self.signature),
        }


@dataclass(frozen=True)
class JointBundle:
    """stretches: of the meters, in order of time; replacements: compact JWS, one between two."""

    tariffs: tuple[str, ...]
    replacements: tuple[str, ...]
    stretches: tuple[MeterRecords, ...]
    statement: JointStatement
    proof: LinearProof | CircuitProof

    @classmethod
    def of(cls, value: Any) -> JointBundle:
        """From parsed JSON; nothing is verified. Malformed `field-*`."""
        fields = Fields(value, "bundle", _NAMES)
        return cls(
            tuple(fields.each("tariffs", MAX_TARIFFS, first.read_token, least=1)),
            tuple(fields.each("replacements", MAX_METERS, first.read_token, least=1)),
            tuple(fields.each("stretches", MAX_METERS, MeterRecords.read, least=2)),
            JointStatement.read(fields.raw("statement"), fields.where("statement")),
            first.read_proof(fields.raw("proof"), fields.where("proof")),
        )

    def write(self) -> bytes:
        """The canonical bytes, as of a `Bundle`."""
        return dumps(
            {
                "format": FORMAT,
                "tariffs": list(self.tariffs),
                "replacements": list(self.replacements),
                "stretches": [one.write() for one in self.stretches],
                "statement": self.statement.write(),
                "proof": self.proof.write(),
            }
        )


AnyBundle = Bundle | JointBundle


def read_any(data: bytes) -> AnyBundle:
    """A bundle of either version. Raises as `Bundle.read`."""
    value = first.load(data)
    if value.get("format") == FORMAT:
        return JointBundle.of(value)
    return Bundle.of(value)
