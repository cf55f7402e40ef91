"""What was used of a period, and what it costs so far: out of the ledger, with the secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from wattseal.errors import Refused
from wattseal.record import Record

from wattseal_host.customer.compare import amount_of
from wattseal_host.customer.home.house import House
from wattseal_host.customer.openings import Opening
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.tariff import Tariff

DAY_S = 86400
MOST_DAYS = 400


@dataclass(frozen=True)
class Used:
    """records: those with readings whose epoch's secret is held; openings: theirs, checked;
    unknown: how many others there are."""

    enrolment: Enrolment
    records: Sequence[Record]
    openings: Sequence[Opening]
    unknown: int

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        return [(record.start_s, record.end_s) for record in self.records]

    def column(self, channel: str = "import") -> list[int]:
        channels = self.enrolment.channels
        return [one.value for one in self.openings[channels.index(channel) :: len(channels)]]


@dataclass(frozen=True)
class Cost:
    """amount: payable if the bill ended at to_s, in minor units."""

    tariff: Tariff
    amount: int
    from_s: int
    to_s: int

    @property
    def text(self) -> str:
        return f"{self.tariff.currency.major(self.amount)} {self.tariff.currency.code}"


def used(house: House, from_s: int, to_s: int) -> Used:
    """Of the records that begin within from_s..to_s. Raises Refused `readings-none`,
    `opening-false`, `meter-pinned`."""
    held = house.held()
    with Ledger.existing(house.ledger) as ledger:
        enrolment = next((m for m in ledger.meters() if m.meter == held.meter), None)
        if enrolment is None:
            raise Refused("readings-none")
        if enrolment.key != held.key:
            raise Refused("meter-pinned")
        stretch = ledger.between(held.meter, from_s, to_s)
    readings = [i for i, record in enumerate(stretch.records) if record.channels]
    ours = [i for i in readings if stretch.records[i].epoch in held.epochs]
    if not ours:
        raise Refused("readings-none")
    chosen = stretch.pick(ours)
    openings = held.opener().open_stretch(chosen)
    return Used(enrolment, chosen.records, openings, len(readings) - len(ours))


def cost(house: House, from_s: int, to_s: int) -> Cost:
    """By the first tariff, of the known readings after the last gap. Raises Refused `tariff-*`."""
    tariff = house.tariffs[0]
    found = used(house, from_s, to_s)
    gaps = [at for at, (a, b) in enumerate(pairwise(found.records), 1) if a.end_s != b.start_s]
    begin = gaps[-1] if gaps else 0
    records = found.records[begin:]
    start_s, end_s = records[0].start_s, records[-1].end_s
    if start_s < tariff.from_s or end_s > tariff.to_s:
        raise Refused("tariff-period")
    openings = found.openings[begin * len(found.enrolment.channels) :]
    amount = amount_of(tariff, found.enrolment, records, openings)
    return Cost(tariff, amount, start_s, end_s)


def month_of(house: House, at_s: int) -> int:
    """When the local calendar month of a moment began."""
    zone = ZoneInfo(house.zone)
    now = datetime.fromtimestamp(at_s, zone)
    return int(datetime(now.year, now.month, 1, tzinfo=zone).timestamp())


def days_of(house: House, first: str, last: str, span: tuple[int, int]) -> tuple[int, int]:
    """UTC seconds of the local days first..last ("2026-01-31", both included); the last week of
    the ledger where they are no such days, or none of them."""
    zone = ZoneInfo(house.zone)
    try:
        days = [datetime.strptime(text, "%Y-%m-%d") for text in (first, last)]
        ok = days[0].year > 1970 and days[1].year < 2106
    except ValueError:
        ok = False
    if not ok or not timedelta(0) <= days[1] - days[0] < timedelta(MOST_DAYS):
        today = datetime.fromtimestamp(span[1] - 1, zone).replace(
            hour=0, minute=0, second=0, microsecond=0, tzinfo=None
        )
        days = [today - timedelta(6), today]
    begin = days[0].replace(tzinfo=zone)
    end = (days[1] + timedelta(1)).replace(tzinfo=zone)
    return max(0, int(begin.timestamp())), int(end.timestamp())


def day_name(house: House, at_s: int) -> str:
    """ "2026-01-31", local."""
    return datetime.fromtimestamp(at_s, UTC).astimezone(ZoneInfo(house.zone)).date().isoformat()


def clock(house: House, at_s: int) -> str:
    """ "2026-01-31 23:30", local."""
    return datetime.fromtimestamp(at_s, ZoneInfo(house.zone)).strftime("%Y-%m-%d %H:%M")
