"""The whole flow against the real firmware on the emulated board, by relay and portal: in a real
Chromium once, and what guessers and relays try without one. What happens to people on the way:
test_portal_people."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
import real_meter
from portal_desk import Desk
from real_meter import DAY_S, FROM_S, Meter, unplugged_at
from relay_bench import Bench, Customer
from wattseal.errors import Refused
from wattseal_host import keys
from wattseal_host.export import recipient
from wattseal_host.export.recipient import Export
from wattseal_host.portal import mailbox
from wattseal_host.portal.applet import Applet


@pytest.fixture(scope="module")
def meter() -> Iterator[Meter]:
    yield from real_meter.metered()


@pytest.fixture(scope="module")
def relayed(meter: Meter) -> Iterator[Bench]:
    yield from real_meter.relayed(meter)


@pytest.fixture
def bench(relayed: Bench) -> Bench:
    """No limit of the last test is felt."""
    relayed.clock.ahead_s += 3600
    return relayed


def test_in_the_browser(browser: Any, bench: Bench, meter: Meter) -> None:
    desk = Desk(browser, bench.server.url)
    page = desk.page
    desk.sign_up("board.browser", meter.id)
    page.goto("/export")
    page.get_by_label("First day").fill("2025-01-01")
    page.get_by_label("Last day").fill("2025-01-02")
    page.get_by_label("This website may ask").check()
    desk.look("ask")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("whether this website may ever").wait_for()
    desk.look("applet")
    assert meter.shows("Load curve") and meter.shows("Portal Ltd")
    meter.press()
    page.get_by_text("shows who asks").wait_for()
    desk.look("button")
    assert meter.shows(bench.server.url)
    meter.press()
    page.get_by_label("PIN on your").wait_for()
    page.get_by_label("PIN on your").fill(meter.pin)
    desk.look("pin")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("on their way").wait_for()
    desk.look("transfer")
    page.get_by_text("96 readings").wait_for()
    assert page.locator("#total").inner_text() == meter.total
    page.get_by_role("button", name="Work it out here").click()
    page.get_by_text(f"{meter.total_wh * 0.25 / 1000:.2f} EUR").wait_for()
    desk.look("opened")
    assert desk.complaints == []
    desk.context.close()


def test_by_the_website_over_a_broken_link(bench: Bench, meter: Meter) -> None:
    customer = Customer(bench.server.url)
    customer.sign_up("board.server", meter.id)
    ask(customer, meter, granularity="3600")
    with unplugged_at(bench, meter, 4) as unplugged:
        customer.type_pin(meter.pin)
        assert unplugged.wait(20)
        assert "does not answer" in linked(customer)
    customer.until("done", within_s=30)
    page = customer.http.get("/results?tariff=Flat").text
    assert "48 readings" in page and meter.total in page


def test_a_wrong_pin(bench: Bench, meter: Meter) -> None:
    customer = Customer(bench.server.url)
    customer.sign_up("board.wrong", meter.id)
    ask(customer, meter)
    pin = meter.pin
    customer.type_pin(f"{(int(pin) + 1) % 10**6:06}")
    assert "not the PIN" in customer.until("failed")["said"]
    customer.type_pin(pin)
    assert customer.phase() == "failed"


@pytest.mark.slow
def test_switched_off_in_the_middle(bench: Bench, meter: Meter) -> None:
    customer = Customer(bench.server.url)
    customer.sign_up("board.off", meter.id)
    ask(customer, meter, granularity="3600")
    with unplugged_at(bench, meter, 5) as unplugged:
        customer.type_pin(meter.pin)
        assert unplugged.wait(20)
        meter.board.power_off()
        meter.plug_in()
        assert "does not answer" in linked(customer)
        meter.board.power_on()
        assert "Ask again" in customer.until("failed", within_s=30)["said"]
    customer.post("/export/end", at="/export")
    ask(customer, meter, granularity="86400")
    customer.type_pin(meter.pin)
    customer.until("done", within_s=30)
    assert meter.total in customer.http.get("/results").text


def linked(customer: Customer) -> str:
    """What is said of the link, once it is broken."""
    deadline = time.monotonic() + 20
    while not (link := str(customer.state()["link"])):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return link


def ask(customer: Customer, meter: Meter, **asked: str) -> None:
    """Up to the PIN."""
    customer.ask(**asked)
    if customer.until("applet", "asked")["phase"] == "applet":
        meter.press()
        customer.until("asked")
    meter.press()
    customer.until("pin")


def settle(bench: Bench) -> mailbox.Mailbox:
    """The mailbox, once the newest message has been judged."""
    while (box := mailbox.read(bench.line.mailbox())).result == mailbox.IN_HAND:
        time.sleep(0.002)
    return box


def mail(bench: Bench, kind: int, message: bytes) -> mailbox.Mailbox:
    """As a relay that does what it likes would."""
    while True:
        try:
            bench.line.mail(kind, message)
            return settle(bench)
        except Refused as error:
            assert error.code == "meter-busy"


def test_guesses_replays_and_forged_applets(bench: Bench, meter: Meter) -> None:
    customer = Customer(bench.server.url)
    customer.sign_up("board.guess", meter.id)
    ask(customer, meter)
    assert bench.site.exports is not None
    applet = bench.site.exports.applet
    session = mailbox.read(bench.line.mailbox()).session
    thief = Export("http://thief", bytes(33), 0, 1, 0, session)
    guess = thief.share("000000")
    answered = mail(bench, recipient.SHARE, guess)
    assert answered.state == mailbox.ANSWERED
    for _ in range(50):  # ten thousand in test_portal_abuse: the meter counts, not the tries
        again = mail(bench, recipient.SHARE, guess)
        assert again.share == answered.share and again.code == "export-over"
    wrong = mail(bench, recipient.CONFIRMATION, session + bytes(32))
    assert wrong.state == mailbox.NONE and wrong.code == "export-pin"
    assert not any(wrong.confirmation)
    for kind, message in ((3, guess), (4, session + bytes(32))):
        assert mail(bench, kind, message).code == "export-over"
    other = Applet.make(keys.generate_key(), "http://evil.example", "Evil Ltd")
    for forged in (other.body + applet.signature, other.body[:-1] + b"x" + other.signature):
        assert mail(bench, recipient.MANIFEST, forged).code == "applet-bad"
    unapproved = Export("http://evil.example", bytes(33), FROM_S, FROM_S + DAY_S, 0)
    assert mail(bench, recipient.REQUEST, unapproved.request(other.digest)).code == "applet-unknown"


@pytest.mark.slow
def test_half_open_exports(bench: Bench, meter: Meter) -> None:
    """One is asked about for a minute, the others are told to come again; then a visitor's is
    whole. A thousand of them, and 999 sessions of the website: test_portal_abuse."""
    assert bench.site.exports is not None
    digest = bench.site.exports.applet.digest
    for _ in range(int(os.environ.get("WATTSEAL_HALF_OPEN", "200"))):
        one = Export("http://x", bytes(33), FROM_S, FROM_S + DAY_S, 0)
        box = mail(bench, recipient.REQUEST, one.request(digest))
        assert box.state in (mailbox.ASKED, mailbox.NONE)
    customer = Customer(bench.server.url)
    customer.sign_up("board.last", meter.id)
    customer.ask(granularity="86400")
    assert customer.until("busy", "applet", "sent")
    meter.passes(61)
    bench.clock.ahead_s += 31
    if customer.until("applet", "asked")["phase"] == "applet":
        meter.press()
        customer.until("asked")
    meter.press()
    customer.until("pin")
    customer.type_pin(meter.pin)
    customer.until("done", within_s=30)
