"""The customer ends all exports at the meter: its button held, and pressed again."""

import random
import re

import pytest
from cut_check import Overwriting
from export_bench import (
    ASKED,
    BUSY,
    DONE,
    MANIFEST,
    NONE,
    PIN_SHOWN,
    REFUSED,
    REQUEST,
    SERVING,
    STANDING,
    TAKEN,
    UNKNOWN,
    WITHDRAWN,
    Service,
    applet,
)
from meter_bench import START_S, board
from wattseal.chain import Chain, verify_stretch
from wattseal.record import APPLET, decode_sealed
from wattseal_hil.button import hold, withdraw_exports
from wattseal_hil.errors import BoardError
from wattseal_hil.faults import KINDS, Recorder
from wattseal_hil.loads import ConstantLoad
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer import applets

HALF_HOUR_S = 1800
BEGIN_S = START_S + 2 * HALF_HOUR_S
END_S = START_S + 12 * HALF_HOUR_S
APPLETS = (applet(), applet(**STANDING | {"every_s": 0}))
OPTIONS = {
    "form": "romfs", "load": ConstantLoad(1000), "settings": {"interval_s": HALF_HOUR_S},
}  # fmt: skip
QUESTION = "Withdraw\nall exports (2)?"


@pytest.fixture(scope="module")
def flash(tmp_path_factory):
    """The flash of a meter of some hours with two applets approved."""
    folder = tmp_path_factory.mktemp("withdrawing")
    with board(folder, start_s=START_S, **OPTIONS) as meter:
        meter.power_on()
        meter.run_until(END_S + 60)
        service = Service(meter)
        for _, data in APPLETS:
            service.deploy(data)
            service.passes(120)
        service.close()
    return (folder / "flash.bin").read_bytes()


def meter_of(folder, flash, **options):
    folder.mkdir(exist_ok=True)
    (folder / "flash.bin").write_bytes(flash)
    return board(folder, **OPTIONS | {"start_s": END_S + 600} | options)


@pytest.fixture
def at(tmp_path, flash):
    with meter_of(tmp_path, flash) as meter:
        meter.power_on()
        service = Service(meter)
        service.passes(120)  # the display sleeps
        yield service
        service.close()


def shown(at):
    return at.board.display_text().strip()


def approved(at):
    with CustomerPort(at.board.customer_port) as port:
        return {one.digest for one in applets.listed(port) if one.approved}


def story(at):
    """What the chain says of applets: [(state, digest)]; it holds as a whole."""
    sealed = at.records()
    records = [decode_sealed(one) for one in sealed]
    verify_stretch([one.body for one in records], records[-1].signature, Chain(at.key))
    return [(one.payload[0], one.payload[1:]) for one in records if one.event == APPLET]


def request(at, number, granularity_s=3600):
    one = at.export(BEGIN_S, END_S, granularity_s)
    return at.mail(REQUEST, one.request(APPLETS[number][0]))


def test_held_and_pressed_again_ends_every_export(at):
    assert request(at, 1)[1] == TAKEN
    at.passes(5)
    assert at.told()[0] in (SERVING, DONE)
    assert hold(at.board).startswith(QUESTION)
    at.passes(1)
    at.board.press_button()  # that early it could hardly be read
    at.passes(1)
    assert shown(at).startswith(QUESTION) and len(story(at)) == 2
    at.passes(2)
    at.board.press_button()
    at.passes(2)
    assert at.told() == (NONE, WITHDRAWN)
    assert shown(at) == "All exports\nare withdrawn."
    assert story(at)[2:] == [(2, name) for name, _ in APPLETS]
    assert approved(at) == set()
    at.passes(12)
    assert "withdrawn" not in shown(at)
    for number in (0, 1):
        assert request(at, number) == (NONE, UNKNOWN)
    assert hold(at.board).startswith("No exports are\nallowed.")


def test_unless_somebody_presses_nothing_is_withdrawn(at):
    assert request(at, 1)[1] == TAKEN
    at.passes(5)
    assert hold(at.board).startswith(QUESTION)
    at.passes(50)
    assert shown(at).startswith(QUESTION)
    at.passes(10)
    assert QUESTION not in shown(at)
    assert approved(at) == {name for name, _ in APPLETS} and len(story(at)) == 2
    assert at.told()[0] in (SERVING, DONE) and at.chunk(0)
    assert hold(at.board).startswith(QUESTION)
    assert request(at, 0) == (NONE, BUSY)  # nothing else is asked meanwhile
    at.passes(60)
    at.board.press_button()
    at.passes(1)
    assert re.search(r"PIN \d{6}", shown(at))  # and the next press is one like any other


def test_holding_answers_no_question(at):
    """Neither of who wants an export, nor of who wants to be allowed one: that is refused."""
    assert request(at, 0, 0) == (ASKED, TAKEN)
    at.passes(4)
    assert hold(at.board).startswith(QUESTION)
    assert at.told() == (NONE, REFUSED)
    at.passes(62)
    assert request(at, 0, 0) == (ASKED, TAKEN)
    assert at.press() == (PIN_SHOWN, TAKEN)
    assert hold(at.board).startswith(QUESTION)
    assert at.told() == (NONE, REFUSED)
    at.passes(62)
    name, data = applet(name=b"Third")
    assert at.mail(MANIFEST, data) == (NONE, TAKEN)
    at.passes(4)
    assert hold(at.board).startswith(QUESTION)
    assert at.told() == (NONE, REFUSED)
    assert name not in approved(at)


