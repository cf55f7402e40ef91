"""From a finished bill to its report page: what the customer sees beside what the provider sees."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice

from wattseal.errors import Misuse

from wattseal_host import jws, report
from wattseal_host.customer.bill import Bill, Columns
from wattseal_host.documents import Enrolment
from wattseal_host.keys import fingerprint
from wattseal_host.linear import LinearProof
from wattseal_host.tariff import Tariff
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
    enrolment = Enrolment.read(jws.parse(bundle.enrolment, jws.ENROLMENT).payload)
    tariff = Tariff.read(jws.parse(bundle.tariffs[0], jws.TARIFF).payload)
    if enrolment.unit.name != "Wh":
        raise Misuse(
            "report-unit", f"the page is about energy, this bill about {enrolment.unit.name}"
        )
    passed = dict(verdict.checks)
    slots, lines = _items(bill, tariff, enrolment)
    return report.render(
        report.ReportData(
            meter=statement.meter.hex(),
            from_s=statement.from_s,
            to_s=statement.to_s,
            offsets=tariff.zone.offsets,
            zone_name=tariff.zone.name,
            currency=statement.currency.code,
            minor_digits=statement.currency.minor_digits,
            unit_exponent=enrolment.unit.exponent,
            slots=slots,
            price_exponent=tariff.price_exponent - tariff.decimals,
            fee_exponent=tariff.fee_exponent(enrolment.unit),
            amount_minor=statement.amount,
            tariff_name=tariff.name,
            provider_name=provider,
            contract_digest=statement.contract.hex(),
            tariff_digest=statement.tariffs[0].hex(),
            keys=(
                report.Digest("Provider key", verdict.keys.get("provider", "")),
                report.Digest("Meter key", fingerprint(statement.key)),
            ),
            checks=tuple(
                report.Check(text, True if name in passed else None, passed.get(name, 0.0))
                for name, text in _STAGES.items()
            ),
            verdict=report.Verdict(verdict.accepted, verdict.code, verdict.detail),
            commands=tuple(commands),
            charges=lines,
            digests=(
                report.Digest("Before the first record", statement.before.hex()),
                report.Digest("Last record", statement.last.hex()),
            ),
            per_exponent=tariff.per.exponent,
            disclosed=bill.disclosed,
            fee_released=isinstance(bundle.proof, LinearProof),
        )
    )


def _items(
    bill: Bill, tariff: Tariff, enrolment: Enrolment
) -> tuple[tuple[report.Slot, ...], tuple[report.Charge, ...]]:
    """Each record at its price without taxes; standing charges and taxes by themselves.

    Prices and fees are counted as the bill's weights are, in 10^-decimals of a price.
    """
    scale = 10**tariff.decimals
    openings = iter(bill.openings)
    energies: dict[str, Fraction] = {part.name: Fraction(0) for part in tariff.priced}
    slots = []
    for record in bill.records:
        if not record.channels:
            continue
        opened = list(islice(openings, len(record.channels)))
        prices = []
        for opening, channel in zip(opened, enrolment.channels, strict=True):
            parts = part_prices(tariff, channel, record.start_s, record.end_s)
            for name, price in parts.items():
                energies[name] += price * opening.value
            prices.append(_nearest(scale * sum(parts.values(), Fraction(0))))
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
    columns = Columns.of(bill.records, bill.openings, enrolment.channels)
    scene = tariff.scene(enrolment, columns.spans, READING_BITS[-1], columns.values)
    fees |= {part.name: part.fee(scene) for part in tariff.shaped}
    statement = bill.bundle.statement
    lines = charges(tariff, fees, statement.from_s, statement.to_s)
    return tuple(slots), tuple(
        report.Charge(line.name, _nearest(line.amount / unit * scale)) for line in lines
    )


def _nearest(value: Fraction) -> int:
    """To a whole number: a bill counts in units so small that no reader misses the rest."""
    return divide_rounded(value.numerator, value.denominator, "half-even")
