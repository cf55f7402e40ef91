"""What the website is about: one customer's files, and the meter where its port is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from wattseal.record import decode_sealed

from wattseal_host.customer.home.collecting import Collector
from wattseal_host.customer.live import Keeper, State
from wattseal_host.customer.store import Secrets
from wattseal_host.ledger import Ledger
from wattseal_host.report.localtime import LocalTime
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.zone import Zone
from wattseal_host.trust import Trust

NO_PORT = "port-none"


@dataclass
class House:
    """secrets, ledger: files, read anew when they are needed, since others write them; tariffs:
    the first is in force, the others to compare with; papers: the folder with bills and
    disclosures; zone: IANA name of local time; keeper, collector: None without a port."""

    secrets: Path
    ledger: Path
    papers: Path
    zone: str
    tariffs: Sequence[Tariff] = ()
    trust: Trust = field(default_factory=lambda: Trust((), ()))
    keeper: Keeper | None = None
    collector: Collector | None = None

    @cached_property
    def meter(self) -> bytes:
        return self.held().meter

    def held(self) -> Secrets:
        return Secrets.load(self.secrets)

    def live(self) -> State:
        return self.keeper.state() if self.keeper else State(None, NO_PORT)

    def span(self) -> tuple[int, int] | None:
        """From the first record in the ledger to the end of the last; None where there is none."""
        if not self.ledger.exists():
            return None
        with Ledger.existing(self.ledger) as ledger:
            if self.meter not in {known.meter for known in ledger.meters()}:
                return None
            first, last = ledger.sealed_at(self.meter, 0), ledger.last(self.meter)
        if first is None or last is None:
            return None
        return decode_sealed(first).start_s, last.end_s

    def local(self, from_s: int, to_s: int) -> LocalTime:
        return LocalTime(Zone.from_iana(self.zone, from_s, max(to_s, from_s + 1)).offsets)
