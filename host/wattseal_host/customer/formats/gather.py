"""What is to be written: checked readings of a period, with what is to be known of them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from wattseal.errors import Refused

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer import readings
from wattseal_host.customer.recover import Reading, Unknown, readings_of, recover
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class Gathered:
    """enrolment: the meter's; readings: oldest first, import before export, at least one;
    unknown: what no secret opens."""

    enrolment: Enrolment
    readings: list[Reading]
    unknown: list[Unknown] = field(default_factory=list)

    def records(self) -> Iterator[list[Reading]]:
        """The readings of each record, import first."""
        for _, group in groupby(self.readings, key=lambda reading: reading.seq):
            yield list(group)


def from_ledger(
    ledger: Ledger, secrets: Secrets, from_s: int, to_s: int, progress: Progress
) -> Gathered:
    """Raises what `recover` does; Refused `readings-none`."""
    found = recover(ledger, secrets, from_s, to_s, progress)
    (enrolment,) = (m for m in ledger.meters() if m.meter == secrets.meter)
    return _some(Gathered(enrolment, found.readings, found.unknown))


def from_port(
    port: CustomerPort, secrets: Secrets, from_s: int, to_s: int, progress: Progress
) -> Gathered:
    """Of the meter's current epoch. Raises what `readings.from_port` does; Refused
    `readings-none`, `meter-differs` where the port's unit is not the sealed records'."""
    enrolment = port.itself().configuration
    found: list[Reading] = []
    for stretch, openings in readings.parts_from_port(port, secrets, from_s, to_s, progress):
        if not all(enrolment.is_as_sealed(record) for record in stretch.records):
            raise Refused("meter-differs", "its unit or channels are not those of its records")
        found += readings_of(stretch, openings, enrolment.unit)
    return _some(Gathered(enrolment, found))


def _some(gathered: Gathered) -> Gathered:
    if not gathered.readings:
        raise Refused("readings-none", "no reading of this period can be opened")
    return gathered
