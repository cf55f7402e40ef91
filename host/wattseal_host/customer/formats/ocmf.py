"""A certified sum as OCMF, the Open Charge Metering Format (FORMATS.md 16.3).

The signature is that of whoever holds the key given here, never the meter's: it says that this
software verified the disclosure named by its digest. What proves the sum is the disclosure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey
from wattseal.errors import Misuse, Refused
from wattseal.record import decode_body

from wattseal_host.disclosure.check import Certificate, check
from wattseal_host.disclosure.document import Answer
from wattseal_host.keys import fingerprint, public_bytes
from wattseal_host.trust import Trust

VERSION = "1.0"
REGISTER = {"import": "01-00:B2.08.00*FF", "export": "01-00:C2.08.00*FF"}
ALGORITHM = "ECDSA-secp256r1-SHA256"
_MOST_TEXT = 4096


@dataclass(frozen=True)
class Signed:
    """text: the OCMF line; key: the verifier's, DER in hexadecimal; value: kilowatt-hours."""

    text: str
    key: str
    value: Decimal
    from_s: int
    to_s: int


def to_ocmf(data: bytes, trust: Trust, query: str, key: ECKey) -> Signed:
    """Sign one answer of a disclosure's file, after verifying it.

    query: its text; it must be the sum of one channel over one time, `sum(import)` or
    `sum(import[…])`. Raises Refused with the code for which the disclosure does not hold,
    `format-unit` (no energy); Misuse `ocmf-query` (not asked, or no such sum).
    """
    certificate = check(data, trust)
    if not certificate.holds:
        raise Refused(certificate.code, certificate.detail)
    said, enrolment = certificate.disclosure, certificate.enrolment
    assert said is not None and enrolment is not None
    if enrolment.unit.name != "Wh":
        raise Refused("format-unit", f"OCMF has no {enrolment.unit.name}")
    answer, channel, from_s, to_s = _sum(certificate, query)
    value = Decimal(answer.value).scaleb(enrolment.unit.exponent - 3)
    common = {"RI": REGISTER[channel], "RU": "kWh", "RT": "AC", "EF": "", "ST": "G"}
    begin = _reading({"TM": _time(from_s), "TX": "B", **common}, Decimal(0))
    end = _reading({"TM": _time(to_s), "TX": "E", **common}, value)
    head = {
        "FV": VERSION,
        "GI": "wattseal customer",
        "GS": fingerprint(public_bytes(key)),
        # Records of one meter are numbered for ever, so no two periods share a number.
        "PG": f"T{decode_body(said.bodies[-1]).seq}",
        "MV": "wattseal",
        "MM": "sealed readings",
        "MS": enrolment.meter.hex(),
        "IS": False,
        "IL": "NONE",
        "IF": [],
        "IT": "NONE",
        "ID": "",
        "WD": hashlib.sha256(data).hexdigest(),
        "WK": enrolment.key.hex(),
        "WQ": answer.query.text,
        "WR": said.recipient,
        "WP": said.purpose,
    }
    payload = f'{_json(head)[:-1]},"RD":[{begin},{end}]}}'
    private = key.get_op_key("sign")
    signature: bytes = private.sign(payload.encode("ascii"), ec.ECDSA(SHA256()))
    tail = _json({"SA": ALGORITHM, "SE": "hex", "SM": "application/x-der", "SD": signature.hex()})
    public = key.get_op_key("verify")
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Signed(f"OCMF|{payload}|{tail}", der.hex(), value, from_s, to_s)


def _sum(certificate: Certificate, text: str) -> tuple[Answer, str, int, int]:
    said = certificate.disclosure
    assert said is not None
    wanted = " ".join(text.split()[:_MOST_TEXT])
    found = [one for one in said.answers if one.query.text == wanted]
    if not found:
        asked = ", ".join(one.query.text for one in said.answers[:5])
        raise Misuse("ocmf-query", f"the disclosure answers {asked}")
    query = found[0].query
    terms = query.left.terms
    if (
        query.comparison
        or query.left.constant
        or [(factor, function.name) for factor, function in terms] != [(1, "sum")]
    ):
        raise Misuse("ocmf-query", f"{wanted} is not the sum of one channel over one time")
    channel, from_s, to_s = terms[0][1].window
    begin_s = certificate.from_s if from_s is None else from_s
    return found[0], channel, begin_s, certificate.to_s if to_s is None else to_s


def _reading(what: dict[str, str], value: Decimal) -> str:
    """With the value as a number of all its digits, which no float would keep."""
    return f'{_json(what)[:-1]},"RV":{value:f}}}'


def _json(value: object) -> str:
    # "|" parts the format's sections, and a recipient's name may hold one.
    return json.dumps(value, separators=(",", ":")).replace("|", "\\u007c")


def _time(at_s: int) -> str:
    """UTC; "I": set by signed orders, but certified by nobody."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S,000+0000 I")
