"""Meters' signatures, checked by OpenSSL: the protocol's own check is a Python one and slower."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from wattseal.chain import Chain
from wattseal.errors import Refused
from wattseal.record import check_signature_form

from wattseal_host.keys import openssl_key

_PREHASHED = ec.ECDSA(Prehashed(SHA256()))


def signed_by(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether 64 bytes r || s are a signature of a 32-byte digest under 33 bytes of public key."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        openssl_key(public).verify(encode_dss_signature(r, s), digest, _PREHASHED)
    except InvalidSignature:
        return False
    return True


class SignedChain(Chain):
    """A chain whose signatures are verified by OpenSSL."""

    def check_signature(self, signature: bytes) -> None:
        """As `Chain.check_signature`: Malformed `signature-*`, Refused `chain-signature`."""
        if not signed_by(self.public_key, self.previous, check_signature_form(signature)):
            raise Refused("chain-signature")
