"""Registers, cuts and checkpoints in process: what is measured is sealed once, flags and all."""

import asyncio
import random
from types import SimpleNamespace

import pytest
from meter.clock import Clock
from meter.events import Events
from meter.metering import Metering
from meter.state import State
from meter.told import Told
from meter.told_load import load
from meter.watchdog import SEALING, Watchdog
from test_meter_archive import chain, collect
from test_meter_sealer import START_S, House
from wattseal.commitment import VALUE_LIMIT
from wattseal.events import POWER_ON
from wattseal.record import (
    CLOCK_STEPPED,
    CLOSED,
    INTERVAL,
    ORIGIN,
    OUTAGE,
    POWER_LOST,
    SATURATED,
    SENSOR_MISSING,
)

UJ_PER_WH = 3_600_000_000
INTERVAL_S = 1800


class Sensor:
    """power_mw and flags of every burst."""

    power_mw = 0
    flags = 0

    def measure(self):
        pass


class Works:
    """A boot of a meter up to its metering, whose tasks the test turns by hand."""

    def __init__(self, storage, ticks, channel_set=1, checkpoint_ms=60_000):
        self.ticks = ticks
        self.house = House(storage, ticks, channel_set)
        self.state = State(storage)
        self.state.load()
        self.clock = Clock(ticks)
        told = Told(storage)
        load(told, storage, self.house.log)
        self.events = Events(
            self.house.log, told, self.house.sealer, self.clock, POWER_ON, bytes(32), b"c" * 32
        )
        self.sensor = Sensor()
        self.fed = []
        self.watchdog = Watchdog(self.clock, lambda: self.fed.append(ticks.now_ms))
        settings = SimpleNamespace(burst_ms=1000, checkpoint_ms=checkpoint_ms)
        self.metering = Metering(
            self.clock, self.sensor, self.house.log, self.house.keys, self.house.openings,
            self.house.sealer, self.state, self.house.public, settings, self.house.lines.append,
            self.events, lambda: False, self.watchdog, lambda: None,
        )  # fmt: skip

    def run(self, seconds, watts=None):
        """Measure for so long, a burst a second; nothing is sealed meanwhile."""
        if watts is not None:
            self.sensor.power_mw = 1000 * watts
        for _ in range(seconds):
            self.metering.tick()
            self.ticks.now_ms += 1000
        self.metering.tick()

    def seal(self):
        """Let the sealing task do all there is to do."""

        async def turn():
            task = asyncio.create_task(self.metering.seal_forever())
            for _ in range(3000):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        self.events._decided = asyncio.Event()
        self.events.work = self.metering._work = Waiting(self.metering._work.is_set())
        asyncio.run(turn())

    def readings(self):
        """(value, hidden flags) of each channel of each record that is no event."""
        opened = self.house.openings.reading
        return [
            [opened(record, channel) for channel in range(len(record.channels))]
            for record in self.house.records()
            if record.channels
        ]


class Waiting(asyncio.Event):
    """An event that belongs to the loop it is waited for in."""

    def __init__(self, is_set):
        super().__init__()
        if is_set:
            self.set()


def test_a_reading_too_large_for_a_record_says_so_and_the_rest_follows(storage, ticks):
    works = Works(storage, ticks)
    works.run(1)
    works.metering.energy.import_uj = (VALUE_LIMIT + 5) * UJ_PER_WH
    works.run(INTERVAL_S)
    works.seal()
    works.run(INTERVAL_S)
    works.seal()
    assert works.readings() == [[(VALUE_LIMIT - 1, SATURATED)], [(6, 0)]]
    works.house.verify()


def test_export_is_counted_where_there_is_a_channel_for_it_alone(storage, ticks):
    works = Works(storage, ticks)
    works.run(INTERVAL_S, -3600)
    works.seal()
    assert works.metering.energy.export_uj == 0
    assert works.readings() == [[(0, 0)]]


