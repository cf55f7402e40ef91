"""The tariff document: a public price list that names no customer, and its arithmetic.

Prices are integers: `price` times 10^price_exponent major units of the currency per `per`
(price 31200, exponent -5, per kWh: 0.312 a kWh). A reading v in units of 10^e of the same
measure costs price * v, counted in 10^(price_exponent + e - per.exponent) major units: no
division before the one stated rounding of the sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Refused

from wattseal_host import jws
from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.parts import Part, read_part
from wattseal_host.tariff.steps import LongRecordRule, Steps, add_steps
from wattseal_host.tariff.zone import Zone
from wattseal_host.units import CHANNELS, MAX_EXPONENT, ROUNDING_MODES, Currency, Rounding, Unit

MAX_PARTS = 64
MAX_HOLIDAYS = 4000
MAX_VALIDITY_S = 50 * 366 * 86400


@dataclass(frozen=True)
class Tariff:
    """A parsed tariff; every field as in the document.

    long_records is None only when every channel's price is constant for ever.
    """

    name: str
    currency: Currency
    price_exponent: int
    per: Unit
    from_s: int
    to_s: int
    zone: Zone
    holidays: frozenset[date]
    parts: tuple[Part, ...]
    long_records: LongRecordRule | None
    rounding: Rounding
    document: dict[str, Any]

    @classmethod
    def read(cls, payload: Any) -> Tariff:
        """Raises Malformed `field-*`, `tariff-part`, and `tariff-long-records` when the price
        changes and no rule says what a record across a change costs."""
        fields = Fields(
            payload,
            "tariff",
            {"name", "currency", "price_exponent", "per", "valid", "zone", "parts", "rounding"},
            {"holidays", "long_records"},
        )
        valid = Fields(fields.raw("valid"), fields.where("valid"), {"from_s", "to_s"})
        from_s, to_s = valid.time_s("from_s"), valid.time_s("to_s")
        if not 0 < to_s - from_s <= MAX_VALIDITY_S:
            raise malformed(fields.where("valid"))
        long_records = None
        if fields.has("long_records"):
            long_records = _read_rule(fields.raw("long_records"), fields.where("long_records"))
        tariff = cls(
            fields.text("name", 120),
            Currency.read(fields.raw("currency"), fields.where("currency")),
            fields.integer("price_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            Unit.read(fields.raw("per"), fields.where("per")),
            from_s,
            to_s,
            Zone.read(fields.raw("zone"), fields.where("zone"), from_s, to_s),
            _read_holidays(fields),
            tuple(fields.each("parts", MAX_PARTS, read_part, least=1)),
            long_records,
            Rounding.read(fields.raw("rounding"), fields.where("rounding")),
            payload,
        )
        if long_records is None and not all(tariff.steps(name).constant for name in CHANNELS):
            raise Malformed("tariff-long-records")
        return tariff

    def sign(self, key: ECKey) -> jws.Signed:
        return jws.sign(jws.TARIFF, self.document, key)

    def steps(self, channel: str) -> Steps:
        """The total price of a unit of one channel over the tariff's validity."""
        parts = [
            part.steps(self.zone, self.holidays, self.to_s)
            for part in self.parts
            if part.channel == channel
        ]
        return add_steps(parts, self.from_s)

    def fee_exponent(self, unit: Unit) -> int:
        """The power of ten, in minor units of the currency, of one unit of Σ price * reading.

        Raises Refused `tariff-unit` when the tariff prices another measure than the meter's.
        """
        if unit.name != self.per.name:
            raise Refused("tariff-unit", f"{self.per.name} priced, {unit.name} measured")
        return self.price_exponent + unit.exponent - self.per.exponent + self.currency.minor_digits


def open_tariff(token: str, trusted: Iterable[bytes]) -> tuple[Tariff, jws.Signed]:
    """Parse and verify a provider-signed tariff under the `trusted` provider keys."""
    signed = jws.parse(token, jws.TARIFF)
    jws.check_signature(signed, trusted)
    return Tariff.read(signed.payload), signed


def _read_rule(value: Any, where: str) -> LongRecordRule:
    fields = Fields(value, where, {"rule"}, {"rounding"})
    rule = fields.choice("rule", ("lowest", "highest", "mean"))
    if fields.has("rounding") != (rule == "mean"):
        raise malformed(fields.where("rounding"))
    rounding = fields.choice("rounding", ROUNDING_MODES) if rule == "mean" else None
    return LongRecordRule(rule, rounding)


def _read_holidays(fields: Fields) -> frozenset[date]:
    if not fields.has("holidays"):
        return frozenset()
    holidays = fields.each("holidays", MAX_HOLIDAYS, _read_date)
    if sorted(set(holidays)) != holidays:
        raise malformed(fields.where("holidays"))
    return frozenset(holidays)


def _read_date(value: Any, where: str) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise malformed(where) from error
    if day.isoformat() != value:
        raise malformed(where)
    return day
