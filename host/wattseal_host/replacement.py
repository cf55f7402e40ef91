"""Replacement of a meter: the provider's signed link from a closed chain to the next meter's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Refused
from wattseal.record import CLOSED, DIGEST_BYTES, METER_ID_BYTES, Record

from wattseal_host import jws
from wattseal_host.fields import Fields


@dataclass(frozen=True)
class Replacement:
    """meter, successor: ids; last: digest of the meter's CLOSED event; at_s: its time, UTC."""

    meter: bytes
    successor: bytes
    last: bytes
    at_s: int

    @classmethod
    def read(cls, payload: Any) -> Replacement:
        """Raises Malformed `field-*`, and `replacement-self` for a meter that replaces itself."""
        fields = Fields(payload, "replacement", {"meter", "successor", "last", "at_s"})
        result = cls(
            fields.hexadecimal("meter", METER_ID_BYTES),
            fields.hexadecimal("successor", METER_ID_BYTES),
            fields.hexadecimal("last", DIGEST_BYTES),
            fields.time_s("at_s"),
        )
        if result.meter == result.successor:
            raise Malformed("replacement-self", result.meter.hex())
        return result

    @classmethod
    def of(cls, last: Record, successor: bytes) -> Replacement:
        """Of the last record of a closed chain. Raises Refused `meter-open` for any other."""
        if last.event != CLOSED:
            raise Refused("meter-open", f"record {last.seq} does not close the chain")
        return cls(last.meter, successor, last.digest, last.start_s)

    def write(self) -> dict[str, Any]:
        return {
            "meter": self.meter.hex(),
            "successor": self.successor.hex(),
            "last": self.last.hex(),
            "at_s": self.at_s,
        }

    def sign(self, key: ECKey) -> jws.Signed:
        Replacement.read(self.write())
        return jws.sign(jws.REPLACEMENT, self.write(), key)

    def check(self, last: Record, first: Record) -> None:
        """Refuse unless the one chain ends and the other begins as this says.

        last: the newest record of the replaced meter, first: the successor's ORIGIN, both
        verified. Raises Refused `meter-open`, `replacement-meter`, `replacement-last` or
        `replacement-time` (the successor began before the end).
        """
        if first.meter != self.successor or first.seq != 0:
            raise Refused("replacement-meter", first.meter.hex())
        if Replacement.of(last, self.successor) != self:
            raise Refused("replacement-last", last.meter.hex())
        if first.start_s < self.at_s:
            raise Refused("replacement-time", f"{first.start_s} is before {self.at_s}")


def open_replacement(token: str, trusted: Iterable[bytes]) -> jws.Signed:
    """Parse and verify a provider-signed replacement under the `trusted` provider keys."""
    signed = jws.parse(token, jws.REPLACEMENT)
    jws.check_signature(signed, trusted)
    Replacement.read(signed.payload)
    return signed
