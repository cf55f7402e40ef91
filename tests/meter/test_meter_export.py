"""Exports from the firmware: what leaves, for whom, and what never does."""

import random

import pytest
from export_bench import (
    ANSWERED,
    APPROVED,
    ASKED,
    BUSY,
    CONFIRMATION,
    DONE,
    EXPIRED,
    FORM,
    MANIFEST,
    NONE,
    PERIOD,
    PIN_SHOWN,
    PIN_WRONG,
    RECIPIENT,
    REFUSED,
    REQUEST,
    SCOPE,
    SESSION,
    SHARE,
    SIGNATURE,
    STANDING,
    TAKEN,
    UNKNOWN,
    WITHDRAWN,
    Service,
    applet,
)
from meter_bench import START_S, Customer, board, pair
from wattseal import export
from wattseal.chain import Chain, verify_stretch
from wattseal.ecdsa import verify
from wattseal.errors import Refused
from wattseal.p256 import decode_point, multiply
from wattseal.record import APPLET, PAIRED, decode_sealed
from wattseal.spake2 import decode_share, encode_share
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.pairing import read_pin
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer import applets
from wattseal_host.customer.store import Secrets
from wattseal_host.errors import PortError
from wattseal_host.export.items import check

HALF_HOUR_S = 1800
DAY_S = 86_400
BEGIN_S = START_S + 2 * HALF_HOUR_S
END_S = START_S + 2 * DAY_S
SETTINGS = {"interval_s": HALF_HOUR_S, "channel_set": 3}


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A service at a paired meter of two days, with both channels."""
    options = {"load": ConstantLoad(1000), "start_s": START_S, "settings": SETTINGS}
    with board(tmp_path_factory.mktemp("export"), form="romfs", **options) as meter:
        meter.power_on()
        customer = Customer(meter)
        paired = pair(meter, customer)
        customer.close()
        meter.run_until(END_S + 60)
        service = Service(meter)
        service.secrets = Secrets.paired(told(paired))
        service.name, service.deployed = applet(reads=3)
        service.deploy(service.deployed)
        yield service
        service.close()


def told(paired):
    from wattseal_host.collect.replies import Pairing

    return Pairing(
        bytes.fromhex(paired.meter), bytes.fromhex(paired.key), paired.epoch, paired.secret
    )


@pytest.fixture(autouse=True)
def idle(request):
    """Each test leaves the meter with nothing in hand."""
    yield
    if "at" in request.fixturenames:
        request.getfixturevalue("at").passes(1200)


@pytest.mark.parametrize(
    ("begin_s", "end_s", "granularity_s"),
    [
        (BEGIN_S, END_S, 0),
        (BEGIN_S + 5 * HALF_HOUR_S, BEGIN_S + 7 * HALF_HOUR_S, 0),
        (BEGIN_S, END_S, HALF_HOUR_S),
        (BEGIN_S, END_S, 5 * 3600),
        (START_S + DAY_S, END_S, DAY_S),
    ],
    ids=["every-reading", "two-readings", "half-hours", "five-hours", "a-day"],
)
def test_what_arrives_is_what_was_sealed(at, begin_s, end_s, granularity_s):
    one = at.export(begin_s, end_s, granularity_s)
    at.agree(one, at.name)
    items = at.fetch(one)
    found = check(items, at.records(), at.key, begin_s, end_s, granularity_s, HALF_HOUR_S)
    hours = (end_s - begin_s) / 3600
    drawn = [opened.value for opened in found.opened if opened.channel == 0]
    assert sum(drawn) == pytest.approx(1000 * hours, abs=60)
    assert sum(opened.value for opened in found.opened if opened.channel == 1) == 0
    assert sum(opened.readings for opened in found.opened) == 2 * (end_s - begin_s) // HALF_HOUR_S
    width_s = granularity_s or HALF_HOUR_S
    assert len(drawn) == -(-(end_s - begin_s) // width_s)


def test_one_channel_alone(at):
    name, data = applet(reads=2, name=b"Sun")
    at.deploy(data)
    one = at.export(BEGIN_S, END_S)
    at.agree(one, name)
    items = at.fetch(one)
    assert {item.kind for item in items} == {export.SUM}  # a block's key would open both
    found = check(items, at.records(), at.key, BEGIN_S, END_S, 0, HALF_HOUR_S)
    assert {opened.channel for opened in found.opened} == {1}
    with CustomerPort(at.board.customer_port) as port:
        applets.decide(port, at.secrets, name, False)


def test_chunks_again_and_a_broken_link(at):
    one = at.export(BEGIN_S, BEGIN_S + DAY_S, HALF_HOUR_S)
    at.agree(one, at.name)
    assert at.chunks == 24
    kept = [at.chunk(number) for number in range(10)]
    with pytest.raises(PortError, match="exception 2"):
        at.port.export_chunk(at.chunks)  # there is none
    with pytest.raises(PortError, match=r"exception 2|busy"):
        at.port.export_chunk(20)  # not before those before it
    at.passes(300)
    order = list(range(10)) * 2
    random.Random(3).shuffle(order)
    assert all(at.chunk(number) == kept[number] for number in order)
    assert len(at.fetch(one)) == 96


def test_a_wrong_pin(at):
    """The first share spends it (a siege: test_meter_export_siege.py)."""
    one = at.export(BEGIN_S, END_S)
    assert at.mail(REQUEST, one.request(at.name)) == (ASKED, TAKEN)
    assert at.press() == (PIN_SHOWN, TAKEN)
    pin = read_pin(at.board)
    wrong = f"{(int(pin) + 1) % 1_000_000:06d}"
    assert at.mail(SHARE, one.share(wrong)) == (ANSWERED, TAKEN)
    confirmation = one.answer(at.part(28, 65))
    with pytest.raises(Refused, match="spake2-confirmation"):
        one.confirmed(at.part(94, 32))  # nothing is there before ours is right
    # From here on the right one comes too late, for this session and for any.
    assert at.mail(SHARE, one.share(pin))[1] == SESSION
    assert at.mail(CONFIRMATION, confirmation) == (NONE, PIN_WRONG)
    other = at.export(BEGIN_S, END_S)
    for _ in range(10):
        assert at.mail(SHARE, other.share(pin)) == (NONE, SESSION)
    with pytest.raises(PortError, match="exception 2"):
        at.port.export_chunk(0)


@pytest.mark.parametrize("change", ["origin", "start_s", "end_s", "granularity_s", "session"])
def test_a_relay_that_swaps_something(at, change):
    """What the meter was asked is not what the recipient meant: there is no common key."""
    asked = {"start_s": BEGIN_S, "end_s": END_S, "granularity_s": 0, "origin": "https://a.example"}
    meant = at.export(BEGIN_S, END_S, 0)
    if change == "origin":
        name, data = applet(origin=b"https://evil.example", name=b"Evil")
        at.deploy(data)
        other = at.export(**asked | {"origin": "https://evil.example"})
    else:
        name = at.name
        changed = {"start_s": BEGIN_S - 1800, "end_s": END_S - 1800, "granularity_s": 1800}
        other = at.export(**asked | ({change: changed[change]} if change in changed else {}))
    if change != "session":
        other.session = meant.session
    assert at.mail(REQUEST, other.request(name)) == (ASKED, TAKEN)
    assert at.press() == (PIN_SHOWN, TAKEN)
    share = meant.share(read_pin(at.board))
    assert at.mail(SHARE, other.session + share[16:]) == (ANSWERED, TAKEN)
    answer = meant.answer(at.part(28, 65))
    assert at.mail(CONFIRMATION, other.session + answer[16:]) == (NONE, PIN_WRONG)
    if change == "origin":
        with CustomerPort(at.board.customer_port) as port:
            applets.decide(port, at.secrets, name, False)


def test_a_newer_request_waits_for_an_export(at):
    one = at.export(BEGIN_S, END_S)
    at.agree(one, at.name)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name))[1] == BUSY
    assert at.fetch(one)


def test_silence_ends_it(at):
    for steps, wait_s in ((1, 601), (2, 301), (3, 61), (4, 601)):
        one = at.export(BEGIN_S, END_S)
        assert at.mail(REQUEST, one.request(at.name)) == (ASKED, TAKEN)
        if steps > 1:
            assert at.press() == (PIN_SHOWN, TAKEN)
        if steps > 2:
            assert at.mail(SHARE, one.share(read_pin(at.board))) == (ANSWERED, TAKEN)
        if steps > 3:
            at.mail(CONFIRMATION, one.answer(at.part(28, 65)))
        at.passes(wait_s)
        assert at.told() == (NONE, EXPIRED), steps


def test_the_customer_refuses(at):
    one = at.export(BEGIN_S, END_S)
    assert at.mail(REQUEST, one.request(at.name)) == (ASKED, TAKEN)
    assert at.press() == (PIN_SHOWN, TAKEN)
    pin = read_pin(at.board)
    assert at.press() == (NONE, REFUSED)
    assert at.mail(SHARE, one.share(pin)) == (NONE, SESSION)


def test_what_is_refused(at):
    now_s = round(at.board.now_s)
    for begin_s, end_s, granularity_s, result in (
        (END_S, BEGIN_S, 0, SCOPE), (BEGIN_S, BEGIN_S, 0, SCOPE), (BEGIN_S, END_S, 1799, SCOPE),
        (BEGIN_S, now_s + DAY_S, 0, PERIOD), (START_S - DAY_S, START_S, 0, PERIOD),
        (START_S, END_S, 0, PERIOD),  # another customer's at the beginning
    ):  # fmt: skip
        data = at.name + bytes(16) + b"".join(
            n.to_bytes(4, "big") for n in (begin_s, end_s, granularity_s)
        )
        assert at.mail(REQUEST, data) == (NONE, result), (begin_s, end_s)
    assert at.mail(REQUEST, bytes(60)) == (NONE, UNKNOWN)
    for kind, length in ((SHARE, 81), (CONFIRMATION, 48)):
        assert at.mail(kind, bytes(length)) == (NONE, SESSION)
    for kind, length in ((REQUEST, 59), (SHARE, 82), (0, 60), (5, 60), (MANIFEST, 64)):
        with pytest.raises(PortError, match="exception 2"):
            at.port.mail(kind, bytes(length))


def test_manifests_that_are_none(at):
    name, data = applet(name=b"New")
    assert at.mail(MANIFEST, data[:-1] + bytes([data[-1] ^ 1])) == (NONE, SIGNATURE)
    assert at.mail(MANIFEST, data[:40] + data[41:]) == (NONE, FORM)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(name)) == (NONE, UNKNOWN)
    assert at.mail(MANIFEST, data) == (NONE, TAKEN)
    at.passes(130)  # nobody pressed
    at.board.press_button()  # too late: it opens a pairing
    at.passes(130)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(name)) == (NONE, UNKNOWN)
    assert at.mail(MANIFEST, at.deployed) == (NONE, APPROVED)
    with CustomerPort(at.board.customer_port) as port:
        waiting = [one for one in applets.listed(port) if not one.approved]
        assert [one.digest for one in waiting] == [name]
        stranger = Secrets(at.secrets.meter, at.secrets.key, {1: bytes(32)})
        with pytest.raises(PortError, match="consent-proof"):
            applets.decide(port, stranger, name, True)
        applets.decide(port, at.secrets, name, True)
        assert {one.digest for one in applets.listed(port) if one.approved} >= {name, at.name}
        applets.decide(port, at.secrets, name, False)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(name)) == (NONE, UNKNOWN)


def test_a_standing_export_until_it_is_withdrawn(at):
    name, data = applet(**STANDING)
    at.deploy(data)
    begin_s, end_s = START_S + DAY_S, START_S + 2 * DAY_S
    one = at.export(begin_s, end_s, 3600)
    assert at.mail(REQUEST, one.request(name))[1] == TAKEN
    while at.told()[0] not in (4, DONE):
        at.passes(0.05)
    items, signed = opened_by_key(at, one, at.part(28, 65))
    found = check(items, at.records(), at.key, begin_s, end_s, 3600, HALF_HOUR_S)
    assert sum(opened.value for opened in found.opened) == pytest.approx(24_000, abs=30)
    assert verify(decode_point(at.key), signed, at.part(126, 64))
    # Not more often than it may, not finer, and not at all once it is withdrawn.
    again = at.export(begin_s, end_s, 3600)
    assert at.mail(REQUEST, again.request(name))[1] == SCOPE
    at.passes(3600)
    assert at.mail(REQUEST, at.export(begin_s, end_s, 1800).request(name))[1] == SCOPE
    # Nor sums from which finer ones would follow by subtraction.
    for begin, end, granularity_s in (
        (begin_s, begin_s + 1800, 3600), (begin_s, end_s - 1800, 3600),
        (begin_s + 1800, end_s, 3600), (begin_s, end_s, 5400),
    ):  # fmt: skip
        narrow = at.export(begin, end, granularity_s)
        assert at.mail(REQUEST, narrow.request(name))[1] == SCOPE, (begin, end, granularity_s)
    assert at.mail(REQUEST, again.request(name))[1] == TAKEN
    with CustomerPort(at.board.customer_port) as port:
        applets.decide(port, at.secrets, name, False)
    at.passes(1)
    assert at.told() == (NONE, WITHDRAWN)
    at.passes(3600)
    assert at.mail(REQUEST, at.export(begin_s, end_s, 3600).request(name)) == (NONE, UNKNOWN)


def opened_by_key(at, one, ephemeral):
    """Open a standing export as its recipient; (items, what the meter signs)."""
    from wattseal_host.export.items import Item

    shared = encode_share(multiply(RECIPIENT, decode_share(ephemeral)))
    bound = export.binding(
        one.origin, one.start_s, one.end_s, one.granularity_s, at.key, one.session
    )
    recipient = STANDING["recipient_key"]
    cipher = export.Cipher(export.standing_key(shared, ephemeral, recipient, bound), bound)
    data, running, count = b"", bytes(32), at.chunks
    for number in range(count):
        chunk = at.chunk(number)
        data += cipher.open(number, number + 1 == count, chunk)
        running = export.absorb(running, chunk)
    while at.told()[0] != DONE:
        at.passes(0.05)
    return Item.all_of(data), export.transcript(bound, recipient, ephemeral, count, running)


def test_a_new_occupant_finds_no_applet_and_nothing_old(at):
    """The last test of this meter: another customer pairs with it."""
    before = dict(at.secrets.epochs)
    customer = Customer(at.board)
    at.passes(3600)
    paired = at.pair(customer)
    customer.close()
    one = at.export(BEGIN_S, END_S)
    assert at.mail(REQUEST, one.request(at.name))[1] in (BUSY, TAKEN)
    at.passes(DAY_S)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name)) == (NONE, UNKNOWN)
    with CustomerPort(at.board.customer_port) as port:
        assert not any(one.approved for one in applets.listed(port))
    at.deploy(at.deployed)
    assert at.mail(REQUEST, at.export(BEGIN_S, END_S).request(at.name)) == (NONE, PERIOD)
    records = [decode_sealed(sealed) for sealed in at.records()]
    begins = next(r.end_s for r in reversed(records) if r.event == PAIRED)
    now = at.export(begins, begins + 8 * HALF_HOUR_S)
    at.agree(now, at.name)
    found = check(at.fetch(now), at.records(), at.key, begins, now.end_s, 0, HALF_HOUR_S)
    assert len(found.opened) == 16
    assert paired.secret not in before.values()
    # The whole story is in the chain, and the chain holds.
    events = [record.payload[0] for record in records if record.event == APPLET]
    assert events.count(1) >= 4 and events.count(2) >= 3
    verify_stretch([r.body for r in records], records[-1].signature, Chain(at.key))
