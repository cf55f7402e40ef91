"""What the chain was told, in process: due in its order, once, and known again after any cut."""

import asyncio

import pytest
from meter.clock import Clock
from meter.consent import Consent
from meter.events import Events
from meter.told import Told
from meter.told_load import load
from test_meter_sealer import CUSTOMER, START_S, House
from wattseal.errors import Refused
from wattseal.events import GIVEN, OPENED, POWER_ON, SHUT, WATCHDOG, WITHDRAWN, u32
from wattseal.orders import consent_proof
from wattseal.record import (
    BOOT,
    CALIBRATED,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    EVENT,
    PAIRED,
    ROTATED,
    TAMPER,
)

FIELDS = ("order", "day", "spent_s", "oldest", "case", "consent", "calibration", "counter")


class Boot:
    """A boot of a meter up to its events."""

    def __init__(self, storage, ticks, cause=POWER_ON, calibration=b"c" * 32):
        self.storage = storage
        self.house = House(storage, ticks)
        self.told = Told(storage)
        load(self.told, storage, self.house.log)
        self.events = Events(
            self.house.log, self.told, self.house.sealer, Clock(ticks), cause, bytes(32),
            calibration,
        )  # fmt: skip
        if not self.house.log.count:
            asyncio.run(self.house.sealer.origin(START_S))

    def tell(self):
        asyncio.run(self.events.tell())
        return self

    def codes(self):
        return [record.event for record in self.house.records() if record.kind == EVENT][1:]

    def state(self):
        return [getattr(self.told, name) for name in FIELDS]


def setting(told, counter, before_s, after_s):
    told.order = told.counter = counter
    told.before_s, told.after_s = before_s, after_s
    assert told.save()


def test_everything_due_is_told_once_and_in_order(storage, ticks):
    boot = Boot(storage, ticks)
    boot.events.case(True)
    setting(boot.told, 3, 0, START_S)
    boot.tell().tell()
    assert boot.codes() == [BOOT, CLOCK_SET, CALIBRATED, TAMPER]
    boot.house.log.oldest = 2
    boot.tell().tell()
    boot.house.log.oldest = 0  # they are still there
    assert boot.codes()[4:] == [ROTATED]
    assert boot.house.records()[-1].payload == u32(2)
    boot.house.verify()


def test_a_meter_that_has_nothing_to_tell_has_nothing_due(storage, ticks):
    boot = Boot(storage, ticks)
    assert boot.events.due()
    boot.tell()
    assert not boot.events.due()
    boot.events.case(False)
    assert not boot.events.due()


def live(boot):
    """Tell of everything; the state after it."""

    async def consent():
        telling = asyncio.create_task(boot.events.consent(GIVEN))
        await asyncio.sleep(0)
        await boot.events.tell()
        assert await telling

    boot.tell()
    boot.house.keys.prepare_epoch(CUSTOMER)
    asyncio.run(boot.events.pair())
    asyncio.run(consent())
    boot.events.case(True)
    setting(boot.told, 8, START_S, START_S + 30)
    boot.told.day, boot.told.spent_s = START_S // 86400, 30
    boot.tell()
    return boot


@pytest.mark.parametrize("lost", [False, True])
def test_the_next_boot_knows_what_was_told(storage, ticks, lost):
    """By its file, or where that is lost from the log."""
    boot = live(Boot(storage, ticks))
    if lost:
        storage.remove("live/told")
    after = Boot(storage, ticks, cause=WATCHDOG)
    assert after.state() == boot.state()
    assert (after.told.case, after.told.consent, after.told.order) == (OPENED, GIVEN, 8)
    assert not after.events.due()
    after.tell().house.verify()
    assert after.codes() == [BOOT, CALIBRATED, PAIRED, CONSENT, CLOCK_SET, TAMPER, BOOT]


def test_a_cut_between_an_event_and_its_file(storage, ticks):
    """The newest record's news is taken from the log, so that nothing is told twice."""
    boot = live(Boot(storage, ticks))
    before = storage.read("live/told")
    boot.events.case(False)
    boot.tell()
    storage.replace("live/told", before)
    after = Boot(storage, ticks)
    assert after.told.case == SHUT
    after.events.case(False)
    after.tell().house.verify()
    assert after.codes().count(TAMPER) == 2


def test_a_cut_after_an_event_then_a_boot_that_seals_and_another(storage, ticks):
    """What the file lacks is in the newest record for one boot only, so it is kept at once."""
    boot = Boot(storage, ticks)
    boot.tell()
    before = storage.read("live/told")
    boot.events.case(True)
    boot.tell()
    storage.replace("live/told", before)  # the power failed in between
    second = Boot(storage, ticks)
    assert second.told.unsaved
    second.events.case(True)
    second.tell()
    assert not second.told.unsaved
    third = Boot(storage, ticks)
    third.events.case(True)
    third.tell()
    assert third.codes().count(TAMPER) == 1
    third.house.verify()


