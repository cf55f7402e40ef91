"""How often an applet exports: the least time between two holds over a restart of the meter."""

import pytest
from export_bench import (
    APPROVED,
    DONE,
    MANIFEST,
    REQUEST,
    SCOPE,
    SERVING,
    STANDING,
    TAKEN,
    Service,
    applet,
)
from meter_bench import START_S, Customer, board, pair
from wattseal_hil.loads import ConstantLoad

HALF_HOUR_S = 1800


@pytest.fixture
def at(tmp_path):
    options = {"load": ConstantLoad(1000), "settings": {"interval_s": HALF_HOUR_S}}
    with board(tmp_path, form="romfs", start_s=START_S, **options) as meter:
        meter.power_on()
        customer = Customer(meter)
        pair(meter, customer)
        customer.close()
        meter.run_until(START_S + 12 * 3600)
        service = Service(meter)
        yield service
        service.close()


def asked(at, name):
    """Ask for a standing export: what became of it."""
    one = at.export(START_S + 3600, START_S + 9 * 3600, 3600)
    state, result = at.mail(REQUEST, one.request(name))
    while result == TAKEN and state not in (SERVING, DONE):
        at.passes(0.05)
        state, _ = at.told()
    return result


def restarted(at, seconds=2):
    at.board.power_off()
    at.board.sleep(seconds)
    at.board.power_on()
    at.passes(1)


@pytest.mark.parametrize("every_s", [3600, 120])
def test_a_restart_does_not_let_an_applet_export_more_often(at, every_s):
    name, data = applet(**STANDING | {"every_s": every_s})
    assert at.mail(MANIFEST, data)[1] == TAKEN
    assert at.press()[1] == APPROVED
    assert asked(at, name) == TAKEN
    at.passes(every_s - 60)
    restarted(at)
    assert asked(at, name) == SCOPE
    at.passes(60 + 900)  # at most so much longer, and only where it may come often
    assert asked(at, name) == TAKEN
    if every_s < 900:
        for _ in range(6):  # without a restart to the second
            at.passes(every_s - 20)
            assert asked(at, name) == SCOPE
            at.passes(20)
            assert asked(at, name) == TAKEN


def test_frequent_exports_do_not_wear_the_flash(at):
    name, data = applet(**STANDING | {"every_s": 10})
    assert at.mail(MANIFEST, data)[1] == TAKEN
    assert at.press()[1] == APPROVED
    assert asked(at, name) == TAKEN
    at.passes(11)

    def programs():
        return sum(at.board.flash.programs)

    def spent(exports):
        """Programs of the flash in five minutes with so many exports."""
        before = programs()
        for _ in range(exports):
            assert asked(at, name) == TAKEN
            at.passes(11)
        at.passes(300 - 11 * exports)
        return programs() - before

    at.passes(10 - at.board.now_s % 60 + 60)
    assert spent(20) == spent(0)
