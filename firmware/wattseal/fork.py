"""Fork evidence: two records of one meter for one place, both signed (SPEC.md section 6)."""

from wattseal.ecdsa import verify
from wattseal.errors import Refused
from wattseal.p256 import decode_point
from wattseal.record import decode_sealed, meter_id


def check_fork(first, second, public_key):
    """Return the two Records of a fork, from two sealed records and the meter's 33-byte key.

    Malformed as the decoders say; Refused `fork-meter` (a record is not of this meter),
    `fork-place` (not the same sequence number), `fork-same` (one body, not two) or
    `fork-signature` (one of the signatures is not this meter's).
    """
    point = decode_point(public_key)
    records = (decode_sealed(first), decode_sealed(second))
    for record in records:
        if record.meter != meter_id(public_key):
            raise Refused("fork-meter")
    if records[0].seq != records[1].seq:
        raise Refused("fork-place")
    if records[0].body == records[1].body:
        raise Refused("fork-same")
    for record in records:
        if not verify(point, record.digest, record.signature):
            raise Refused("fork-signature")
    return records
