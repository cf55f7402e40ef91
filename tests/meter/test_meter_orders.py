"""The provider's orders on the emulated board: the clock, its budget, and the end of a chain."""

import pytest
from meter_bench import START_S, board
from order_bench import desk, story
from wattseal.errors import Refused
from wattseal.events import decode_clock_set
from wattseal.record import (
    CLOCK_SET,
    CLOCK_STEPPED,
    CLOCK_UNSET,
    LEAD_IN,
    POWER_LOST,
)
from wattseal_host.collect import orders as port_orders
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.ledger import Ledger
from wattseal_host.provider import orders
from wattseal_host.provider.replacements import replace

HOUR_S = 3600
DAY_S = 86400


def refused(call, *arguments, **options):
    with pytest.raises(Refused) as caught:
        call(*arguments, **options)
    return caught.value.code


def test_no_clock_no_seal_until_an_order_sets_it(tmp_path):
    with desk(tmp_path) as at:
        at.after(2 * HOUR_S + 60)
        status = at.customer.status()
        assert (status["clock_set"], status["next_seq"]) == (False, 0)
        assert status["register_wh"] == pytest.approx(2017, rel=0.01)
        done = at.order()
        assert (done.counter, done.time_s) == (1, START_S + 2 * HOUR_S + 60)
        at.after(4 * HOUR_S + 5)
        assert story(at.records()) == [
            "origin", "boot", "clock", "calibrated",
            ("outage", 7260, 1740, LEAD_IN | CLOCK_UNSET),
            ("interval", 9000, 1800, 0), ("interval", 10800, 1800, 0),
            ("interval", 12600, 1800, 0),
        ]  # fmt: skip
        (setting,) = at.events(CLOCK_SET)
        assert decode_clock_set(setting) == (1, 0, START_S + 2 * HOUR_S + 60)
        assert at.customer.status()["sealed_units"] == [pytest.approx(4000, rel=0.01)]


def test_the_bench_cannot_set_the_clock_of_a_commissioned_meter(tmp_path):
    with desk(tmp_path, rtc=True) as at:
        at.after(HOUR_S)
        status = at.customer.status()
        assert (status["clock_set"], status["next_seq"], status["status"] & 1) == (False, 0, 0)


def test_the_first_provider_stays(tmp_path):
    with desk(tmp_path) as at:
        other = at.other.public.hex()
    with board(tmp_path / "board", settings={"provider": other}, rtc=False) as again:
        again.power_on()
        assert "the provider's key is not replaced" in again.console


def test_orders_that_are_refused(tmp_path):
    with desk(tmp_path) as at:
        at.after(600)
        assert refused(at.order, office=at.other) == "order-signature"
        assert refused(at.order, by_s=-20 * 365 * DAY_S) == "order-time"
        assert refused(at.order, meter=bytes(16)) == "order-meter"
        with UtilityPort(at.board.utility_port) as port:
            meter = port.identity().meter

            def give(challenge, counter, to=meter, wait_s=0):
                order = orders.write(
                    at.office, orders.CLOCK, to, challenge, counter, round(at.board.now_s)
                )
                at.board.run_until(at.board.now_s + wait_s)
                port_orders.send(port, order)

            challenge, newest = port_orders.challenge(port)
            assert newest == 0
            assert refused(give, challenge, 1, wait_s=5.2) == "order-expired"
            old = port_orders.challenge(port)[0]
            challenge = port_orders.challenge(port)[0]
            assert len({old, challenge}) == 2
            assert refused(give, old, 1) == "order-signature"
            assert refused(give, challenge, 1) == "order-expired"  # one order to a challenge
            assert refused(give, port_orders.challenge(port)[0], 0) == "order-counter"
            assert refused(give, port_orders.challenge(port)[0], 1, bytes(16)) == "order-signature"
            give(port_orders.challenge(port)[0], 7, wait_s=4.5)
            challenge, newest = port_orders.challenge(port)
            assert newest == 7
            assert refused(give, challenge, 7) == "order-counter"
        assert len(at.events(CLOCK_SET)) == 1


def test_a_meter_without_a_provider_obeys_nobody(tmp_path):
    with desk(tmp_path, settings={"provider": ""}, rtc=True) as at:
        assert refused(at.order) == "order-no-provider"
        assert at.customer.status()["clock_set"]


def test_sixty_seconds_a_day(tmp_path):
    with desk(tmp_path) as at:
        at.order()
        at.after(HOUR_S)
        assert refused(at.order, by_s=61) == "order-budget"
        at.order(by_s=40)
        assert refused(at.order, by_s=61) == "order-budget"
        at.order(by_s=21)
        assert refused(at.order) == "order-budget"
        at.board.power_off()  # what was spent is kept, and what is lost is free
        at.after(HOUR_S + 300)
        at.board.power_on()
        at.order(by_s=0)
        at.after(2 * HOUR_S)
        assert refused(at.order, by_s=5) == "order-budget"
        at.after(DAY_S + 10)
        at.order(by_s=-58)
        assert refused(at.order, by_s=-64) == "order-budget"
        settings = [decode_clock_set(payload) for payload in at.events(CLOCK_SET)]
        moved = [after_s - before_s for _, before_s, after_s in settings if before_s]
        assert moved == [pytest.approx(seconds, abs=1) for seconds in (40, -19, -58)]
        assert [before_s == 0 for _, before_s, _ in settings] == [True, False, False, True, False]


