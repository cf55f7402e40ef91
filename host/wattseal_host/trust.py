"""What a verifier trusts, named by itself and from outside the bundle: `wattseal-trust/1`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from wattseal.errors import Malformed
from wattseal.record import meter_id

from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.files import read_bounded
from wattseal_host.keys import PUBLIC_KEY_BYTES, openssl_key
from wattseal_host.strict_json import dumps, loads

FORMAT = "wattseal-trust/1"
MAX_TRUST_BYTES = 16 * 1024 * 1024
MAX_KEYS = 100_000


@dataclass(frozen=True)
class Trust:
    """Public keys, 33 compressed bytes each: of providers, and of meters.

    Both are needed: a provider's word alone does not make a key a meter's, since it is the
    provider's claims that a bundle is to be checked against.
    """

    providers: tuple[bytes, ...] = ()
    meters: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, data: bytes) -> Trust:
        """Parse a trust file. Raises Unusable `trust-malformed` whatever is wrong with it."""
        try:
            fields = Fields(loads(data), "trust", {"format", "providers", "meters"})
            fields.choice("format", (FORMAT,))
            return cls(
                tuple(fields.each("providers", MAX_KEYS, _read_provider)),
                tuple(fields.each("meters", MAX_KEYS, _read_meter)),
            )
        except Malformed as error:
            raise Unusable("trust-malformed", str(error)) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trust:
        return cls.read(read_bounded(path, MAX_TRUST_BYTES))

    def write(self) -> bytes:
        """The file's bytes; `Trust.read` of them gives an equal value."""
        value: dict[str, Any] = {
            "format": FORMAT,
            "providers": [{"key": key.hex()} for key in self.providers],
            "meters": [{"meter": meter_id(key).hex(), "key": key.hex()} for key in self.meters],
        }
        return dumps(value) + b"\n"


def _read_provider(value: Any, where: str) -> bytes:
    return _read_key(Fields(value, where, {"key"}))


def _read_meter(value: Any, where: str) -> bytes:
    fields = Fields(value, where, {"meter", "key"})
    key = _read_key(fields)
    if fields.raw("meter") != meter_id(key).hex():
        raise Malformed("meter-id", where)
    return key


def _read_key(fields: Fields) -> bytes:
    key = fields.hexadecimal("key", PUBLIC_KEY_BYTES)
    openssl_key(key)
    return key
