"""Verification of sealed records as they arrive, one after another."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from wattseal.chain import Chain
from wattseal.errors import Refused
from wattseal.record import Record, decode_sealed

from wattseal_host.keys import openssl_key
from wattseal_host.stretch import hints_of

_PREHASHED = ec.ECDSA(Prehashed(SHA256()))


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
        self._key = openssl_key(chain.public_key)

    def take(self, data: bytes) -> Taken:
        """Verify the next sealed record.

        Raises Malformed `record-*`, `signature-*`, `point-*` or Refused `chain-*`; then the
        chain may have moved on, and the arrival is over.
        """
        record = decode_sealed(data)
        digest = record.digest
        hints = hints_of(record)
        self._chain.append(record, digest)
        r, s = (int.from_bytes(half, "big") for half in (data[-64:-32], data[-32:]))
        try:
            self._key.verify(encode_dss_signature(r, s), digest, _PREHASHED)
        except InvalidSignature as error:
            raise Refused("chain-signature", f"record {record.seq}") from error
        return Taken(data, record, digest, hints)
