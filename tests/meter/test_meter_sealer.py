"""The sealer in process: one body for each number, whatever the flash does."""

import asyncio

import pytest
from meter import sealer as sealer_module
from meter.clock import Clock
from meter.keys import Keys
from meter.log import Log
from meter.openings import Openings
from meter.public import Public
from meter.sealer import Sealer, shape
from test_meter_keys import CUSTOMER, Entropy
from wattseal.chain import Chain, verify_stretch
from wattseal.commitment import opens
from wattseal.errors import Refused
from wattseal.p256 import decode_point
from wattseal.record import (
    BOOT,
    CLOCK_UNSET,
    INTERVAL,
    LEAD_IN,
    OUTAGE,
    POWER_LOST,
    decode_sealed,
)

START_S = 1_767_225_600


class House:
    """What a boot builds around the sealer."""

    def __init__(self, storage, ticks, channel_set=1):
        self.lines = []
        self.log = Log(storage)
        boot = decode_sealed(self.log.newest).boot if self.log.count else 0
        self.keys = Keys(storage, Entropy(), lambda: b"", boot, self.log.count > 0)
        self.public = Public(
            Clock(ticks), self.log, self.keys.meter, self.keys.public, self.keys.boot,
            self.keys.epoch, (1800, 0, channel_set), False, False,
        )
        self.openings = Openings(self.keys)
        self.sealer = Sealer(self.log, self.keys, self.openings, self.public, self.lines.append)

    def records(self):
        return [decode_sealed(self.log.read(seq)) for seq in range(self.log.count)]

    def verify(self):
        records = self.records()
        chain = Chain(self.keys.public)
        verify_stretch([record.body for record in records], records[-1].signature, chain)


@pytest.fixture(autouse=True)
def retry_at_once(monkeypatch):
    monkeypatch.setattr(sealer_module, "_RETRY_S", 0)


def test_a_chain_with_two_channels_pairing_and_reboots(storage, ticks):
    house = House(storage, ticks, channel_set=3)

    async def live():
        await house.sealer.origin(START_S + 60)
        await house.sealer.reading(START_S + 1800, LEAD_IN, [17, 3], 0)
        await house.sealer.reading(START_S + 3600, 0, [500, 2**32 - 1], 1)
        house.keys.prepare_epoch(CUSTOMER)
        await house.sealer.paired()
        await house.sealer.reading(START_S + 5400, 0, [0, 0], 0)

    asyncio.run(live())
    house = House(storage, ticks, channel_set=3)
    assert (house.sealer.end_s, house.public.epoch) == (START_S + 5400, 1)
    asyncio.run(house.sealer.event(BOOT, b"\1" + bytes(32)))
    asyncio.run(house.sealer.reading(START_S + 9000, POWER_LOST, [1, 1], 0))
    house.verify()
    records = house.records()
    assert [record.kind for record in records] == [3, OUTAGE, INTERVAL, 3, INTERVAL, 3, OUTAGE]
    assert [record.epoch for record in records] == [0, 0, 0, 0, 1, 1, 1]
    assert [record.boot for record in records] == [1, 1, 1, 1, 1, 2, 2]
    for record, values in ((records[4], (0, 0)), (records[6], (1, 1))):
        for channel, value in enumerate(values):
            point = decode_point(record.channels[channel][0])
            blinding = house.openings.blinding(record.boot, record.seq, channel)
            assert opens(point, value, blinding)
            assert house.openings.reading(record, channel) == (value, 0)


@pytest.mark.parametrize("written", [0, 100, 220])
def test_a_failed_write_is_repeated_with_the_same_bytes(storage, ticks, written):
    """Whether nothing, a part or all of the record reached the flash before the error."""
    house = House(storage, ticks)
    asyncio.run(house.sealer.origin(START_S))
    append = storage.append
    attempts = []

    def fail_thrice(name, data):
        attempts.append(data)
        if len(attempts) > 3:
            append(name, data)
        else:
            append(name, data[:written])
            raise OSError(5)

    storage.append = fail_thrice
    asyncio.run(house.sealer.reading(START_S + 1800, 0, [42], 0))
    assert len(set(attempts)) == 1
    assert len(attempts) == (1 if written == 220 else 4)
    assert len(house.lines) == 1
    assert house.log.count == 2
    asyncio.run(house.sealer.reading(START_S + 3600, 0, [43], 0))
    house.verify()


def test_nothing_is_visible_before_it_is_durable(storage, ticks):
    house = House(storage, ticks)
    append = storage.append

    def look(name, data):
        assert (house.log.count, house.log.newest, house.log.read(0)) == (0, b"", b"")
        append(name, data)

    storage.append = look
    asyncio.run(house.sealer.origin(START_S))
    assert house.log.count == 1