def test_sealed_time_never_goes_back(tmp_path):
    """Back over a boundary that is sealed: the interval in hand lasts longer, in energy too."""
    with desk(tmp_path, settings={"burst_ms": 1000}) as at:
        at.after(1790)
        at.order()
        at.after(3600 + 20)
        at.order(by_s=-28)
        at.after(3 * 1800 + 35)
        assert story(at.records())[5:] == [
            ("interval", 1800, 1800, 0), "clock", ("interval", 3600, 1800, 0),
        ]  # fmt: skip
        values = [int(line.split()[3]) for line in at.customer.ask("?openings 0 9")[:-1]]
        assert values[1:] == pytest.approx([500, 508], abs=1)
        # Ahead over a boundary: the record in hand goes on to the next one.
        at.after(4 * 1800 + 10)
        at.order()
        at.after(5 * 1800 + 5)
        assert story(at.records())[8:] == ["clock", ("outage", 5400, 3600, CLOCK_STEPPED)]


def test_a_power_loss_takes_the_clock_and_a_free_order_brings_it_back(tmp_path):
    with desk(tmp_path) as at:
        at.order()
        at.after(HOUR_S + 600)
        at.board.power_off()
        at.after(3 * HOUR_S)
        at.board.power_on()
        at.after(5 * HOUR_S + 60)
        assert not at.customer.status()["clock_set"]
        at.order()
        at.after(6 * HOUR_S + 5)
        assert story(at.records())[6:] == [
            "boot", "clock",
            ("outage", 3600, 5 * HOUR_S - 1800, POWER_LOST | CLOCK_UNSET),
            ("interval", 5 * HOUR_S + 1800, 1800, 0),
        ]  # fmt: skip


def test_a_clock_a_year_off_is_not_set_by_mistake(tmp_path):
    """Sealed time never goes back: the provider's side asks twice, and the meter has a limit."""
    with desk(tmp_path) as at:
        at.order()
        at.after(HOUR_S + 5)
        for days in (400, -1):
            assert refused(at.order, by_s=days * DAY_S) == "order-far"
        at.board.power_off()
        at.board.power_on()
        for far, code in ((False, "order-far"), (True, "order-time")):
            assert refused(at.order, by_s=12 * 366 * DAY_S, far=far) == code
        at.order(by_s=400 * DAY_S, far=True)
        at.after(2 * HOUR_S)
        assert at.records()[-1].end_s > START_S + 400 * DAY_S
        # Power goes and comes, and the clock is right again, a year behind sealed time.
        at.board.power_off()
        at.board.power_on()
        at.order(by_s=0, far=True)
        at.after(3 * HOUR_S)
        sealed = at.records()[-1]
        with UtilityPort(at.board.utility_port) as port:
            meter = port.identity().meter
        at.order(orders.CLOSE, meter=meter)
        assert story(at.records())[-1] == "closed"
        assert at.records()[-1].start_s == sealed.end_s


def test_a_closed_chain_begins_no_epoch(tmp_path):
    with desk(tmp_path) as at:
        at.order()
        at.after(HOUR_S)
        with UtilityPort(at.board.utility_port) as port:
            meter = port.identity().meter
        at.order(orders.CLOSE, meter=meter)
        at.after(HOUR_S + 60)
        at.board.press_button()
        assert at.customer.ask("?pair " + "5a" * 65) == ["#error chain-ended"]


def test_a_closed_chain_and_its_successor(tmp_path):
    with desk(tmp_path / "old") as at, desk(tmp_path / "new", seed=2, start_s=START_S) as new:
        at.order()
        at.after(HOUR_S + 100)
        with UtilityPort(at.board.utility_port) as port:
            old_meter = port.identity()
        at.order(orders.CLOSE, meter=old_meter.meter)
        records = at.records()
        assert story(records)[6:] == [("outage", 3600, 100, LEAD_IN), "closed"]
        assert refused(at.order) == "order-time"
        at.after(3 * HOUR_S)
        at.board.power_off()
        at.board.power_on()
        at.after(4 * HOUR_S)
        status = at.customer.status()
        assert (status["next_seq"], status["status"] & 64) == (len(records), 64)
        assert at.customer.records()[-1].sealed == records[-1].sealed

        new.board.run_until(START_S + HOUR_S + 400)
        new.order()
        with UtilityPort(new.board.utility_port) as port:
            new_meter = port.identity()
        with Ledger(tmp_path / "ledger.db") as ledger:
            for meter, chain in ((old_meter, records), (new_meter, new.records())):
                ledger.add_meter(meter)
                ledger.append(meter.meter, [record.sealed for record in chain], "utility")
                at.office.enrol(meter)
            link = replace(at.office, ledger, old_meter.meter, new_meter.meter)
            assert refused(replace, at.office, ledger, new_meter.meter, old_meter.meter) == (
                "meter-open"
            )
        assert link.payload["last"] == records[-1].digest.hex()
        assert link.payload["at_s"] == START_S + HOUR_S + 100


def test_a_clock_that_is_not_set_cannot_end_a_chain(tmp_path):
    with desk(tmp_path) as at:
        assert refused(at.order, orders.CLOSE) == "order-time"
        at.order()
        assert at.customer.status()["status"] & 64 == 0
