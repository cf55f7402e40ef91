"""Signed documents: compact JWS (RFC 7515) with ES256, one byte string per document.

Stricter than the RFC: base64url without spare bits, the protected header is exactly
{"alg":"ES256","kid":thumbprint,"typ":kind} in canonical JSON, the payload is canonical JSON,
and both halves of the signature lie in 1..n-1. So a signed document cannot be respelled; of
its signature only s -> n - s is possible, which changes far more than one byte and is why a
document's digest is taken over the signing input and not over the signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Refused
from wattseal.p256 import N

from wattseal_host.encoding import from_base64url
from wattseal_host.keys import fingerprint, jose_key, public_bytes
from wattseal_host.strict_json import dumps, loads

ENROLMENT = "wattseal-enrolment/1"
TARIFF = "wattseal-tariff/1"
CONTRACT = "wattseal-contract/1"
REPLACEMENT = "wattseal-replacement/1"
REPLACEMENT_LATER = "wattseal-replacement/2"

MAX_CHARACTERS = 8 * 1024 * 1024
SIGNATURE_BYTES = 64


class _Registry(jws.JWSRegistry):
    """ES256 and nothing else, for documents as long as `MAX_CHARACTERS` lets them be."""

    max_payload_length = MAX_CHARACTERS


_REGISTRY = _Registry(algorithms=["ES256"])


@dataclass(frozen=True)
class Signed:
    """A parsed document. Nothing in it is to be believed before `check_signature`.

    digest: SHA-256 of the JWS signing input (32 bytes); kid: the claimed signer.
    """

    token: str
    kind: str
    kid: str
    payload: Any
    digest: bytes


def sign(kind: str, payload: dict[str, Any], key: ECKey) -> Signed:
    """Sign `payload` (canonical JSON values only) as a document of `kind`."""
    header = {"alg": "ES256", "kid": fingerprint(public_bytes(key)), "typ": kind}
    token = jws.serialize_compact(header, dumps(payload), key, registry=_REGISTRY)
    return parse(token, kind)


def parse(token: str, kind: str) -> Signed:
    """Take a compact JWS apart without trusting it.

    Raises Malformed: `jws-form` (not three canonical parts), `jws-header` (not exactly ours,
    or a document of another kind), `jws-payload` (not canonical JSON), `jws-signature`
    (length or range of r, s).
    """
    if len(token) > MAX_CHARACTERS or token.count(".") != 2:
        raise Malformed("jws-form", kind)
    header_part, payload_part, signature_part = token.split(".")
    try:
        header = from_base64url(header_part, "header")
        payload = from_base64url(payload_part, "payload")
        signature = from_base64url(signature_part, "signature")
    except Malformed as error:
        raise Malformed("jws-form", f"{kind}: {error.detail}") from error
    kid = _kid_of(header, kind)
    value = _canonical(payload, kind)
    if len(signature) != SIGNATURE_BYTES or not (
        0 < int.from_bytes(signature[:32], "big") < N
        and 0 < int.from_bytes(signature[32:], "big") < N
    ):
        raise Malformed("jws-signature", kind)
    digest = hashlib.sha256(f"{header_part}.{payload_part}".encode("ascii")).digest()
    return Signed(token, kind, kid, value, digest)


def check_signature(document: Signed, trusted: Iterable[bytes]) -> bytes:
    """Verify under that one of the `trusted` public keys (33 bytes) which `kid` names.

    Returns the key. Raises Refused `untrusted-keys` (detail: the fingerprint wanted) or
    `jws-forged`.
    """
    for public in trusted:
        if fingerprint(public) == document.kid:
            break
    else:
        raise Refused("untrusted-keys", f"{document.kind} is signed by {document.kid}")
    try:
        jws.deserialize_compact(document.token, jose_key(public), registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise Refused("jws-forged", document.kind) from error
    return public


def _kid_of(header: bytes, kind: str) -> str:
    try:
        fields = loads(header, max_bytes=1000, max_depth=2)
        kid = fields["kid"]
        expected = dumps({"alg": "ES256", "kid": kid, "typ": kind})
    except (Malformed, KeyError, TypeError) as error:
        raise Malformed("jws-header", kind) from error
    if type(kid) is not str or len(kid) != 43 or header != expected:
        raise Malformed("jws-header", kind)
    return kid


def _canonical(payload: bytes, kind: str) -> Any:
    try:
        value = loads(payload)
    except Malformed as error:
        raise Malformed("jws-payload", f"{kind}: {error.code}") from error
    if dumps(value) != payload:
        raise Malformed("jws-payload", f"{kind}: not canonical")
    return value
