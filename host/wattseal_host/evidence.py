"""Fork evidence, `wattseal-fork/1`: two records that one meter signed for one place.

The judgement itself is the protocol's (SPEC.md section 6); here is its file, and what the
verdict says to people who know neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wattseal.errors import Malformed, Refused
from wattseal.fork import check_fork
from wattseal.record import MAX_SEALED_BYTES, Record, decode_sealed, meter_id

from wattseal_host.encoding import from_base64url, malformed, to_base64url
from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.keys import PUBLIC_KEY_BYTES, fingerprint
from wattseal_host.strict_json import dumps, loads
from wattseal_host.trust import Trust

FORMAT = "wattseal-fork/1"
PROVEN = "fork-proven"
MAX_EVIDENCE_BYTES = 8 * 1024


@dataclass(frozen=True)
class Evidence:
    """key: the meter's, 33 bytes; first, second: sealed records, the smaller bytes first."""

    key: bytes
    first: bytes
    second: bytes

    @classmethod
    def of(cls, key: bytes, one: bytes, other: bytes) -> Evidence:
        """Evidence that holds, of two sealed records. Raises as `check_fork` does."""
        check_fork(one, other, key)
        return cls(key, *sorted((one, other)))

    @classmethod
    def read(cls, data: bytes) -> Evidence:
        """Parse a file; nothing is verified.

        Raises Unusable (`json-*`, `evidence-huge`) or Malformed (`json-*`, `field-*`, and
        `evidence-canonical` for another spelling of the same evidence).
        """
        if len(data) > MAX_EVIDENCE_BYTES:
            raise Unusable("evidence-huge", f"over {MAX_EVIDENCE_BYTES} bytes")
        fields = Fields(loads(data), "evidence", {"format", "key", "records"})
        fields.choice("format", (FORMAT,))
        key = fields.hexadecimal("key", PUBLIC_KEY_BYTES)
        first, second = fields.each("records", 2, _read_record, least=2)
        evidence = cls(key, first, second)
        if first > second or evidence.write() != data:
            raise Malformed("evidence-canonical")
        return evidence

    def write(self) -> bytes:
        """The file's bytes: canonical JSON and one line feed, one spelling for each pair."""
        value = {
            "format": FORMAT,
            "key": self.key.hex(),
            "records": [to_base64url(self.first), to_base64url(self.second)],
        }
        return dumps(value) + b"\n"

    @property
    def meter(self) -> bytes:
        return meter_id(self.key)

    @property
    def seq(self) -> int:
        """The place both records claim."""
        seq: int = decode_sealed(self.first).seq
        return seq


@dataclass
class ForkVerdict:
    """holds: whether the evidence proves what it claims; code: "fork-proven" or why not.

    meter: id, once the file could be read; key: fingerprint; records: both, if it holds.
    """

    holds: bool = False
    code: str = ""
    detail: str = ""
    meter: bytes | None = None
    key: str = ""
    records: tuple[Record, ...] = field(default=())


def is_evidence(data: bytes) -> bool:
    """Whether a file claims to be fork evidence, of whatever version and however spelled."""
    return len(data) <= MAX_EVIDENCE_BYTES and b'"wattseal-fork/' in data


def judge(data: bytes, trust: Trust) -> ForkVerdict:
    """Judge an evidence file. Raises Unusable if it is no file of the kind.

    Codes of a refusal: `json-*`, `field-*`, `key-point`, `evidence-canonical` (malformed);
    `untrusted-keys` (not a meter's key that `trust` names); `record-*`, `signature-*`, `fork-*`
    (the evidence is false).
    """
    verdict = ForkVerdict()
    try:
        evidence = Evidence.read(data)
        verdict.meter, verdict.key = evidence.meter, fingerprint(evidence.key)
        if evidence.key not in trust.meters:
            raise Refused("untrusted-keys", f"meter {verdict.key}")
        verdict.records = tuple(check_fork(evidence.first, evidence.second, evidence.key))
    except Unusable:
        raise
    except (Malformed, Refused) as error:
        verdict.code, verdict.detail = error.code, error.detail
        return verdict
    verdict.holds, verdict.code = True, PROVEN
    return verdict


def _read_record(value: Any, where: str) -> bytes:
    if type(value) is not str or len(value) > 2 * MAX_SEALED_BYTES:
        raise malformed(where)
    return from_base64url(value, where)