def test_an_event_whose_file_the_flash_refuses_is_kept_before_the_next(storage, ticks, monkeypatch):
    boot = Boot(storage, ticks)
    boot.tell()
    replace, refused = storage.replace, []

    def refusing(name, data):
        if name == "live/told" and len(refused) < 3:
            refused.append(boot.house.log.count)
            raise OSError(5)
        replace(name, data)

    monkeypatch.setattr(storage, "replace", refusing)
    monkeypatch.setattr("meter.sealer._RETRY_S", 0)
    boot.house.sealer.on_retry = lambda: None
    boot.events.case(True)
    boot.house.log.oldest = 2
    boot.tell()
    boot.house.log.oldest = 0
    # Nothing was sealed after the first event until its file was written.
    assert refused == [4, 4, 4]
    assert boot.codes() == [BOOT, CALIBRATED, ROTATED, TAMPER]


def test_a_setting_that_went_with_the_power_is_not_told(storage, ticks):
    boot = Boot(storage, ticks).tell()
    setting(boot.told, 5, 0, START_S)
    after = Boot(storage, ticks, cause=POWER_ON).tell()
    assert (after.codes(), after.told.order) == ([BOOT, CALIBRATED, BOOT], 5)
    # A watchdog's reset keeps the clock, and so the setting.
    setting(after.told, 6, 0, START_S)
    last = Boot(storage, ticks, cause=WATCHDOG).tell()
    assert last.codes()[3:] == [BOOT, CLOCK_SET]
    last.house.verify()


def test_a_setting_the_log_has_told_is_not_told_again(storage, ticks):
    """The power failed between the event and the file; the clock went on through a reset."""
    boot = Boot(storage, ticks).tell()
    setting(boot.told, 5, 0, START_S)
    pending = storage.read("live/told")
    boot.tell()
    storage.replace("live/told", pending)
    after = Boot(storage, ticks, cause=WATCHDOG)
    assert (after.told.counter, after.told.order) == (0, 5)
    after.tell().house.verify()
    assert after.codes().count(CLOCK_SET) == 1


def test_a_switch_that_chatters_fills_no_log(storage, ticks):
    boot = Boot(storage, ticks).tell()
    for second in range(1200):
        ticks.now_ms += 1000
        boot.events.case(second % 2 == 0)
        if boot.events.due():
            boot.tell()
    assert 8 <= boot.codes().count(TAMPER) <= 10
    for _ in range(2):  # how it stands in the end is told
        ticks.now_ms += 900_000
        boot.events.case(False)
        boot.tell()
    assert boot.told.case == SHUT
    count = boot.codes().count(TAMPER)
    ticks.now_ms += 5_000_000
    boot.events.case(False)
    assert not boot.events.due()
    boot.events.case(True)  # and a case that was left alone is heard at once
    assert boot.tell().codes().count(TAMPER) == count + 1
    boot.house.verify()


def test_an_opening_while_news_must_wait_is_told_later(storage, ticks):
    boot = Boot(storage, ticks).tell()
    for opened in (True, False) * 4:
        boot.events.case(opened)
        boot.tell()
    ticks.now_ms += 1000
    opened_s = ticks.now_ms // 1000
    for opened in (True, False, True, False):
        boot.events.case(opened)
        ticks.now_ms += 5000
    assert not boot.events.due()
    for _ in range(2):
        ticks.now_ms += 900_000
        boot.events.case(False)
        boot.tell()
    told = [r.payload for r in boot.house.records() if r.event == TAMPER][8:]
    assert [payload[0] for payload in told] == [OPENED, SHUT]
    assert int.from_bytes(told[0][1:], "big") == opened_s
    boot.house.verify()


def test_a_closed_chain_stays_closed(storage, ticks):
    boot = Boot(storage, ticks).tell()
    asyncio.run(boot.events.close(4))
    after = Boot(storage, ticks)
    assert (after.events.closed, after.told.order, after.codes()[-1]) == (True, 4, CLOSED)


def test_consent_too_soon_or_before_the_chain(storage, ticks):
    boot = Boot(storage, ticks).tell()

    async def turns():
        results = []
        for state in (GIVEN, WITHDRAWN, GIVEN):
            turn = asyncio.create_task(boot.events.consent(state))
            await asyncio.sleep(0)
            await boot.events.tell()
            results.append(await turn)
        return results

    assert asyncio.run(turns()) == [True, True, False]
    assert not boot.events.consented()
    boot.house.sealer.end_s = None
    ticks.now_ms += 61_000
    assert not asyncio.run(boot.events.consent(GIVEN))


