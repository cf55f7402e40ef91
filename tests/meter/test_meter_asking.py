"""What others may make the display ask: all of it is shown, and the button stays the customer's."""

import pytest
from export_bench import (
    APPROVED,
    ASKED,
    BUSY,
    FORM,
    MANIFEST,
    NONE,
    PIN_SHOWN,
    REFUSED,
    REQUEST,
    SCOPE,
    STANDING,
    TAKEN,
    UNKNOWN,
    Service,
    applet,
)
from meter_bench import START_S, Customer, board, pair
from order_bench import Desk
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.pairing import read_pin
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.replies import Pairing
from wattseal_host.customer import applets
from wattseal_host.customer.store import Secrets

HALF_HOUR_S, HOUR_S = 1800, 3600
BEGIN_S, END_S = START_S + 2 * HOUR_S, START_S + 12 * HOUR_S
SETTINGS = {"interval_s": HALF_HOUR_S}


def paired(at):
    """Pair with the meter; its new customer's secrets."""
    customer = Customer(at.board)
    told = pair(at.board, customer)
    customer.close()
    ids = bytes.fromhex(told.meter), bytes.fromhex(told.key)
    return Secrets.paired(Pairing(*ids, told.epoch, told.secret))


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A service at a paired meter of half a day, with an applet that it approved."""
    options = {"load": ConstantLoad(1000), "start_s": START_S, "settings": SETTINGS}
    with board(tmp_path_factory.mktemp("asking"), form="romfs", **options) as meter:
        meter.power_on()
        service = Service(meter)
        service.secrets = paired(service)
        meter.run_until(END_S + 60)
        service.name, service.deployed = applet()
        service.deploy(service.deployed)
        yield service
        service.close()


@pytest.fixture(autouse=True)
def idle(at):
    """Each test leaves the meter with nothing in hand, and nothing asked for long."""
    yield
    at.passes(1200)


def known(at):
    """What ?applet tells: (digest, approved)."""
    with CustomerPort(at.board.customer_port) as port:
        return [(one.digest, one.approved) for one in applets.listed(port)]


def test_the_display_shows_all_of_an_applet_before_a_press_approves_it(at):
    """The longest texts there are, made to look like rows of something harmless."""
    texts = {"name": b"each by a PIN 123456 790", "publisher": b"sums of 86400 s, monthly"}
    name, data = applet(**STANDING | texts | {"origin": b"https://a.example/import/sums_of_86400_s"})
    assert at.mail(MANIFEST, data) == (NONE, TAKEN)
    at.passes(1)
    parts = [at.board.display_text().split("\n")]
    assert parts[0][:6] == [
        "Allow? Press.", "WITHOUT A PIN", "import", "sums of 3600 s", "of all the past",
        "once in 3600 s",
    ]  # fmt: skip
    at.passes(2.5)
    parts.append(at.board.display_text().split("\n"))
    at.board.press_button()  # not all of it could be read yet
    at.passes(0.5)
    assert at.told() == (NONE, TAKEN)
    told = "".join(row for part in parts for row in part[1:])
    assert told.replace(" ", "").endswith(
        '"eachbyaPIN123456790"by"sumsof86400s,monthly"tohttps://a.example/import/sums_of_86400_s'
    )
    assert all(part[0] == "Allow? Press." for part in parts)
    at.passes(130)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(name)) == (NONE, UNKNOWN)


@pytest.mark.parametrize("granularity_s", [1, 1799, 2700])
def test_an_applet_whose_sums_are_no_whole_intervals(at, granularity_s):
    _, data = applet(granularity_s=granularity_s)
    assert at.mail(MANIFEST, data) == (NONE, FORM)


def test_who_asks_again_and_again_does_not_have_the_button(at):
    """While a question stands, and for five minutes after one without a yes, none is asked."""
    for version in range(2, 40):
        _, data = applet(version=version)
        assert at.mail(MANIFEST, data) == (NONE, BUSY if version > 2 else TAKEN)
        at.passes(10)
        if version == 20:
            assert at.board.display_text().strip() == "" or "Allow" not in at.board.display_text()
    customer = Customer(at.board)
    at.board.press_button()
    assert customer.status()["pairing_open"]
    at.board.press_button()
    customer.close()
    at.passes(90)
    assert at.mail(MANIFEST, at.deployed) == (NONE, APPROVED)
    assert at.mail(MANIFEST, applet(version=40)[1]) == (NONE, TAKEN)


def test_two_grids_that_do_not_fit(at):
    """Sums of 5400 s less sums of 3600 s are half-hours."""
    name, data = applet(granularity_s=3600, name=b"Hours")
    at.deploy(data)
    for granularity_s, result in ((5400, SCOPE), (1800, TAKEN)):
        other = applet(granularity_s=granularity_s, name=b"Other")
        assert at.mail(MANIFEST, other[1]) == (NONE, result), granularity_s
    with CustomerPort(at.board.customer_port) as port:
        applets.decide(port, at.secrets, name, False)


def test_an_end_of_the_pairing_takes_nothing_else_off_the_display(at):
    one = at.export(BEGIN_S, END_S)
    at.agree(one, at.name)
    at.board.press_button()
    at.fetch(one)
    shown = read_pin(at.board)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name)) == (NONE, BUSY)
    assert read_pin(at.board) == shown  # the pairing's, for its minute
    at.passes(121)  # the meter looks once a minute here
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name)) == (ASKED, TAKEN)
    assert at.press() == (PIN_SHOWN, TAKEN)
    at.passes(120)
    assert read_pin(at.board)


def test_a_question_is_not_replaced_while_it_is_read(at):
    first, second = at.export(BEGIN_S, END_S), at.export(BEGIN_S, END_S)
    assert at.mail(REQUEST, first.request(at.name)) == (ASKED, TAKEN)
    for _ in range(5):
        at.passes(10)
        assert at.mail(REQUEST, second.request(at.name)) == (ASKED, BUSY)
    at.passes(20)
    assert at.part(4, 16) == first.session
    assert at.mail(REQUEST, second.request(at.name)) == (ASKED, TAKEN)
    assert at.part(4, 16) == second.session


def test_an_export_that_is_drawn_out_gives_way(at):
    one = at.export(BEGIN_S, END_S)
    at.agree(one, at.name)
    other = at.export(BEGIN_S, END_S).request(at.name)
    for _ in range(12):
        at.chunk(0)
        at.chunk(1)
        at.chunk(0)
        assert at.mail(REQUEST, other)[1] == BUSY
        at.passes(50)
    at.passes(60 + 2 * at.chunks)
    at.chunk(0)
    assert at.mail(REQUEST, other) == (ASKED, TAKEN)


def test_without_a_display_no_press_gives_anything_away(at):
    at.board.inject({"fault": "display-absent"})
    at.passes(1)
    at.board.press_button()  # which finds that none answers
    at.passes(200)
    name, data = applet(version=70)
    assert at.mail(MANIFEST, data) == (NONE, TAKEN)
    customer = Customer(at.board)
    assert at.press()[1] == TAKEN
    assert customer.status()["pairing_open"]
    customer.close()
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name))[1] == BUSY  # it is asked
    at.passes(600)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name)) == (NONE, REFUSED)
    assert (name, True) not in known(at)
    at.board.inject(None)
    at.board.press_button()
    at.passes(200)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name)) == (ASKED, TAKEN)


def test_what_waits_wears_no_flash_and_is_forgotten_by_a_restart(at):
    name, data = applet(version=50)
    erased = at.board.flash.total_erases
    assert at.mail(MANIFEST, data) == (NONE, TAKEN)
    assert at.board.flash.total_erases == erased
    assert (name, False) in known(at)
    at.board.power_off()
    at.board.power_on()
    at.passes(5)
    assert known(at) == [(at.name, True)]


def test_reach_counts_from_the_newest_record_where_the_clock_is_lost(tmp_path):
    """After a power cut an ESP32 knows no time until somebody sets it."""
    desk = Desk(tmp_path, settings=SETTINGS, form="romfs")
    meter = desk.board
    desk.order()
    desk.after(60)
    pair(meter, desk.customer)
    desk.after(12 * HOUR_S)
    desk.customer.close()
    service = Service(meter)
    limits = {"reach_s": 2 * HOUR_S, "granularity_s": HALF_HOUR_S, "every_s": 0}
    name, data = applet(**STANDING | limits)
    service.deploy(data)

    def asked(begin_s):
        one = service.export(begin_s, begin_s + HOUR_S, HALF_HOUR_S)
        return service.mail(REQUEST, one.request(name))[1]

    assert asked(START_S + 4 * HOUR_S) == SCOPE
    service.close()
    meter.power_off()
    meter.power_on()
    meter.run_until(meter.now_s + 30)
    service = Service(meter)
    assert asked(START_S + 4 * HOUR_S) == SCOPE
    assert asked(START_S + 11 * HOUR_S) == TAKEN
    service.close()
    meter.close()


def test_a_new_occupant_sees_nothing_of_what_was_asked_of_the_old(at):
    """The last test of this meter: another customer pairs with it."""
    name, data = applet(version=60)
    assert at.mail(MANIFEST, data) == (NONE, TAKEN)
    assert (name, False) in known(at)
    at.passes(130)
    paired(at)
    at.passes(HOUR_S)
    assert known(at) == []
