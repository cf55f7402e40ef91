"""Verification of sealed records as they arrive, one after another."""

from __future__ import annotations

from typing import NamedTuple

from wattseal.chain import Chain
from wattseal.ecdsa import SIGNATURE_BYTES
from wattseal.errors import Refused
from wattseal.record import Record, decode_sealed

from wattseal_host.signatures import signed_by
from wattseal_host.stretch import hints_of


class Taken(NamedTuple):
    """A record that was verified: its bytes, its digest and what `hints_of` gives for it."""

    sealed: bytes
    record: Record
    digest: bytes
    hints: bytes


class Arrival:
    """Takes records that must follow `chain` one by one.

    Every record's own signature is checked (by OpenSSL), since any record may come to be the
    last of somebody's bill; and every commitment is decompressed, since a bill that meets a
    point off the curve months later would help nobody.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def take(self, data: bytes) -> Taken:
        """Verify the next sealed record.

        Raises Malformed `record-*`, `signature-*`, `point-*` or Refused `chain-*`; then the
        chain may have moved on, and the arrival is over.
        """
        record = decode_sealed(data)
        digest = record.digest
        hints = hints_of(record)
        self._chain.append(record, digest)
        if not signed_by(self._chain.public_key, digest, data[-SIGNATURE_BYTES:]):
            raise Refused("chain-signature", f"record {record.seq}")
        return Taken(data, record, digest, hints)
