"""The self-test: each known answer is looked at, and the log's end must be this meter's own."""

import asyncio

import pytest
from meter import selftest
from test_meter_sealer import START_S, House
from wattseal.record import decode_sealed


@pytest.fixture
def house(storage, ticks):
    made = House(storage, ticks)

    async def live():
        await made.sealer.origin(START_S)
        for value in (1, 2):
            await made.sealer.reading(made.sealer.end_s + 1800, 0, [value], 0)

    asyncio.run(live())
    return made


def bits(house):
    return selftest.self_test(house.log, house.keys)


def test_all_passes(house):
    assert bits(house) == 15


def test_each_answer_is_looked_at(house, monkeypatch):
    real = selftest.sign
    # Right for the log's record, wrong for the known answer, and the other way round.
    monkeypatch.setattr(
        selftest, "sign", lambda key, d: bytes(64) if key == selftest._KEY else real(key, d)
    )
    assert bits(house) == 15 - selftest.SIGNATURE
    monkeypatch.setattr(
        selftest, "sign", lambda key, d: real(key, d) if key == selftest._KEY else bytes(64)
    )
    assert bits(house) == 15 - selftest.LOG
    monkeypatch.setattr(selftest, "sign", real)
    monkeypatch.setattr(selftest, "commit", lambda value, blinding: house_point())
    assert bits(house) == 15 - selftest.CURVE
    monkeypatch.setattr(selftest, "_HASH", bytes(8))
    assert bits(house) == 15 - selftest.CURVE - selftest.HASH


def house_point():
    from wattseal.p256 import G

    return G


def test_a_log_whose_end_does_not_follow_is_found(house, monkeypatch):
    before = house.log.body(1)
    monkeypatch.setattr(house.log, "body", lambda seq: before[:-1] + bytes([before[-1] ^ 1]))
    assert bits(house) == 15 - selftest.LOG


def test_a_record_of_another_place_or_key_is_found(house):
    newest = house.log.newest
    house.log.newest = house.log.read(1)
    assert bits(house) == 15 - selftest.LOG
    house.log.newest = newest[:-1] + bytes([newest[-1] ^ 1])
    assert bits(house) == 15 - selftest.LOG
    house.log.newest = newest
    assert decode_sealed(newest).seq == 2 and bits(house) == 15