def giving(boot, ticks):
    """The meter's consent desk, and a proof by whoever is paired now that consent is given."""
    desk = Consent(Clock(ticks), boot.house.keys, boot.events, None)
    keys = boot.house.keys
    _, challenge = desk.challenge()
    return desk, consent_proof(keys.epoch_secret, keys.meter, keys.epoch, challenge, GIVEN)


def test_the_old_customer_cannot_consent_for_the_new_one(storage, ticks):
    """Asked while the PAIRED event is being sealed, with the secret that ends there."""
    boot = Boot(storage, ticks).tell()
    asyncio.run(boot.house.sealer.reading(START_S + 1800, 0, [1], 0))
    desk, proof = giving(boot, ticks)
    boot.house.keys.prepare_epoch(b"n" * 32)

    async def run():
        pairing = asyncio.create_task(boot.events.pair())
        for _ in range(5):
            await asyncio.sleep(0)
        asked = asyncio.create_task(desk.decide(GIVEN, proof))
        await pairing
        with pytest.raises(Refused) as error:
            await asyncio.wait_for(asked, 10)
        assert error.value.code == "consent-busy"
        await boot.events.tell()

    asyncio.run(run())
    assert not boot.events.consented()
    assert CONSENT not in boot.codes()


def test_consent_is_withdrawn_from_a_meter_whose_chain_has_ended(storage, ticks):
    boot = Boot(storage, ticks).tell()

    async def run():
        given = asyncio.create_task(boot.events.consent(GIVEN))
        await asyncio.sleep(0)
        await boot.events.tell()
        assert await given
        await boot.events.close(7)
        assert boot.events.consented()
        assert await asyncio.wait_for(boot.events.consent(WITHDRAWN), 10)

    asyncio.run(run())
    assert not boot.events.consented()
    again = Boot(storage, ticks)
    assert again.events.closed and not again.events.consented()


def decided(boot, desk, state, proof):
    """What becomes of a proof at the desk, the events being told meanwhile."""

    async def run():
        asked = asyncio.create_task(desk.decide(state, proof))
        await asyncio.sleep(0)
        await boot.events.tell()
        await asked

    try:
        asyncio.run(run())
    except Refused as error:
        return error.code
    return None


def test_a_proof_serves_once_and_for_a_minute(storage, ticks):
    boot = Boot(storage, ticks).tell()
    desk, proof = giving(boot, ticks)
    ticks.now_ms += 60_001
    assert decided(boot, desk, GIVEN, proof) == "consent-proof"
    ticks.now_ms -= 60_001
    assert decided(boot, desk, GIVEN, proof) == "consent-proof"  # it was asked with once
    desk, proof = giving(boot, ticks)
    ticks.now_ms += 59_000
    assert decided(boot, desk, GIVEN, proof) is None
    assert decided(boot, desk, GIVEN, proof) == "consent-proof"
    assert boot.codes().count(CONSENT) == 1


def test_values_are_shown_only_while_consent_is_both_wanted_and_in_the_chain(storage, ticks):
    boot = Boot(storage, ticks).tell()
    seen = []

    async def change(state):
        asked = asyncio.create_task(boot.events.consent(state))
        await asyncio.sleep(0)
        seen.append(boot.events.consented())  # wanted, and not yet in the chain
        await boot.events.tell()
        assert await asked
        seen.append(boot.events.consented())

    async def both():
        await change(GIVEN)
        await change(WITHDRAWN)

    asyncio.run(both())
    assert seen == [False, True, False, False]


def test_pairing_withdraws_what_was_given_before_the_event_is_sealed(storage, ticks):
    boot = Boot(storage, ticks).tell()
    desk, proof = giving(boot, ticks)
    assert decided(boot, desk, GIVEN, proof) is None
    asyncio.run(boot.house.sealer.reading(START_S + 1800, 0, [1], 0))
    boot.house.keys.prepare_epoch(b"n" * 32)
    seen = []

    async def run():
        pairing = asyncio.create_task(boot.events.pair())
        while not pairing.done():
            await asyncio.sleep(0)
            seen.append(boot.events.consented())

    asyncio.run(run())
    assert len(seen) > 3 and not any(seen)
    boot.tell()
    assert not boot.events.due() and CONSENT not in boot.codes()[4:]
    boot.house.verify()


@pytest.mark.parametrize("state", [GIVEN, WITHDRAWN])
def test_who_asks_while_the_chain_ends_is_answered(storage, ticks, state):
    boot = Boot(storage, ticks).tell()
    boot.told.consent = WITHDRAWN if state == GIVEN else GIVEN

    async def run():
        asked = asyncio.create_task(boot.events.consent(state))
        await asyncio.sleep(0)
        await boot.events.close(7)
        return await asyncio.wait_for(asked, 10)

    assert asyncio.run(run()) == (state == WITHDRAWN)
    assert not boot.events.consented()
