"""Signed documents: interoperable, and with no second spelling of anything."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jws as jose
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.p256 import N
from wattseal_host import jws, keys
from wattseal_host.encoding import from_base64url, to_base64url
from wattseal_host.errors import Unusable
from wattseal_host.strict_json import dumps

KEY = keys.generate_key()
PUBLIC = keys.public_bytes(KEY)
KIND = jws.TARIFF


def token_of(header: bytes, payload: bytes) -> str:
    """A correctly signed token with any header and payload bytes, by OpenSSL."""
    signing_input = f"{to_base64url(header)}.{to_base64url(payload)}"
    der = KEY.get_op_key("sign").sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(der)
    return f"{signing_input}.{to_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def header(**changes: Any) -> bytes:
    return dumps({"alg": "ES256", "kid": keys.fingerprint(PUBLIC), "typ": KIND} | changes)


def test_a_document_reads_back_and_openssl_agrees() -> None:
    signed = jws.sign(KIND, {"a": [1, "é"]}, KEY)
    assert jws.check_signature(signed, [PUBLIC]) == PUBLIC
    assert signed.payload == {"a": [1, "é"]}
    signing_input, _, signature = signed.token.rpartition(".")
    raw = from_base64url(signature, "signature")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    keys.openssl_key(PUBLIC).verify(der, signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(signing_input.encode())
    assert signed.digest == digest.finalize()
    assert jose.deserialize_compact(signed.token, KEY, algorithms=["ES256"]).payload == dumps(
        signed.payload
    )


def test_every_changed_byte_is_refused() -> None:
    token = jws.sign(KIND, {"price": 1234}, KEY).token
    for at in range(len(token)):
        for other in {"A", "_", ".", "=", chr(ord(token[at]) ^ 1)} - {token[at]}:
            changed = token[:at] + other + token[at + 1 :]
            with pytest.raises((Malformed, Refused)):
                jws.check_signature(jws.parse(changed, KIND), [PUBLIC])


@pytest.mark.parametrize(
    ("head", "payload", "code"),
    [
        (header(alg="none"), b"{}", "jws-header"),
        (header(alg="HS256"), b"{}", "jws-header"),
        (header(typ=jws.CONTRACT), b"{}", "jws-header"),
        (header(crit=["exp"]), b"{}", "jws-header"),
        (header(kid=7), b"{}", "jws-header"),
        (header(jwk={"kty": "EC"}), b"{}", "jws-header"),
        (header()[:-1] + b" }", b"{}", "jws-header"),
        (b"[]", b"{}", "jws-header"),
        (header(), b"{ }", "jws-payload"),
        (header(), b'{"b":1,"a":1}', "jws-payload"),
        (header(), b'{"a":1.0}', "jws-payload"),
        (header(), b'{"a":1,"a":1}', "jws-payload"),
        (header(), b"\xff", "jws-payload"),
    ],
    ids=range(13),
)
def test_a_well_signed_token_in_another_form_is_refused(
    head: bytes, payload: bytes, code: str
) -> None:
    with pytest.raises(Malformed) as caught:
        jws.parse(token_of(head, payload), KIND)
    assert caught.value.code == code


@pytest.mark.parametrize("half", [0, N, 2**256 - 1])
def test_signature_halves_must_be_in_range(half: int) -> None:
    base, _, signature = jws.sign(KIND, {}, KEY).token.rpartition(".")
    raw = from_base64url(signature, "signature")
    for forged in (half.to_bytes(32, "big") + raw[32:], raw[:32] + half.to_bytes(32, "big")):
        with pytest.raises(Malformed, match="jws-signature"):
            jws.parse(f"{base}.{to_base64url(forged)}", KIND)


def test_another_key_is_untrusted_or_forged() -> None:
    signed = jws.sign(KIND, {}, KEY)
    other = keys.public_bytes(keys.generate_key())
    with pytest.raises(Refused, match="untrusted-keys"):
        jws.check_signature(signed, [other])
    stolen = jws.parse(token_of(header(kid=keys.fingerprint(other)), b"{}"), KIND)
    with pytest.raises(Refused, match="jws-forged"):
        jws.check_signature(stolen, [other])


def test_fingerprint_is_the_rfc_7638_thumbprint() -> None:
    assert keys.fingerprint(PUBLIC) == KEY.thumbprint()
    assert len(base64.urlsafe_b64decode(keys.fingerprint(PUBLIC) + "=")) == 32


def test_key_files_are_for_their_owner_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "provider.key"
    keys.save_key(path, KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.public_bytes(keys.load_key(path)) == PUBLIC
    with pytest.raises(Misuse, match="key-exists"):
        keys.save_key(path, KEY)
    path.chmod(0o644)
    with pytest.raises(Misuse, match="secret-exposed"):
        keys.load_key(path)
    path.chmod(0o600)
    path.write_bytes(b"no key")
    with pytest.raises(Unusable, match="key-file"):
        keys.load_key(path)