def test_what_was_prepared_for_another_record_is_not_used(storage, ticks):
    house = House(storage, ticks)

    async def live():
        await house.sealer.prepare()  # for number 0, which becomes the ORIGIN event
        await house.sealer.origin(START_S)
        await house.sealer.reading(START_S + 1800, 0, [1], 0)

    asyncio.run(live())
    record = house.records()[1]
    blinding = house.openings.blinding(1, 1, 0)
    assert opens(decode_point(record.channels[0][0]), 1, blinding)


def test_a_power_cut_between_the_event_and_the_change_of_keys(storage, ticks):
    house = House(storage, ticks)

    async def live():
        await house.sealer.origin(START_S)
        house.keys.prepare_epoch(CUSTOMER)
        house.keys.begin_epoch = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
        await house.sealer.paired()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(live())
    house = House(storage, ticks)
    assert (house.keys.epoch, house.keys.pending) == (1, b"")
    asyncio.run(house.sealer.event(BOOT, b"\1" + bytes(32)))
    asyncio.run(house.sealer.reading(START_S + 1800, 0, [1], 0))
    house.verify()


def test_a_flash_that_refuses_the_new_keys_is_asked_again(storage, ticks):
    house = House(storage, ticks)
    replace = storage.replace
    refusals = [OSError(5)] * 3

    def refuse(name, data):
        if name == "keys/epochs" and refusals:
            raise refusals.pop()
        replace(name, data)

    async def live():
        await house.sealer.origin(START_S)
        house.keys.prepare_epoch(CUSTOMER)
        storage.replace = refuse
        await house.sealer.paired()
        await house.sealer.reading(START_S + 1800, 0, [7], 0)

    asyncio.run(live())
    assert not refusals
    assert house.lines == ["epoch 1 is not written, trying again: 5"]
    assert (house.keys.epoch, house.public.epoch, house.records()[2].epoch) == (1, 1, 1)
    house.verify()


def test_a_newest_record_that_rots_has_no_second_body(storage, ticks, tmp_path):
    house = House(storage, ticks)

    async def live():
        await house.sealer.origin(START_S)
        await house.sealer.reading(START_S + 1800, 0, [7], 0)

    asyncio.run(live())
    shown = house.log.newest
    segment = tmp_path / "log" / "00000"
    data = bytearray(segment.read_bytes())
    data[-100] ^= 1
    segment.write_bytes(data)
    house = House(storage, ticks)
    assert (house.log.count, house.log.newest) == (2, shown)
    asyncio.run(house.sealer.event(BOOT, b"\1" + bytes(32)))
    asyncio.run(house.sealer.reading(START_S + 3600, POWER_LOST, [1], 0))
    house.verify()
    assert house.log.read(1) == shown


def test_no_pairing_while_an_epoch_begins(storage, ticks):
    """The secret whose name the event carries is the one that becomes current."""
    house = House(storage, ticks)
    append = storage.append

    async def live():
        await house.sealer.origin(START_S)
        house.keys.prepare_epoch(CUSTOMER)
        pending = house.keys.pending

        def interrupted(name, data):
            with pytest.raises(Refused) as refusal:
                house.keys.prepare_epoch(bytes(32))
            assert refusal.value.code == "pairing-busy"
            append(name, data)

        storage.append = interrupted
        await house.sealer.paired()
        assert house.keys.epoch_secret == pending
        house.keys.prepare_epoch(CUSTOMER)

    asyncio.run(live())


def test_keys_of_another_epoch_are_refused(storage, ticks):
    house = House(storage, ticks)

    async def live():
        await house.sealer.origin(START_S)
        house.keys.prepare_epoch(CUSTOMER)
        await house.sealer.paired()

    asyncio.run(live())
    storage.replace("keys/epochs", bytes(36))
    with pytest.raises(Refused) as refusal:
        House(storage, ticks)
    assert refusal.value.code == "keys-lost"


@pytest.mark.parametrize(
    ("start_s", "end_s", "flags", "expected"),
    [
        (0, 1800, 0, (INTERVAL, 0)),
        (0, 1800, POWER_LOST | CLOCK_UNSET, (INTERVAL, POWER_LOST)),
        (0, 3600, POWER_LOST, (OUTAGE, POWER_LOST)),
        (0, 3600, 0, (OUTAGE, POWER_LOST)),
        (60, 1800, LEAD_IN, (OUTAGE, LEAD_IN)),
        (60, 1860, LEAD_IN, (OUTAGE, LEAD_IN)),
    ],
)
def test_shapes(start_s, end_s, flags, expected):
    assert shape(start_s, end_s, 1800, flags) == expected
