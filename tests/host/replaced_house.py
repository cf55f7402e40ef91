"""A house whose meter was replaced in mid-period, for tests: two chains, one customer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sealed_house import INTERVAL_S, START_S, SealingMeter
from wattseal import events
from wattseal.record import CLOSED, decode_sealed
from wattseal_host import keys
from wattseal_host.customer.bill import Bill, MeterPart, make_joint_bill
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Agreed, Contract, Enrolment
from wattseal_host.jws import Signed
from wattseal_host.ledger import Ledger
from wattseal_host.replacement import Replacement
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff
from wattseal_host.trust import Trust
from wattseal_host.units import Unit

DAY_S = 86400
OLD_SLOTS, SLOTS = 14, 24
END_S = START_S + OLD_SLOTS * INTERVAL_S + 600  # where the old meter's chain ends
BEGIN_S = END_S + 900  # where the new one's begins
EDGE_S = START_S + (OLD_SLOTS + 1) * INTERVAL_S  # where its half-hours do
TO_S = START_S + SLOTS * INTERVAL_S
LEAD_IN = 8


def old_meter(values: list[int], name: str = "replaced") -> SealingMeter:
    """Half-hours, ten minutes more, and the end."""
    meter = SealingMeter(name).origin().paired()
    for value in values[:-1]:
        meter.reading(value)
    meter.reading(values[-1], length_s=600, flags=LEAD_IN)
    return meter.event(CLOSED, events.u32(1))


def new_meter(values: list[int], name: str = "successor", begin_s: int = BEGIN_S) -> SealingMeter:
    """What is left of a half-hour, a pairing, and half-hours."""
    meter = SealingMeter(name).origin(begin_s)
    left_s = -begin_s % INTERVAL_S
    meter.reading(values[0], length_s=left_s or INTERVAL_S, flags=LEAD_IN if left_s else 0)
    meter.paired()
    for value in values[1:]:
        meter.reading(value)
    return meter


@dataclass
class Replaced:
    """Meters in each other's place from START_S to TO_S, and one provider's papers."""

    meters: list[SealingMeter]
    tariffs: list[Tariff]
    change_s: int = 0
    numbers: list[str] = field(default_factory=lambda: ["C-7"] * 9)
    provider: Any = field(default_factory=keys.generate_key)

    def __post_init__(self) -> None:
        self.signed = [tariff.sign(self.provider) for tariff in self.tariffs]
        self.enrolments = [
            Enrolment(m.meter, m.key, Unit("Wh", m.exponent), INTERVAL_S, ("import",))
            for m in self.meters
        ]
        self.enrolment_jws = [one.sign(self.provider) for one in self.enrolments]
        self.contracts = [
            Contract(number, m.meter, self.agreed())
            for number, m in zip(self.numbers, self.meters, strict=False)
        ]
        self.trust = Trust((keys.public_bytes(self.provider),), tuple(m.key for m in self.meters))
        self.links = [
            Replacement.of(decode_sealed(old.sealed[-1]), new.meter).sign(self.provider)
            for old, new in zip(self.meters, self.meters[1:], strict=False)
        ]

    def agreed(self, from_s: int = START_S) -> tuple[Agreed, ...]:
        """From a time on; of two tariffs the second from change_s."""
        ends = [from_s, *([self.change_s] if len(self.signed) > 1 else []), TO_S + 9 * DAY_S]
        return tuple(Agreed(one.digest, ends[i], ends[i + 1]) for i, one in enumerate(self.signed))

    @property
    def contract_jws(self) -> list[Signed]:
        return [contract.sign(self.provider) for contract in self.contracts]

    def stretches(self, from_s: int = START_S, to_s: int = TO_S) -> list[Stretch]:
        found = []
        for at, meter in enumerate(self.meters):
            whole = Stretch.from_sealed(meter.sealed)
            begin_s = whole.records[0].start_s if at else from_s
            last = at == len(self.meters) - 1
            found.append(whole.period(begin_s, to_s) if last else whole.to_the_end(begin_s))
        return found

    def parts(self, stretches: list[Stretch] | None = None) -> list[MeterPart]:
        return [
            MeterPart(stretch, Opener(meter.meter, meter.secrets), enrolment.token, contract.token)
            for stretch, meter, enrolment, contract in zip(
                stretches or self.stretches(),
                self.meters,
                self.enrolment_jws,
                self.contract_jws,
                strict=True,
            )
        ]

    def bill(self, stretches: list[Stretch] | None = None, full: bool = False) -> Bill:
        return make_joint_bill(
            self.parts(stretches),
            [link.token for link in self.links],
            [one.token for one in self.signed],
            self.trust,
            Releases(self.meters[-1].meter),
            consent=True,
            full_resolution=full,
        )

    def ledger(self, path: Path) -> Path:
        """A ledger that holds all the chains."""
        with Ledger(path) as ledger:
            for meter, enrolment, token in zip(
                self.meters, self.enrolments, self.enrolment_jws, strict=True
            ):
                ledger.add_meter(enrolment, token.token)
                ledger.append(meter.meter, meter.sealed, "utility")
        return path

    def secrets(self) -> Secrets:
        """As the customer holds them."""
        each = [Secrets(m.meter, m.key, dict(m.secrets)) for m in self.meters]
        return Secrets(each[-1].meter, each[-1].key, each[-1].epochs, tuple(each[:-1]))
