"""A provider's hand on an emulated meter: orders over the utility port, and what the chain says."""

from collections.abc import Iterator
from contextlib import contextmanager

from meter_bench import START_S, Customer, board
from wattseal.chain import Chain, verify_stretch
from wattseal.record import (
    BOOT,
    CALIBRATED,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    EVENT,
    INTERVAL,
    ORIGIN,
    OUTAGE,
    PAIRED,
    ROTATED,
    TAMPER,
    decode_origin,
)
from wattseal_hil.loads import ConstantLoad
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.provider import orders
from wattseal_host.provider.office import Office

NAMES = {
    ORIGIN: "origin", PAIRED: "paired", BOOT: "boot", CLOCK_SET: "clock", TAMPER: "tamper",
    CALIBRATED: "calibrated", ROTATED: "rotated", CLOSED: "closed", CONSENT: "consent",
}  # fmt: skip
KINDS = {INTERVAL: "interval", OUTAGE: "outage"}


def verify(records):
    """Refuse a chain that is not whole from its ORIGIN on."""
    chain = Chain(decode_origin(records[0].payload)[3])
    verify_stretch([record.body for record in records], records[-1].signature, chain)


def story(records):
    """The chain in words: (name, start after START_S, length, flags), events by name alone."""
    return [
        NAMES[record.event] if record.kind == EVENT
        else (KINDS[record.kind], record.start_s - START_S, record.length_s, record.flags)
        for record in records
    ]  # fmt: skip


class Desk:
    """An office, and a meter that was commissioned with its key and boots without a clock."""

    def __init__(self, folder, **options):
        self.office = Office.create(folder / "office")
        self.other = Office.create(folder / "other office")
        settings = {"provider": self.office.public.hex(), **options.pop("settings", {})}
        options = {"load": ConstantLoad(1000), "start_s": START_S, "rtc": False, **options}
        self.board = board(folder / "board", settings=settings, **options)
        self.board.power_on()
        self.customer = Customer(self.board)

    def after(self, seconds):
        self.board.run_until(START_S + seconds)

    def order(self, kind=orders.CLOCK, by_s=0, office=None, meter=None, far=False):
        """Give an order that names the board's true time, or `by_s` beside it."""
        with UtilityPort(self.board.utility_port) as port:
            return orders.give(
                office or self.office, port, kind, lambda: self.board.now_s + by_s, meter, far
            )

    def records(self):
        records = self.customer.records()
        if records:
            verify(records)
        return records

    def events(self, code):
        return [record.payload for record in self.records() if record.event == code]


@contextmanager
def desk(folder, **options) -> Iterator[Desk]:
    opened = Desk(folder, **options)
    try:
        yield opened
    finally:
        opened.customer.close()
        opened.board.close()
