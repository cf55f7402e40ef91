"""Events on arrival: the ledger checks each against all before it, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sealed_house import START_S, House, SealingMeter
from wattseal import events, record
from wattseal.errors import Refused
from wattseal_host.ledger import Ledger

DAY_S = 86400


def clock(counter: int, before_s: int, after_s: int) -> tuple[int, bytes]:
    return record.CLOCK_SET, events.clock_set_payload(counter, before_s, after_s)


def switched(code: int, state: int) -> tuple[int, bytes]:
    return code, events.switch_payload(state, START_S)


def life() -> SealingMeter:
    """A meter that has told of everything there is, but for its end."""
    meter = SealingMeter("events").origin().event(record.BOOT, b"\1" + bytes(32))
    meter.event(*clock(1, 0, START_S)).event(record.CALIBRATED, bytes(32)).reading(5)
    meter.event(*clock(2, START_S + 10, START_S + 50)).reading(5)
    meter.event(*switched(record.TAMPER, events.OPENED)).reading(5)
    meter.event(*switched(record.CONSENT, events.GIVEN)).reading(5)
    meter.rebooted(events.WATCHDOG).event(record.ROTATED, events.u32(3)).reading(5)
    return meter


def collect(tmp_path: Path, meter: SealingMeter, batch: int) -> None:
    with Ledger(tmp_path / "events.db") as ledger:
        ledger.add_meter(House(meter).enrolment)
        for at in range(0, len(meter.sealed), batch):
            ledger.append(meter.meter, meter.sealed[at : at + batch], "utility")


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_life_with_every_event_is_collected(tmp_path: Path, batch: int) -> None:
    meter = life().rebooted().event(*clock(3, 0, START_S + 9 * DAY_S)).reading(5)
    collect(tmp_path, meter.event(record.CLOSED, events.u32(4)), batch)


def more(*added: tuple[int, bytes]) -> Callable[[SealingMeter], None]:
    def tell(meter: SealingMeter) -> None:
        for code, payload in added:
            meter.event(code, payload)

    return tell


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize(
    ("code", "tell"),
    [
        ("chain-clock", more(clock(3, START_S + 60, START_S + 81))),
        ("chain-clock", more(clock(3, 0, START_S))),
        ("chain-clock", more(clock(2, START_S + DAY_S, START_S + DAY_S))),
        ("chain-event", more(switched(record.TAMPER, events.OPENED))),
        ("chain-event", more(switched(record.CONSENT, events.GIVEN))),
        ("chain-event", more((record.CALIBRATED, bytes(32)))),
        ("chain-event", more((record.ROTATED, events.u32(3)))),
        ("chain-event", more((record.CLOSED, events.u32(2)))),
        ("chain-boot", more((record.BOOT, b"\1" + bytes(32)))),
        ("chain-closed", lambda meter: meter.event(record.CLOSED, events.u32(9)).reading(5)),
    ],
)
def test_an_event_that_cannot_follow_is_refused(
    tmp_path: Path, code: str, tell: Callable[[SealingMeter], None], batch: int
) -> None:
    meter = life()
    tell(meter)
    with pytest.raises(Refused) as caught:
        collect(tmp_path, meter, batch)
    assert caught.value.code == code