def test_a_button_that_is_stuck_is_held_once(at):
    at.board.drive_pin(at.board.button_pin, 0)
    at.passes(6)
    assert shown(at).startswith(QUESTION)
    at.passes(600)
    assert shown(at) == ""
    at.board.drive_pin(at.board.button_pin, 1)
    at.passes(1)
    assert shown(at) == "" and approved(at) == {name for name, _ in APPLETS}
    # Stuck while the power comes: it has not been pressed.
    at.board.power_off()
    at.board.drive_pin(at.board.button_pin, 0)
    at.board.power_on()
    at.passes(30)
    at.board.drive_pin(at.board.button_pin, 1)
    at.passes(1)
    assert shown(at) == ""
    withdraw_exports(at.board)


@pytest.mark.parametrize("held_s", [0.06, 0.2, 4.9, 5.1, 6.0])
def test_contacts_that_bounce(at, held_s):
    """However they do, it is one press, or one that was held."""
    rng = random.Random(held_s)

    def bounce(level):
        for at_once in (level, 1 - level, level, 1 - level, level):
            at.board.drive_pin(at.board.button_pin, at_once)
            at.passes(rng.uniform(0.0005, 0.005))

    bounce(0)
    at.passes(held_s - 0.03)
    bounce(1)
    at.passes(0.5)
    if held_s < 5:
        assert re.search(r"PIN \d{6}", shown(at))
    else:
        assert shown(at).startswith(QUESTION)
    assert at.board.console.count("PIN") == 0


def test_without_a_display_its_console_asks(tmp_path, flash):
    with meter_of(tmp_path, flash) as meter:
        meter.inject({"fault": "display-absent"})
        meter.power_on()
        service = Service(meter)
        withdraw_exports(meter)
        service.passes(2)
        said = re.findall("notice: (.+)", meter.console)
        assert said[:2] == ["Withdraw", "all exports (2)?"]
        assert said[-4:] == ["Press: yes.", "Withdrawing ...", "All exports", "are withdrawn."]
        assert approved(service) == set()
        with pytest.raises(BoardError, match="No exports"):
            service.passes(20)
            withdraw_exports(meter)
        service.close()


def test_who_may_export_has_a_page(at):
    at.board.press_button()
    at.board.press_button()
    pages = []
    for _ in range(8):
        at.passes(0.1)
        pages.append(shown(at).split("\n"))
        at.passes(4.9)
    assert pages[5:7] == [
        ["1 of 2, by PIN", "Load curve", "portal.example", "Hold button 5 s:", "withdraw all"],
        ["2 of 2, standing", "Daily", "portal.example", "Hold button 5 s:", "withdraw all"],
    ]
    assert pages[7][0].endswith(" W")


def recorded(tmp_path, flash):
    """The operations of the flash from the press on, until all is withdrawn."""
    with meter_of(tmp_path / "whole", flash) as meter:
        meter.power_on()
        meter.sleep(120)
        assert hold(meter).startswith(QUESTION)
        meter.sleep(4)
        recorder = Recorder((tmp_path / "whole" / "flash.bin").read_bytes())
        meter.inject(recorder)
        meter.press_button()
        meter.sleep(2)
        assert "withdrawn" in meter.display_text()
        meter.inject(None)
    return recorder


def boots(at):
    """The boots in which the two were withdrawn."""
    records = [decode_sealed(one) for one in at.records()]
    return [one.boot for one in records if one.event == APPLET][2:]


@pytest.mark.parametrize("cuts", [8, pytest.param(None, marks=pytest.mark.slow)])
def test_a_power_cut_in_the_middle(tmp_path, flash, cuts):
    """What it had begun it ends by itself; what it had not, it has never said."""
    recorder = recorded(tmp_path, flash)
    operations = recorder.operations
    assert len(operations) > 12
    rng = random.Random(5)
    numbers = set(range(len(operations)))
    if cuts:
        # The first, which is before all; two between the events; others by chance.
        middle = len(operations) // 2
        numbers = {0, middle, middle + 1, *rng.sample(sorted(numbers), cuts - 3)}
    seen, ways = [], set()
    for number, image in enumerate(recorder.images()):
        if number not in numbers:
            continue
        operation = operations[number]
        place = slice(operation.address, operation.end)
        cells = operation.cells(bytes(image[place]), rng.choice(KINDS), rng)
        cut = image[: operation.address] + cells + image[operation.end :]
        with meter_of(tmp_path / "cut", cut, start_s=END_S + 1200) as meter:
            meter.inject(Overwriting())
            meter.power_on()
            meter.sleep(2)
            service = Service(meter)
            seen.append((story(service)[2:], approved(service)))
            ways.add(tuple(boots(service)))
            service.close()
    both = [(2, name) for name, _ in APPLETS]
    whole, none = (both, set()), ([], {name for name, _ in APPLETS})
    begun = seen.index(whole)
    assert seen[:begun] == [none] * begun and begun > 0
    assert seen[begun:] == [whole] * (len(seen) - begun)
    assert len({way for way in ways if way and way[0] != way[1]}) == 1  # one before it, one after
