"""What a verifier trusts, named by itself and from outside the bundle: `wattseal-trust/1`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wattseal.errors import Malformed
from wattseal.record import meter_id

from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.files import read_bounded
from wattseal_host.keys import PUBLIC_KEY_BYTES, fingerprint, openssl_key
from wattseal_host.strict_json import dumps, loads

FORMAT = "wattseal-trust/1"
MAX_TRUST_BYTES = 16 * 1024 * 1024
MAX_KEYS = 100_000


@dataclass(frozen=True)
class Trust:
    """Public keys, 33 compressed bytes each: of providers, and of meters.

    Both are needed: a provider's word alone does not make a key a meter's, since it is the
    provider's claims that a bundle is to be checked against. bound: meter's key -> its
    provider's; with several providers only bound meters are anybody's.
    """

    providers: tuple[bytes, ...] = ()
    meters: tuple[bytes, ...] = ()
    bound: Mapping[bytes, bytes] = field(default_factory=dict)

    def provider_of(self, meter: bytes) -> bytes | None:
        """The key of the provider that may bill a meter (its key); None: nobody."""
        if meter not in self.meters:
            return None
        only = self.providers[0] if len(self.providers) == 1 else None
        return self.bound.get(meter, only)

    @classmethod
    def read(cls, data: bytes) -> Trust:
        """Parse a trust file. Raises Unusable `trust-malformed` whatever is wrong with it."""
        try:
            fields = Fields(loads(data), "trust", {"format", "providers", "meters"})
            fields.choice("format", (FORMAT,))
            providers = tuple(fields.each("providers", MAX_KEYS, _read_provider))
            named = {fingerprint(key): key for key in providers}
            meters = fields.each("meters", MAX_KEYS, lambda v, at: _read_meter(v, at, named))
            bound = {key: provider for key, provider in meters if provider is not None}
            return cls(providers, tuple(key for key, _ in meters), bound)
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
            "meters": [self._write_meter(key) for key in self.meters],
        }
        return dumps(value) + b"\n"

    def _write_meter(self, key: bytes) -> dict[str, str]:
        value = {"meter": meter_id(key).hex(), "key": key.hex()}
        provider = self.bound.get(key)
        return value if provider is None else {**value, "provider": fingerprint(provider)}


def _read_provider(value: Any, where: str) -> bytes:
    return _read_key(Fields(value, where, {"key"}))


def _read_meter(value: Any, where: str, named: Mapping[str, bytes]) -> tuple[bytes, bytes | None]:
    fields = Fields(value, where, {"meter", "key"}, {"provider"})
    key = _read_key(fields)
    if fields.raw("meter") != meter_id(key).hex():
        raise Malformed("meter-id", where)
    if not fields.has("provider"):
        return key, None
    return key, named[fields.choice("provider", tuple(named))]


def _read_key(fields: Fields) -> bytes:
    key = fields.hexadecimal("key", PUBLIC_KEY_BYTES)
    openssl_key(key)
    return key
