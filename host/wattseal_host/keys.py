"""P-256 signing keys of the host's parties, as PKCS #8 PEM files of mode 0600.

A public key travels as its 33 compressed bytes everywhere; its fingerprint is the RFC 7638
thumbprint, which is also the `kid` of what the key signs. (The meter's device key is the
firmware's own business and never reaches the host.)
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Misuse

from wattseal_host.encoding import to_base64url
from wattseal_host.errors import Unusable
from wattseal_host.files import read_secret, write_secret
from wattseal_host.strict_json import dumps

PUBLIC_KEY_BYTES = 33


def generate_key() -> ECKey:
    """A fresh P-256 key from the operating system's random source."""
    return ECKey.generate_key("P-256")


def save_key(path: str | os.PathLike[str], key: ECKey) -> None:
    """Write the private key, mode 0600, atomically; never over an existing file."""
    if os.path.exists(path):
        raise Misuse("key-exists", os.fspath(path))
    write_secret(path, key.as_pem(private=True))


def load_key(path: str | os.PathLike[str]) -> ECKey:
    """A private P-256 key. Raises Unusable `key-file`, Misuse `secret-exposed`."""
    try:
        key = ECKey.import_key(read_secret(path))
    except (ValueError, TypeError, JoseError) as error:
        raise Unusable("key-file", f"{path} holds no PEM key") from error
    if not key.is_private or key.curve_name != "P-256":
        raise Unusable("key-file", f"{path} holds no private P-256 key")
    return key


def public_bytes(key: ECKey) -> bytes:
    """The 33 compressed bytes of a key's public half."""
    point = key.get_op_key("verify")
    return bytes(point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def secret_scalar(key: ECKey) -> int:
    """A private key as the protocol package takes it."""
    return int(key.get_op_key("sign").private_numbers().private_value)


def sign_digest(key: ECKey, digest: bytes) -> bytes:
    """r || s, 64 bytes, over a digest of 32 bytes that is the whole message to sign."""
    private: Any = key.get_op_key("sign")
    r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@lru_cache(maxsize=256)
def openssl_key(public: bytes) -> ec.EllipticCurvePublicKey:
    """OpenSSL's form of 33 compressed bytes. Raises Malformed `key-point`."""
    if len(public) != PUBLIC_KEY_BYTES or public[0] not in (2, 3):
        raise Malformed("key-point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    except ValueError as error:
        raise Malformed("key-point") from error


@lru_cache(maxsize=256)
def jose_key(public: bytes) -> ECKey:
    """joserfc's form of 33 compressed bytes. Raises Malformed `key-point`."""
    return ECKey.import_key(openssl_key(public))


@lru_cache(maxsize=256)
def fingerprint(public: bytes) -> str:
    """RFC 7638 thumbprint (43 characters) of 33 compressed bytes."""
    numbers = openssl_key(public).public_numbers()
    jwk = {
        "crv": "P-256",
        "kty": "EC",
        "x": to_base64url(numbers.x.to_bytes(32, "big")),
        "y": to_base64url(numbers.y.to_bytes(32, "big")),
    }
    return to_base64url(hashlib.sha256(dumps(jwk)).digest())
