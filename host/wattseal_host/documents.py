"""Enrolment and contract: the two documents a provider signs about one customer's meter.

The third signed document, the tariff, is public and has a package of its own (`tariff`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Refused
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES, Record, meter_id

from wattseal_host import jws
from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.keys import PUBLIC_KEY_BYTES
from wattseal_host.units import CHANNELS, SEALED_UNIT, Unit

MAX_INTERVAL_S = 86400
MAX_TARIFFS = 1000


@dataclass(frozen=True)
class Enrolment:
    """What the provider vouches for: this key is the device key of this meter of ours.

    meter: 16 bytes, derived from key; key: 33 bytes; unit: of every reading; interval_s:
    length of a regular record; channels: what is measured, import first.
    """

    meter: bytes
    key: bytes
    unit: Unit
    interval_s: int
    channels: tuple[str, ...]

    @classmethod
    def read(cls, payload: Any) -> Enrolment:
        """Raises Malformed `field-*`, and `meter-id` when the id is not the key's."""
        names = {"meter", "key", "unit", "interval_s", "channels"}
        fields = Fields(payload, "enrolment", names)
        result = cls(
            fields.hexadecimal("meter", METER_ID_BYTES),
            fields.hexadecimal("key", PUBLIC_KEY_BYTES),
            Unit.read(fields.raw("unit"), fields.where("unit")),
            fields.integer("interval_s", 1, MAX_INTERVAL_S),
            tuple(fields.items("channels", 2, 1)),
        )
        if result.channels not in (CHANNELS[:1], CHANNELS):
            raise malformed(fields.where("channels"))
        if result.meter != meter_id(result.key):
            raise Malformed("meter-id", result.meter.hex())
        return result

    def write(self) -> dict[str, Any]:
        return {
            "meter": self.meter.hex(),
            "key": self.key.hex(),
            "unit": self.unit.write(),
            "interval_s": self.interval_s,
            "channels": list(self.channels),
        }

    def sign(self, key: ECKey) -> jws.Signed:
        Enrolment.read(self.write())
        return jws.sign(jws.ENROLMENT, self.write(), key)

    @property
    def channel_set(self) -> int:
        """The record's channel bits: 1 import, 3 import and export."""
        return (1 << len(self.channels)) - 1

    def is_as_sealed(self, record: Record) -> bool:
        """Whether unit and channels are a sealed record's: what is not signed is compared with it.
        A record has no name of a unit; where nobody vouches for another, it is the watt-hour."""
        return (
            self.unit == Unit(SEALED_UNIT, record.exponent)
            and self.channel_set == record.channel_set
        )


@dataclass(frozen=True)
class Agreed:
    """One tariff of a contract and the time it holds: from_s <= t < to_s, UTC seconds."""

    digest: bytes
    from_s: int
    to_s: int


@dataclass(frozen=True)
class Contract:
    """Binds a meter to tariffs over time. Names the customer by the meter only."""

    number: str
    meter: bytes
    tariffs: tuple[Agreed, ...]

    @classmethod
    def read(cls, payload: Any) -> Contract:
        """Raises Malformed `field-*`; the tariffs' times ascend and never overlap."""
        fields = Fields(payload, "contract", {"number", "meter", "tariffs"})
        tariffs = fields.each("tariffs", MAX_TARIFFS, _read_agreed, least=1)
        for before, after in pairwise(tariffs):
            if before.to_s > after.from_s:
                raise malformed(fields.where("tariffs"))
        meter = fields.hexadecimal("meter", METER_ID_BYTES)
        return cls(fields.text("number", 80), meter, tuple(tariffs))

    def write(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "meter": self.meter.hex(),
            "tariffs": [
                {"digest": t.digest.hex(), "from_s": t.from_s, "to_s": t.to_s} for t in self.tariffs
            ],
        }

    def sign(self, key: ECKey) -> jws.Signed:
        Contract.read(self.write())
        return jws.sign(jws.CONTRACT, self.write(), key)

    def tariffs_for(self, from_s: int, to_s: int) -> list[Agreed]:
        """What the period from_s..to_s is billed by: tariffs with the part of it each holds for,
        which together are all of it; one but where the tariff changes. Refused `contract-period`.
        """
        found: list[Agreed] = []
        at_s = from_s
        for agreed in self.tariffs:
            if at_s < to_s and agreed.from_s <= at_s < agreed.to_s:
                end_s = min(agreed.to_s, to_s)
                if found and found[-1].digest == agreed.digest:
                    found[-1] = replace(found[-1], to_s=end_s)
                else:
                    found.append(Agreed(agreed.digest, at_s, end_s))
                at_s = end_s
        if at_s != to_s or not found:
            raise Refused("contract-period", f"no agreed tariffs cover {from_s}..{to_s}")
        return found


def _read_agreed(value: Any, where: str) -> Agreed:
    fields = Fields(value, where, {"digest", "from_s", "to_s"})
    digest = fields.hexadecimal("digest", DIGEST_BYTES)
    agreed = Agreed(digest, fields.time_s("from_s"), fields.time_s("to_s"))
    if agreed.from_s >= agreed.to_s:
        raise malformed(where)
    return agreed


def open_enrolment(token: str, trusted: Iterable[bytes]) -> tuple[Enrolment, jws.Signed]:
    """Parse and verify a provider-signed enrolment under the `trusted` provider keys."""
    signed = jws.parse(token, jws.ENROLMENT)
    jws.check_signature(signed, trusted)
    return Enrolment.read(signed.payload), signed


def open_contract(token: str, trusted: Iterable[bytes]) -> tuple[Contract, jws.Signed]:
    """Parse and verify a provider-signed contract under the `trusted` provider keys."""
    signed = jws.parse(token, jws.CONTRACT)
    jws.check_signature(signed, trusted)
    return Contract.read(signed.payload), signed
