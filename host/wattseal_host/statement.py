"""The public statement of a bill: what exactly the proof is about, and the amount payable.

A bill over one meter has a `Statement`, one over meters that replaced each other a
`JointStatement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from wattseal.errors import Refused
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host.encoding import from_hex, malformed
from wattseal_host.fields import Fields
from wattseal_host.keys import PUBLIC_KEY_BYTES
from wattseal_host.units import Currency

MAX_TARIFFS = 100
MAX_METERS = 10


class Metered(NamedTuple):
    """What a statement says of one meter: contract (digest), id, key, its part of the period, and
    the digests of the record before its first and of its last."""

    contract: bytes
    meter: bytes
    key: bytes
    from_s: int
    to_s: int
    before: bytes
    last: bytes

    @classmethod
    def read(cls, value: Any, where: str) -> Metered:
        reader = Fields(value, where, set(cls._fields))
        return cls(
            reader.hexadecimal("contract", DIGEST_BYTES),
            reader.hexadecimal("meter", METER_ID_BYTES),
            reader.hexadecimal("key", PUBLIC_KEY_BYTES),
            reader.time_s("from_s"),
            reader.time_s("to_s"),
            reader.hexadecimal("before", DIGEST_BYTES),
            reader.hexadecimal("last", DIGEST_BYTES),
        )

    def write(self) -> dict[str, Any]:
        return {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in self._asdict().items()
        }


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

    @property
    def stretches(self) -> tuple[Metered, ...]:
        """As of a `JointStatement`: the one meter's."""
        one = Metered(
            self.contract, self.meter, self.key, self.from_s, self.to_s, self.before, self.last
        )
        return (one,)

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

    def check_equal(self, recomputed: AnyStatement) -> None:
        """Raises Refused `statement-FIELD` for the first field that is not as recomputed."""
        if not isinstance(recomputed, Statement):
            raise Refused("statement-stretches", "one meter's")
        names = [field.name for field in fields(self)]
        _check_each(names, self, recomputed)


@dataclass(frozen=True)
class JointStatement:
    """Of a bill over several meters, each in the place of the one before.

    stretches: in order of time; replacements: digests of the documents that join them, one fewer;
    tariffs, currency, amount: as in a Statement.
    """

    stretches: tuple[Metered, ...]
    replacements: tuple[bytes, ...]
    tariffs: tuple[bytes, ...]
    currency: Currency
    amount: int

    @classmethod
    def read(cls, value: Any, where: str) -> JointStatement:
        reader = Fields(value, where, {field.name for field in fields(cls)})
        return cls(
            tuple(reader.each("stretches", MAX_METERS, Metered.read, least=2)),
            tuple(reader.each("replacements", MAX_METERS, _read_digest, least=1)),
            tuple(reader.each("tariffs", MAX_TARIFFS, _read_digest, least=1)),
            Currency.read(reader.raw("currency"), reader.where("currency")),
            reader.decimal("amount"),
        )

    @property
    def from_s(self) -> int:
        return self.stretches[0].from_s

    @property
    def to_s(self) -> int:
        return self.stretches[-1].to_s

    def write(self) -> dict[str, Any]:
        return {
            "stretches": [one.write() for one in self.stretches],
            "replacements": [digest.hex() for digest in self.replacements],
            "tariffs": [digest.hex() for digest in self.tariffs],
            "currency": self.currency.write(),
            "amount": str(self.amount),
        }

    def check_equal(self, recomputed: AnyStatement) -> None:
        """As `Statement.check_equal`, meter by meter first; `statement-stretches` for another
        number of them."""
        if len(recomputed.stretches) != len(self.stretches):
            raise Refused("statement-stretches", f"claimed {len(self.stretches)}")
        assert isinstance(recomputed, JointStatement)
        for claimed, found in zip(self.stretches, recomputed.stretches, strict=True):
            _check_each(Metered._fields, claimed, found)
        _check_each(("replacements", "tariffs", "currency", "amount"), self, recomputed)


AnyStatement = Statement | JointStatement


def statement_over(
    stretches: Sequence[Metered],
    replacements: tuple[bytes, ...],
    tariffs: tuple[bytes, ...],
    currency: Currency,
    amount: int,
) -> AnyStatement:
    """The statement of a bill over these stretches: a `JointStatement` over more than one."""
    if len(stretches) > 1:
        return JointStatement(tuple(stretches), replacements, tariffs, currency, amount)
    (one,) = stretches
    return Statement(
        contract=one.contract,
        tariffs=tariffs,
        meter=one.meter,
        key=one.key,
        from_s=one.from_s,
        to_s=one.to_s,
        before=one.before,
        last=one.last,
        currency=currency,
        amount=amount,
    )


def _check_each(names: Sequence[str], claimed: Any, recomputed: Any) -> None:
    for name in names:
        said, found = getattr(claimed, name), getattr(recomputed, name)
        if said != found:
            code = f"statement-{name.removesuffix('_s')}"
            raise Refused(code, f"claimed {_show(said)}, is {_show(found)}")


def _read_digest(value: Any, where: str) -> bytes:
    if type(value) is not str:
        raise malformed(where)
    return from_hex(value, DIGEST_BYTES, where)


def _show(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