def test_two_cuts_that_become_one_keep_the_flags_of_both(storage, ticks):
    """The flash refused for an interval: one record takes the time, energy and flags of two."""
    works = Works(storage, ticks)
    works.sensor.flags = SENSOR_MISSING
    works.run(600, 3600)
    works.ticks.now_ms += 5000  # more than the ticks say: the clock has stepped
    works.ticks.start_ms += 5000
    works.sensor.flags = 0
    works.run(1196)
    works.run(INTERVAL_S)
    works.seal()
    (record,) = [record for record in works.house.records() if record.channels]
    assert (record.kind, record.length_s) == (OUTAGE, 2 * INTERVAL_S)
    assert record.flags & CLOCK_STEPPED
    ((value, hidden),) = works.readings()[0]
    assert hidden == SENSOR_MISSING and value == pytest.approx(3596, abs=1)


def test_a_checkpoint_keeps_the_flags_of_cuts_that_wait(storage, ticks):
    works = Works(storage, ticks)
    works.run(INTERVAL_S - 20, 1000)
    works.seal()
    again = Works(storage, ticks)
    again.sensor.flags = SENSOR_MISSING
    again.run(5)
    again.sensor.flags = 0
    again.run(120)
    assert again.metering._waiting.quality_flags & POWER_LOST
    after = State(storage)
    assert after.load()
    assert (after.hidden_flags, after.quality_flags) == (SENSOR_MISSING, POWER_LOST)


def test_a_register_goes_on_from_the_sealed_total_where_the_checkpoint_is_older(storage, ticks):
    works = Works(storage, ticks, checkpoint_ms=86_400_000)
    works.run(1, 3600)
    checkpoint = storage.read("live/state")
    works.run(INTERVAL_S)
    works.seal()
    sealed = works.readings()[0][0][0]
    storage.replace("live/state", checkpoint)
    again = Works(storage, ticks, checkpoint_ms=86_400_000)
    assert again.metering.sealed_units() == [sealed]
    assert again.metering.energy.import_uj == sealed * UJ_PER_WH
    again.run(INTERVAL_S, 3600)
    again.seal()
    assert sum(value for ((value, _),) in again.readings()) == pytest.approx(3600, abs=2)


def test_a_boot_without_a_checkpoint_signs_no_old_record(storage, ticks):
    """Signatures of compact records are computed, which for a year of them takes minutes."""
    works = Works(storage, ticks)
    for sealed in chain(random.Random(7), 200, 1, eventful=False):
        works.house.log.append(sealed)
    collect(works.house.log, 192)
    signed = []
    log = works.house.log
    log.sign = lambda digest: signed.append(digest) or bytes(64)
    works.state.next_seq = 0
    works.house.openings.reading = lambda record, channel: (1, 0)
    works.state.sealed_units = [0, 0]
    works.metering._count_sealed_since_checkpoint(works.house.openings)
    assert works.state.sealed_units[0] == 199  # the first is the ORIGIN event
    assert signed == []


def test_a_chain_ends_where_sealed_time_stands_if_the_clock_is_behind_it(storage, ticks):
    """After a clock set far ahead by mistake and a power loss: time must not pass before it can."""
    works = Works(storage, ticks)
    works.run(INTERVAL_S, 1000)
    works.seal()
    ticks.now_ms = (START_S + 600) * 1000
    again = Works(storage, ticks)
    assert again.metering.close(3)
    again.seal()
    last = again.house.records()[-1]
    assert (last.event, last.start_s) == (CLOSED, START_S + INTERVAL_S)
    assert not again.metering.close(4)
    again.house.verify()


def test_sealing_says_by_when_it_gets_on(storage, ticks):
    """A flash that takes a write and never returns stops the watchdog's food after ten minutes."""
    works = Works(storage, ticks)
    works.run(INTERVAL_S, 1000)

    async def stuck(*_):
        await asyncio.Event().wait()

    works.house.sealer.reading = stuck
    works.seal()
    assert works.watchdog._late_ms[SEALING] > 0
    works.watchdog.feed()
    assert len(works.fed) == 1
    ticks.now_ms += 601_000
    works.watchdog.feed()
    assert len(works.fed) == 1


def test_the_whole_chain_of_a_day(storage, ticks):
    works = Works(storage, ticks)
    for _ in range(4):
        works.run(INTERVAL_S, 2000)
        works.seal()
    records = works.house.records()
    assert next(record.event for record in records if not record.channels) == ORIGIN
    assert [record.kind for record in records if record.channels] == [INTERVAL] * 4
    assert [value for ((value, _),) in works.readings()] == pytest.approx([1000] * 4, abs=1)
    works.house.verify()
