"""From a finished bill to its report page: what the customer sees beside what the provider sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

from wattseal.errors import Misuse

from wattseal_host import jws, report
from wattseal_host.billed import Billed, billed_by
from wattseal_host.customer.bill import Bill
from wattseal_host.customer.shares import Columns
from wattseal_host.documents import Contract, Enrolment
from wattseal_host.joint_bundle import AnyBundle, JointBundle
from wattseal_host.keys import fingerprint
from wattseal_host.linear import LinearProof
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.describe import writers
from wattseal_host.tariff.itemise import charges, part_prices
from wattseal_host.tariff.scene import READING_BITS
from wattseal_host.units import divide_rounded
from wattseal_host.verify import Verdict

_STAGES = {
    "form": "the bundle is whole and canonical",
    "documents": "enrolment, tariff and contract are signed by a trusted provider",
    "records": "no record is missing, repeated, reordered or altered",
    "tariff": "every record has one price of the contract's tariff",
    "proof": "the fee opens the weighted sum of the commitments",
    "statement": "period, digests and amount are the recomputed ones",
}


def render(bill: Bill, verdict: Verdict, provider: str, commands: Sequence[str]) -> str:
    """Return the page, self-contained HTML.

    verdict: of the bundle as it was written; provider: a name for people; commands: shell lines
    by which anybody verifies the bundle.
    """
    bundle = bill.bundle
    statement = bundle.statement
    enrolment = Enrolment.read(jws.parse(_enrolments(bundle)[0], jws.ENROLMENT).payload)
    tariffs = [Tariff.read(jws.parse(token, jws.TARIFF).payload) for token in bundle.tariffs]
    tariff = tariffs[-1]
    if enrolment.unit.name != "Wh":
        raise Misuse(
            "report-unit", f"the page is about energy, this bill about {enrolment.unit.name}"
        )
    passed = dict(verdict.checks)
    scale = Scale.of(tariffs)
    slots: list[report.Slot] = []
    lines: list[report.Charge] = []
    for one, span in zip(tariffs, _spans(bundle), strict=True):
        own_slots, own_lines = _items(bill, one, span, enrolment, scale)
        slots += own_slots
        label = "" if len(tariffs) == 1 else f" ({one.name})"
        lines += [replace(line, label=line.label + label) for line in own_lines]
    first, last = statement.stretches[0], statement.stretches[-1]
    names = dict.fromkeys(one.name for one in tariffs)
    return report.render(
        report.ReportData(
            meter=", then ".join(one.meter.hex() for one in statement.stretches),
            from_s=statement.from_s,
            to_s=statement.to_s,
            offsets=tariff.zone.offsets,
            zone_name=tariff.zone.name,
            currency=statement.currency.code,
            minor_digits=statement.currency.minor_digits,
            unit_exponent=enrolment.unit.exponent,
            slots=tuple(slots),
            price_exponent=scale.exponent,
            fee_exponent=scale.exponent
            + statement.currency.minor_digits
            + enrolment.unit.exponent
            - scale.per_exponent,
            amount_minor=statement.amount,
            tariff_name=", then ".join(names),
            provider_name=provider,
            contract_digest=", then ".join(
                dict.fromkeys(one.contract.hex() for one in statement.stretches)
            ),
            tariff_digest=", then ".join(digest.hex() for digest in statement.tariffs),
            keys=(
                report.Digest("Provider key", verdict.keys.get("provider", "")),
                *(report.Digest("Meter key", fingerprint(one.key)) for one in statement.stretches),
            ),
            checks=tuple(
                report.Check(text, True if name in passed else None, passed.get(name, 0.0))
                for name, text in _STAGES.items()
            ),
            verdict=report.Verdict(verdict.accepted, verdict.code, verdict.detail),
            commands=tuple(commands),
            charges=tuple(lines),
            digests=(
                report.Digest("Before the first record", first.before.hex()),
                report.Digest("Last record", last.last.hex()),
            ),
            per_exponent=scale.per_exponent,
            disclosed=bill.disclosed,
            fee_released=isinstance(bundle.proof, LinearProof),
        )
    )


@dataclass(frozen=True)
class Scale:
    """What prices on the page count in: 10^exponent major units per 10^per_exponent of a unit."""

    exponent: int
    per_exponent: int

    @classmethod
    def of(cls, tariffs: Sequence[Tariff]) -> Scale:
        """In which each price of every one is whole."""
        per = tariffs[-1].per.exponent
        return cls(min(t.price_exponent - t.decimals + per - t.per.exponent for t in tariffs), per)

    def factor(self, tariff: Tariff) -> Fraction:
        """A price of that tariff, in these units."""
        own = tariff.price_exponent + self.per_exponent - tariff.per.exponent
        return Fraction(10) ** (own - self.exponent)


def _enrolments(bundle: AnyBundle) -> list[str]:
    if isinstance(bundle, JointBundle):
        return [one.enrolment for one in bundle.stretches]
    return [bundle.enrolment]


def _spans(bundle: AnyBundle) -> list[Billed]:
    """What each tariff of a verified bundle bills."""
    if isinstance(bundle, JointBundle):
        tokens = [one.contract for one in bundle.stretches]
    else:
        tokens = [bundle.contract]
    contracts = [Contract.read(jws.parse(token, jws.CONTRACT).payload) for token in tokens]
    return billed_by(
        [
            (contract, one.from_s, one.to_s)
            for contract, one in zip(contracts, bundle.statement.stretches, strict=True)
        ]
    )


def _items(
    bill: Bill, tariff: Tariff, span: Billed, enrolment: Enrolment, scale: Scale
) -> tuple[list[report.Slot], list[report.Charge]]:
    """Each record one tariff bills at its price without taxes; what else it charges for them.

    Prices and fees are counted in the units of the page.
    """
    factor = scale.factor(tariff)
    records = [r for r in bill.records if span.from_s <= r.start_s < span.to_s]
    opened_here = [o for o in bill.openings if span.from_s <= o.start_s < span.to_s]
    openings = iter(opened_here)
    energies: dict[str, Fraction] = {part.name: Fraction(0) for part in tariff.priced}
    slots = []
    for record in records:
        if not record.channels:
            continue
        opened = list(islice(openings, len(record.channels)))
        prices = []
        for opening, channel in zip(opened, enrolment.channels, strict=True):
            parts = part_prices(tariff, channel, record.start_s, record.end_s)
            for name, price in parts.items():
                energies[name] += price * opening.value
            prices.append(_nearest(factor * sum(parts.values(), Fraction(0))))
        both = len(opened) == 2
        slots.append(
            report.Slot(
                start_s=record.start_s,
                length_s=record.length_s,
                value=opened[0].value,
                price=prices[0],
                fee=sum(o.value * price for o, price in zip(opened, prices, strict=True)),
                commitment=record.channels[0][0].hex(),
                ciphertext=record.channels[0][1].hex(),
                export=opened[1].value if both else None,
                export_commitment=record.channels[1][0].hex() if both else "",
            )
        )
    # A reading is 10^unit of what is measured, a price is for 10^per of it.
    unit = Fraction(10) ** (enrolment.unit.exponent - tariff.per.exponent)
    fees = {name: energy * unit for name, energy in energies.items()}
    columns = Columns.of(records, opened_here, enrolment.channels)
    scene = tariff.scene(enrolment, columns.spans, READING_BITS[-1], columns.values)
    fees |= {part.name: part.fee(scene) for part in tariff.shaped}
    lines = charges(tariff, fees, span.from_s, span.to_s)
    _, size = writers(tariff)
    basis = {part.name: f" ({part.basis(scene, size)})" for part in tariff.shaped}
    return slots, [
        report.Charge(line.name + basis.get(line.name, ""), _nearest(line.amount / unit * factor))
        for line in lines
    ]


def _nearest(value: Fraction) -> int:
    """To a whole number: a bill counts in units so small that no reader misses the rest."""
    return divide_rounded(value.numerator, value.denominator, "half-even")
