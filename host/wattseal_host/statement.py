"""The public statement of a bill: what exactly the proof is about, and the amount payable."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from wattseal.errors import Refused
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host.encoding import from_hex, malformed
from wattseal_host.fields import Fields
from wattseal_host.keys import PUBLIC_KEY_BYTES
from wattseal_host.units import Currency

MAX_TARIFFS = 100


@dataclass(frozen=True)
class Statement:
    """Every field can be recomputed by the verifier; `check_equal` names the first that lies.

    contract, tariffs: digests, of several tariffs in order of time; meter: id; key: the meter's;
    from_s..to_s: the period in UTC seconds; before: digest of the record before the first (the last
    one of the bill before); last: digest of the last record; amount: payable, in minor units,
    negative for a credit.
    """

    contract: bytes
    tariffs: tuple[bytes, ...]
    meter: bytes
    key: bytes
    from_s: int
    to_s: int
    before: bytes
    last: bytes
    currency: Currency
    amount: int

    @classmethod
    def read(cls, value: Any, where: str) -> Statement:
        reader = Fields(value, where, {field.name for field in fields(cls)})
        return cls(
            reader.hexadecimal("contract", DIGEST_BYTES),
            tuple(reader.each("tariffs", MAX_TARIFFS, _read_digest, least=1)),
            reader.hexadecimal("meter", METER_ID_BYTES),
            reader.hexadecimal("key", PUBLIC_KEY_BYTES),
            reader.time_s("from_s"),
            reader.time_s("to_s"),
            reader.hexadecimal("before", DIGEST_BYTES),
            reader.hexadecimal("last", DIGEST_BYTES),
            Currency.read(reader.raw("currency"), reader.where("currency")),
            reader.decimal("amount"),
        )

    def write(self) -> dict[str, Any]:
        return {
            "contract": self.contract.hex(),
            "tariffs": [digest.hex() for digest in self.tariffs],
            "meter": self.meter.hex(),
            "key": self.key.hex(),
            "from_s": self.from_s,
            "to_s": self.to_s,
            "before": self.before.hex(),
            "last": self.last.hex(),
            "currency": self.currency.write(),
            "amount": str(self.amount),
        }

    def check_equal(self, recomputed: Statement) -> None:
        """Raises Refused `statement-FIELD` for the first field that is not as recomputed."""
        for field in fields(self):
            claimed, found = getattr(self, field.name), getattr(recomputed, field.name)
            if claimed != found:
                name = field.name.removesuffix("_s")
                raise Refused(f"statement-{name}", f"claimed {_show(claimed)}, is {_show(found)}")


def _read_digest(value: Any, where: str) -> bytes:
    if type(value) is not str:
        raise malformed(where)
    return from_hex(value, DIGEST_BYTES, where)


def _show(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
