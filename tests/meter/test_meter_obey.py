"""Orders judged in process: what the board's still clock cannot show."""

import asyncio
from types import SimpleNamespace

import pytest
from meter import obey
from meter.app import _keep_clock
from meter.clock import Clock
from meter.orders import Orders
from meter.told import Told
from meter.watchdog import CUSTOMER, ORDERS, UTILITY, Watchdog
from wattseal.ecdsa import public_key, sign
from wattseal.events import POWER_ON, RESET
from wattseal.labels import CLOCK_ORDER, CLOSE_ORDER
from wattseal.orders import order_digest
from wattseal.p256 import encode_point

SECRET = 0xC0FFEE
METER = bytes(range(16))
NOW_S = 1_767_225_600
YEAR_S = 31_557_600
CLOCK, CLOSE = 1, 2


class Desk:
    """Orders of a meter whose newest record ends at `sealed_s`."""

    def __init__(self, storage, ticks, sealed_s=0):
        self.ticks = ticks
        self.set = []
        self.clock = Clock(ticks, self.set.append)
        storage.folder("live")
        self.told = Told(storage)
        self.closed = []
        events = SimpleNamespace(closed=False, work=asyncio.Event())
        metering = SimpleNamespace(
            tick=lambda: None, sealed_s=lambda: sealed_s, close=self.closed.append
        )
        self.orders = Orders(
            self.clock, self.told, events, METER, 5, encode_point(public_key(SECRET)),
            lambda label: bytes(32), metering, Watchdog(self.clock, lambda: None),
        )  # fmt: skip

    def give(self, time_s, counter=1, kind=CLOCK):
        challenge = bytes(16)
        label = CLOCK_ORDER if kind == CLOCK else CLOSE_ORDER
        digest = order_digest(label, METER, challenge, counter, time_s)
        order = kind.to_bytes(2, "big") + counter.to_bytes(4, "big") + time_s.to_bytes(4, "big")
        self.orders.arrived_ms = self.clock.monotonic_ms()
        return asyncio.run(obey.judge(self.orders, order + sign(SECRET, digest), challenge))


def test_the_time_it_takes_to_judge_counts(storage, ticks, monkeypatch):
    """An ESP32 verifies for about a second and a half; the order named the time it arrived."""
    desk = Desk(storage, ticks)
    desk.clock.keep_by_orders(False)
    signed = obey._is_signed

    async def slowly(*arguments):
        ticks.now_ms += 1500
        return await signed(*arguments)

    monkeypatch.setattr(obey, "_is_signed", slowly)
    assert desk.give(NOW_S + 1000) == obey.OBEYED
    assert desk.clock.utc_ms() == 1000 * (NOW_S + 1000) + 1500


def test_a_free_setting_may_not_be_a_century_off(storage, ticks):
    desk = Desk(storage, ticks, sealed_s=NOW_S)
    desk.clock.keep_by_orders(False)
    assert desk.give(NOW_S + 11 * YEAR_S) == obey.TIME
    assert (desk.told.order, desk.told.counter) == (0, 0)
    assert desk.give(NOW_S + 9 * YEAR_S) == obey.OBEYED


def test_a_meter_that_has_sealed_nothing_takes_any_time(storage, ticks):
    desk = Desk(storage, ticks)
    desk.clock.keep_by_orders(False)
    assert desk.give(NOW_S + 30 * YEAR_S) == obey.OBEYED


def test_the_counter_of_a_close_order_is_durable_before_it_is_obeyed(storage, ticks):
    desk = Desk(storage, ticks)
    seen = []

    def close(counter):
        kept = storage.read("live/told")
        seen.append((counter, int.from_bytes(kept[4:8], "big")))
        return True

    desk.orders.metering.close = close
    assert desk.give(NOW_S, 9, CLOSE) == obey.OBEYED
    assert seen == [(9, 9)]
    assert desk.give(NOW_S, 9, CLOSE) == obey.COUNTER


@pytest.mark.parametrize(
    ("clock_boot", "cause", "kept"),
    [(4, RESET, True), (3, RESET, False), (4, POWER_ON, False), (0, RESET, False)],
)
def test_a_clock_is_kept_through_the_very_next_boot_alone(storage, ticks, clock_boot, cause, kept):
    told = Told(storage)
    told.clock_boot = clock_boot
    clock = Clock(ticks)
    said = _keep_clock(clock, told, 5, cause)
    assert clock.is_set() == kept
    assert told.clock_boot == (5 if kept else 0)
    assert said == (POWER_ON if clock_boot == 3 else cause)


@pytest.mark.parametrize("task", [CUSTOMER, UTILITY, ORDERS])
def test_the_watchdog_looks_at_every_task(ticks, task):
    fed = []
    watchdog = Watchdog(Clock(ticks), lambda: fed.append(task))
    watchdog.promise(task, 1000)
    watchdog.feed()
    ticks.now_ms += 1001
    watchdog.feed()
    assert fed == [task]
    watchdog.rest(task)
    watchdog.feed()
    assert fed == [task] * 2
