"""The tariff document: a public price list that names no customer, and its arithmetic.

Prices are integers: `price` times 10^price_exponent major units of the currency per `per`
(price 31200, exponent -5, per kWh: 0.312 a kWh); standing charges are counted in the same
10^price_exponent. Taxes fold into the prices as exact factors, scaled by the least 10^k that makes
all of them whole; so a reading v costs weight * v in 10^(price_exponent - k + e - per.exponent)
major units, and nothing is divided before the one stated rounding of the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Refused

from wattseal_host import jws
from wattseal_host.documents import Enrolment
from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.fixed import Standing
from wattseal_host.tariff.minimum import Minimum, taxed
from wattseal_host.tariff.parts import Part, Priced, read_part
from wattseal_host.tariff.scene import Scene, Shaped
from wattseal_host.tariff.steps import LongRecordRule, Steps, add_steps
from wattseal_host.tariff.tax import Fold, Tax
from wattseal_host.tariff.zone import DAY_S, Zone
from wattseal_host.units import CHANNELS, MAX_EXPONENT, ROUNDING_MODES, Currency, Rounding, Unit

MAX_PARTS = 64
NOT_PRICED = Standing | Tax | Shaped | Minimum
MAX_HOLIDAYS = 4000
MAX_VALIDITY_S = 50 * 366 * 86400
MAX_STEPS = 1_000_000


@dataclass(frozen=True)
class Tariff:
    """A parsed tariff; every field as in the document.

    long_records is None only when every channel's price is constant for ever; fold: the taxes
    as factors of the other parts; decimals: the k of the module's text.
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
    fold: Fold
    decimals: int

    @classmethod
    def read(cls, payload: Any) -> Tariff:
        """Raises Malformed `field-*`, `tariff-part`, `tariff-names`, `tariff-base`,
        `tariff-scale`, `tariff-too-large`, and `tariff-long-records` when the price changes
        and no rule says what a record across a change costs."""
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
        parts = fields.each("parts", MAX_PARTS, lambda v, w: read_part(v, w, from_s, to_s), least=1)
        fold = Fold.make(parts)
        tariff = cls(
            fields.text("name", 120),
            Currency.read(fields.raw("currency"), fields.where("currency")),
            fields.integer("price_exponent", -MAX_EXPONENT, MAX_EXPONENT),
            Unit.read(fields.raw("per"), fields.where("per")),
            from_s,
            to_s,
            Zone.read(fields.raw("zone"), fields.where("zone"), from_s, to_s),
            _read_holidays(fields),
            tuple(parts),
            long_records,
            Rounding.read(fields.raw("rounding"), fields.where("rounding")),
            payload,
            fold,
            fold.decimals([part.name for part in parts if not isinstance(part, NOT_PRICED)]),
        )
        tariff._check_size()
        tariff._check_minimum()
        if long_records is None and not all(tariff.steps(name).constant for name in CHANNELS):
            raise Malformed("tariff-long-records")
        return tariff

    def _check_size(self) -> None:
        """Before any price is worked out: a small document can stand for a great many prices."""
        days = (self.to_s - self.from_s) // DAY_S + 2 * len(self.zone.offsets)
        steps = sum(part.most_steps(days) for part in self.priced)
        if steps > MAX_STEPS:
            raise Malformed("tariff-too-large", f"up to {steps:,} prices, over {MAX_STEPS:,}")

    def sign(self, key: ECKey) -> jws.Signed:
        return jws.sign(jws.TARIFF, self.document, key)

    @property
    def priced(self) -> list[Priced]:
        return [part for part in self.parts if not isinstance(part, NOT_PRICED)]

    @property
    def shaped(self) -> list[Shaped]:
        """The parts whose fees are no weighted sums of readings."""
        return [part for part in self.parts if isinstance(part, Shaped)]

    @property
    def minimum(self) -> Minimum | None:
        return next((part for part in self.parts if isinstance(part, Minimum)), None)

    @property
    def is_linear(self) -> bool:
        """Whether one opening of a weighted sum tells the bill: nothing is shaped or raised."""
        return not self.shaped and self.minimum is None

    def _check_minimum(self) -> None:
        minimum = self.minimum
        if minimum is None:
            return
        at = self.parts.index(minimum)
        if not at or any(not isinstance(part, Tax) for part in self.parts[at + 1 :]):
            raise Malformed("tariff-minimum", minimum.name)
        taxed(self.fold, minimum, [part.name for part in self.parts[:at]])

    def least_minor(self, from_s: int, to_s: int) -> Fraction | None:
        """The minimum of a period with the taxes on it, in minor units; None without one."""
        minimum = self.minimum
        if minimum is None:
            return None
        factor = self.fold.factors[minimum.name]
        return self.price_minor * factor * minimum.least(self.zone, from_s, to_s)

    @property
    def price_minor(self) -> Fraction:
        """A unit of prices and amounts in minor units of the currency."""
        return Fraction(10) ** (self.price_exponent + self.currency.minor_digits)

    def scene(
        self,
        enrolment: Enrolment,
        spans: Sequence[tuple[int, int]],
        bits: int,
        values: Mapping[str, Sequence[int]] | None = None,
    ) -> Scene:
        """What the parts of this tariff look at in a meter's records; see Scene. Refused
        `tariff-channel` for a part on a channel the meter does not have."""
        for part in self.shaped:
            if part.channel not in enrolment.channels:
                raise Refused("tariff-channel", f"{part.name}: {part.channel}")
        return Scene(
            self.zone,
            self.holidays,
            self.to_s,
            self.per,
            enrolment.unit,
            enrolment.interval_s,
            enrolment.channels,
            tuple(spans),
            bits,
            values,
        )

    def exact_minor(self, fee: int, scene: Scene) -> Fraction:
        """What is payable, in minor units, before the one rounding: of the weighted sum F of the
        readings and of all else in a scene that knows them."""
        total = fee * Fraction(10) ** self.fee_exponent(scene.unit)
        total += self.constant_minor(scene.from_s, scene.to_s)
        for part in self.shaped:
            total += self.price_minor * self.fold.factors[part.name] * part.fee(scene)
        least = self.least_minor(scene.from_s, scene.to_s)
        return total if least is None else max(total, least)

    def factor(self, part: Priced) -> int:
        """By how much a part's price counts in the weights: its factor times 10^decimals."""
        return int(self.fold.factors[part.name] * 10**self.decimals)

    def steps(self, channel: str) -> Steps:
        """The weight of a unit of one channel over the tariff's validity, taxes included."""
        return self._channel_steps[channel]

    @cached_property
    def _channel_steps(self) -> dict[str, Steps]:
        of_channel: dict[str, list[tuple[int, Steps]]] = {channel: [] for channel in CHANNELS}
        for part in self.priced:
            of_channel[part.channel].append((self.factor(part), self.price_steps[part.name]))
        return {channel: add_steps(parts, self.from_s) for channel, parts in of_channel.items()}

    @cached_property
    def price_steps(self) -> dict[str, Steps]:
        """Each priced part's own prices, without taxes."""
        return {part.name: part.steps(self.zone, self.holidays, self.to_s) for part in self.priced}

    def fee_exponent(self, unit: Unit) -> int:
        """The power of ten, in minor units of the currency, of one unit of Σ weight * reading.

        Raises Refused `tariff-unit` when the tariff prices another measure than the meter's.
        """
        if unit.name != self.per.name:
            raise Refused("tariff-unit", f"{self.per.name} priced, {unit.name} measured")
        exponent = self.price_exponent - self.decimals + unit.exponent - self.per.exponent
        return exponent + self.currency.minor_digits

    def constant_minor(self, from_s: int, to_s: int) -> Fraction:
        """The standing charges of a period with the taxes on them, in minor units, exact."""
        return self.price_minor * sum(
            (
                self.fold.factors[part.name] * part.charge(self.zone, from_s, to_s)
                for part in self.parts
                if isinstance(part, Standing)
            ),
            Fraction(0),
        )

    def amount(self, fee: int, unit: Unit, from_s: int, to_s: int) -> int:
        """Payable in minor units for the fee F = Σ weight * reading of a period: the one
        rounding, of fee and standing charges together. Refused `tariff-shaped` where that is not
        all there is."""
        if not self.is_linear:
            raise Refused("tariff-shaped", "only a proof can tell this tariff's amount")
        opened = fee * Fraction(10) ** self.fee_exponent(unit)
        return self.rounding.apply(opened + self.constant_minor(from_s, to_s))


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
