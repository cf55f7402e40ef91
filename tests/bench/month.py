"""A month to measure on: one meter, 1,440 half-hours, a provider's directory and its ledger."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sealed_house import INTERVAL_S, START_S, SealingMeter
from wattseal_host.bill_message import BillMessage
from wattseal_host.customer.bill import Bill, make_bill
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.documents import Agreed, Contract, Enrolment
from wattseal_host.jws import Signed
from wattseal_host.ledger import Ledger
from wattseal_host.provider.office import Office
from wattseal_host.provider.price_csv import PriceList
from wattseal_host.provider.tariffs import Draft
from wattseal_host.stretch import Stretch
from wattseal_host.tariff import Tariff
from wattseal_host.units import Unit

SLOTS = 1440


@dataclass(frozen=True)
class Papers:
    tariff: Signed
    contract: Signed


class Month:
    """Everything both sides have. directory: for the provider's files and the ledger."""

    def __init__(self, directory: Path, slots: int = SLOTS, name: str = "bench") -> None:
        self.from_s, self.to_s = START_S, START_S + slots * INTERVAL_S
        rng = random.Random(f"wattseal bench {name}")
        self.meter = SealingMeter(name).origin().paired()
        for _ in range(slots):
            self.meter.reading(rng.randrange(0, 2500))
        self.office = Office.create(directory / "provider")
        self.enrolment = Enrolment(
            self.meter.meter, self.meter.key, Unit("Wh", 0), INTERVAL_S, ("import",)
        )
        self.enrolment_jws = self.office.enrol(self.enrolment)
        self.trust = self.office.trust()
        self.tariffs: dict[str, Tariff] = {}
        self.papers: dict[str, Papers] = {}
        self.half_hourly = self._agree(self._half_hourly(rng))
        self.time_of_use = self._agree(self._time_of_use())
        self.ledger_file = directory / "ledger.db"
        with Ledger(self.ledger_file) as ledger:
            ledger.add_meter(self.enrolment, self.enrolment_jws.token)
            ledger.append(self.meter.meter, self.meter.sealed, "utility")
            self.stretch: Stretch = ledger.period(self.meter.meter, self.from_s, self.to_s)

    def bill(self, papers: Papers, consent: bool = False, full: bool = True) -> Bill:
        """consent: for bills over so few slots that they give readings away. full: the fee is
        opened at full resolution, else its rounding proven."""
        return make_bill(
            self.stretch,
            Opener(self.meter.meter, self.meter.secrets),
            self.enrolment_jws.token,
            papers.contract.token,
            papers.tariff.token,
            self.trust,
            Releases(self.meter.meter),
            consent=consent,
            full_resolution=full,
        )

    def message(self, bill: Bill) -> bytes:
        return BillMessage(bill.bundle.statement, bill.bundle.proof).write()

    def _agree(self, tariff: Tariff) -> Papers:
        self.tariffs[tariff.name] = tariff
        signed = self.office.publish(tariff)
        agreed = Agreed(signed.digest, self.from_s, self.to_s)
        contract = self.office.agree(Contract(tariff.name, self.meter.meter, (agreed,)))
        self.papers[tariff.name] = Papers(signed, contract)
        return self.papers[tariff.name]

    def _half_hourly(self, rng: random.Random) -> Tariff:
        """A price of its own for every half-hour, some of them negative; standing charge, VAT."""
        starts = range(self.from_s, self.to_s, INTERVAL_S)
        wholes = rng.sample(range(-3000, 52000), len(starts))
        prices = {s: Decimal(w).scaleb(-5) for s, w in zip(starts, wholes, strict=True)}
        draft = Draft("half-hourly", "GBP", self.from_s, self.to_s)
        draft.series("energy", PriceList(ZoneInfo("UTC"), INTERVAL_S, prices))
        return _with_charges(draft)

    def _time_of_use(self) -> Tariff:
        draft = Draft("day and night", "GBP", self.from_s, self.to_s, zone="Europe/London")
        bands = [("night", Decimal("0.12553")), ("day", Decimal("0.31412"))]
        draft.time_of_use("energy", bands, "00:00 night, 07:00 day, 23:00 night", "00:00 night")
        return _with_charges(draft)

    def shaped(self, name: str, *parts: dict[str, Any]) -> Papers:
        """The papers of the half-hourly prices with further parts, before the VAT."""
        base = self.tariffs["half-hourly"].document
        *prices, vat = base["parts"]
        return self._agree(Tariff.read({**base, "name": name, "parts": [*prices, *parts, vat]}))


def _with_charges(draft: Draft) -> Tariff:
    draft.standing("standing charge", Decimal("0.5301"), "day")
    draft.tax("VAT", Decimal("5"))
    return draft.finish()
