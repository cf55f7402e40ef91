"""Approvals in the chain and its file, in process: all withdrawn at the meter, known at boot."""

import asyncio

import pytest
from meter.told import Told
from meter.told_load import load
from test_meter_told import Boot
from wattseal.events import GIVEN, WITHDRAWN
from wattseal.record import APPLET

START_S = 1_767_225_600
NAMES = (bytes([1]) * 32, bytes([2]) * 32)


def approvals(boot):
    return [
        (record.payload[0], record.payload[1:])
        for record in boot.house.records()
        if record.event == APPLET
    ]


def run(boot, coroutine):
    boot.events._decided = asyncio.Event()  # each run has a loop of its own
    return asyncio.run(coroutine)


def kept(storage, boot):
    """What a boot would find of approvals."""
    told = Told(storage)
    load(told, storage, boot.house.log)
    return told.applets, told.leaving


async def decide(boot, state, name):
    deciding = asyncio.create_task(boot.events.applet(state, name))
    await asyncio.sleep(0)
    await boot.events.tell()
    return await deciding


@pytest.fixture
def boot(storage, ticks):
    """A boot in which two applets were approved."""
    made = Boot(storage, ticks).tell()
    for name in NAMES:
        assert run(made, decide(made, GIVEN, name))
        ticks.now_ms += 61_000
    return made


def test_all_are_withdrawn_at_once_and_told_one_by_one(boot, storage, ticks):
    assert boot.events.withdraw_all() is False
    assert boot.events.applets() == () and not boot.events.approved(NAMES[0])
    assert boot.events.withdraw_all() is False  # the chain has not told of it yet
    boot.tell()
    assert boot.events.withdraw_all() is True
    assert approvals(boot)[2:] == [(WITHDRAWN, name) for name in NAMES]
    boot.house.verify()
    ticks.now_ms += 61_000
    assert run(boot, decide(boot, GIVEN, NAMES[1]))  # it was for those of then
    assert Boot(storage, ticks).events.applets() == (NAMES[1],)


@pytest.mark.parametrize("told", [0, 1])
def test_the_next_boot_ends_what_a_power_cut_left(boot, storage, ticks, told):
    boot.events.withdraw_all()
    if told:
        event, payload = boot.events._next()
        asyncio.run(boot.house.sealer.event(event, payload))  # and no further: not in the file
    after = Boot(storage, ticks)
    assert after.events.work.is_set() and after.events.applets() == ()
    after.tell()
    assert approvals(after)[2:] == [(WITHDRAWN, name) for name in NAMES]
    assert after.told.applets == () and not after.told.leaving
    after.house.verify()
    assert not Boot(storage, ticks).events.work.is_set()


def test_a_flash_that_refuses_is_not_said_to_have_it(boot, storage, ticks, monkeypatch):
    def refuse(*_):
        raise OSError(5)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "replace", refuse)
        assert boot.events.withdraw_all() is False
        assert not boot.events.approved(NAMES[0])
        # That is what would come back:
        assert kept(storage, boot) == (NAMES, 0)
    assert boot.events.withdraw_all() is False
    assert kept(storage, boot) == (NAMES, 1)
    assert Boot(storage, ticks).events.applets() == ()


def test_meanwhile_home_waits_and_approves_nothing(boot):
    async def meanwhile():
        boot.events.withdraw_all()
        asked = [
            asyncio.create_task(boot.events.applet(state, NAMES[0]))
            for state in (GIVEN, WITHDRAWN)
        ]
        await asyncio.sleep(0)
        await boot.events.tell()
        return [await asyncio.wait_for(one, 5) for one in asked]

    assert run(boot, meanwhile()) == [False, True]
    assert len(approvals(boot)) == 4


def test_one_withdrawn_at_home_just_before_is_told_once(boot):
    async def meanwhile():
        asked = asyncio.create_task(boot.events.applet(WITHDRAWN, NAMES[1]))
        await asyncio.sleep(0)
        boot.events.withdraw_all()
        await boot.events.tell()
        assert await asyncio.wait_for(asked, 5)

    run(boot, meanwhile())
    assert sorted(approvals(boot)[2:]) == [(WITHDRAWN, name) for name in NAMES]
    boot.house.verify()


def test_a_chain_that_has_ended_withdraws_in_its_file(boot, storage, ticks):
    run(boot, boot.events.close(9))
    assert boot.events.withdraw_all() is True
    after = Boot(storage, ticks)
    assert after.events.closed and after.events.applets() == () and not after.told.leaving


def test_a_chain_that_ends_meanwhile_lets_nobody_wait(boot, storage, ticks):
    async def meanwhile():
        boot.events.withdraw_all()
        asked = asyncio.create_task(boot.events.applet(WITHDRAWN, NAMES[0]))
        await asyncio.sleep(0)
        await boot.events.close(9)
        return await asyncio.wait_for(asked, 5)

    assert run(boot, meanwhile()) is True
    after = Boot(storage, ticks)
    assert after.events.applets() == ()
    assert after.events.withdraw_all() is True


def test_pairing_leaves_nothing_to_withdraw(boot):
    boot.events.withdraw_all()
    boot.house.keys.prepare_epoch(b"n" * 32)
    run(boot, boot.events.pair())
    assert not boot.told.leaving and boot.told.served == {}
    assert not boot.events.due()


def test_when_an_applet_exported_outlives_the_boot(boot, storage, ticks):
    boot.events.note_export(NAMES[0], START_S + 5)
    assert Boot(storage, ticks).events.exported_s(NAMES[0]) == START_S + 5
    assert Boot(storage, ticks).events.exported_s(NAMES[1]) == 0
    # Where the file is lost it may have been at any time up to the newest record.
    storage.remove("live/told")
    after = Boot(storage, ticks)
    newest_s = boot.house.records()[-1].end_s
    assert [after.events.exported_s(name) for name in NAMES] == [newest_s] * 2
    # And it goes with the approval.
    assert run(after, decide(after, WITHDRAWN, NAMES[0]))
    ticks.now_ms += 61_000
    assert run(after, decide(after, GIVEN, NAMES[0]))
    assert Boot(storage, ticks).events.exported_s(NAMES[0]) == 0


def test_an_export_the_flash_does_not_keep_is_none(boot, storage, monkeypatch):
    def refuse(*_):
        raise OSError(5)

    monkeypatch.setattr(storage, "replace", refuse)
    with pytest.raises(OSError, match="told"):
        boot.events.note_export(NAMES[0], START_S)
