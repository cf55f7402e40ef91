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
    """meter, successor: ids; last: digest of the meter's CLOSED event; at_s: its time, UTC.

    from_s: what the successor sealed before this time is not billed, since its customer cannot
    open it (version 2 of the document); None: all of it is, from its ORIGIN on.
    """

    meter: bytes
    successor: bytes
    last: bytes
    at_s: int
    from_s: int | None = None

    @classmethod
    def read(cls, payload: Any, kind: str = jws.REPLACEMENT) -> Replacement:
        """Raises Malformed `field-*`, and `replacement-self` for a meter that replaces itself."""
        later = {"from_s"} if kind == jws.REPLACEMENT_LATER else set()
        fields = Fields(payload, "replacement", {"meter", "successor", "last", "at_s", *later})
        result = cls(
            fields.hexadecimal("meter", METER_ID_BYTES),
            fields.hexadecimal("successor", METER_ID_BYTES),
            fields.hexadecimal("last", DIGEST_BYTES),
            fields.time_s("at_s"),
            fields.time_s("from_s") if later else None,
        )
        if result.meter == result.successor:
            raise Malformed("replacement-self", result.meter.hex())
        return result

    @classmethod
    def of(cls, last: Record, successor: bytes, from_s: int | None = None) -> Replacement:
        """Of the last record of a closed chain. Raises Refused `meter-open` for any other."""
        if last.event != CLOSED:
            raise Refused("meter-open", f"record {last.seq} does not close the chain")
        return cls(last.meter, successor, last.digest, last.start_s, from_s)

    def write(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "meter": self.meter.hex(),
            "successor": self.successor.hex(),
            "last": self.last.hex(),
            "at_s": self.at_s,
        }
        return value if self.from_s is None else {**value, "from_s": self.from_s}

    def sign(self, key: ECKey) -> jws.Signed:
        kind = jws.REPLACEMENT if self.from_s is None else jws.REPLACEMENT_LATER
        Replacement.read(self.write(), kind)
        return jws.sign(kind, self.write(), key)

    def check(self, last: Record, first: Record) -> None:
        """Refuse unless the one chain ends and the other begins as this says.

        last: the newest record of the replaced meter, first: the successor's ORIGIN, both
        verified. Raises Refused `meter-open`, `replacement-meter`, `replacement-last` or
        `replacement-time` (the successor began before the end,
        or is to be billed before it or its own beginning).
        """
        if first.meter != self.successor or first.seq != 0:
            raise Refused("replacement-meter", first.meter.hex())
        if Replacement.of(last, self.successor, self.from_s) != self:
            raise Refused("replacement-last", last.meter.hex())
        begun_s = first.start_s if self.from_s is None else self.from_s
        if begun_s < max(self.at_s, first.start_s):
            raise Refused("replacement-time", f"{begun_s} is before {self.at_s}")


def parse(token: str) -> jws.Signed:
    """A signed replacement of either version, not yet believed. Malformed `jws-*`."""
    try:
        return jws.parse(token, jws.REPLACEMENT)
    except Malformed as error:
        if error.code != "jws-header":
            raise
    return jws.parse(token, jws.REPLACEMENT_LATER)


def open_replacement(token: str, trusted: Iterable[bytes]) -> tuple[Replacement, jws.Signed]:
    """Parse and verify a provider-signed replacement under the `trusted` provider keys."""
    signed = parse(token)
    jws.check_signature(signed, trusted)
    return Replacement.read(signed.payload, signed.kind), signed
