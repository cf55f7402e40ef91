"""The whole flow against the real firmware on the emulated board, by relay and portal, in a real
Chromium and without one."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from portal_desk import Desk
from relay_bench import Bench, Customer
from wattseal.errors import Refused
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ProfileLoad
from wattseal_host import keys
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.customer.hand_over import hand_over
from wattseal_host.errors import PortError
from wattseal_host.export import recipient
from wattseal_host.export.recipient import Export
from wattseal_host.portal import mailbox
from wattseal_host.portal.applet import Applet

FROM_S, DAY_S, DAYS = 1_735_689_600, 86400, 2
SETTINGS = {"burst_ms": 60_000, "telegram_ms": 60_000, "checkpoint_ms": 60_000}


class Meter:
    """The board, its owner's hand and eye."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board
        with CustomerPort(board.customer_port) as port:
            _, told = hand_over(port, FROM_S, FROM_S + DAYS * DAY_S, lambda done, of: None)
        self.id, self.total_wh = told.enrolment.meter, sum(told.column())

    def press(self) -> None:
        """Once the question could be read."""
        self.board.run_until(self.board.now_s + 4)
        self.board.press_button()

    def shows(self, pattern: str) -> str:
        """What the display shows of a pattern, its rows joined, once it does."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            text = self.board.display_text().replace("\n", "")
            if found := re.search(pattern, text):
                return found[1] if found.re.groups else found[0]
            time.sleep(0.05)
        raise AssertionError(text)

    @property
    def pin(self) -> str:
        return self.shows(r"PIN (\d{6})")


@pytest.fixture(scope="module")
def meter() -> Iterator[Meter]:
    with EmulatedBoard(load=ProfileLoad(), start_s=FROM_S, settings=SETTINGS) as board:
        board.power_on()
        board.run_until(FROM_S + DAYS * DAY_S + 5)
        made = Meter(board)
        board.set_pace(4)
        yield made


@pytest.fixture(scope="module")
def bench(meter: Meter) -> Iterator[Bench]:
    bench = Bench(lambda: UtilityPort(meter.board.utility_port, timeout_s=1.0))
    yield bench
    bench.close()


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
    assert page.locator("#total").inner_text() == f"{meter.total_wh / 1000:.2f} kWh"
    page.get_by_role("button", name="Work it out here").click()
    page.get_by_text(f"{meter.total_wh * 0.25 / 1000:.2f} EUR").wait_for()
    desk.look("opened")
    assert desk.complaints == []
    desk.context.close()


@pytest.mark.slow
def test_everything_that_happens_to_people(browser: Any, bench: Bench, meter: Meter) -> None:
    """Reloads, a second tab, a wrong PIN, one that is too old, a log-off in the other tab."""
    desk = Desk(browser, bench.server.url)
    page = desk.page
    desk.sign_up("board.people", meter.id)

    def to_the_pin() -> None:
        page.goto("/export")
        page.get_by_label("First day").fill("2025-01-01")
        page.get_by_label("Last day").fill("2025-01-02")
        page.get_by_label("How fine").select_option("each hour")
        page.get_by_label("This website may ask").check()
        page.get_by_role("button", name="Ask", exact=True).click()
        shown = page.get_by_text("shows who asks").or_(page.get_by_text("may ever ask it"))
        shown.wait_for()
        if "ever" in shown.inner_text():
            meter.press()
        page.get_by_text("shows who asks").wait_for()
        page.reload()
        page.get_by_text("shows who asks").wait_for()
        meter.press()
        page.get_by_label("PIN on your").wait_for()
        page.reload()
        page.get_by_label("PIN on your").wait_for()

    def type_pin(pin: str) -> None:
        page.get_by_label("PIN on your").fill(pin)
        page.get_by_role("button", name="Open").click()

    to_the_pin()
    type_pin(f"{(int(meter.pin) + 1) % 10**6:06}")
    page.get_by_text("not the PIN on the display").wait_for()
    desk.look("wrong-pin")
    page.reload()
    page.get_by_role("button", name="Ask again").click()
    to_the_pin()
    meter.board.run_until(meter.board.now_s + 301)
    page.get_by_text("within five minutes").wait_for()
    page.get_by_role("button", name="Ask again").click()
    to_the_pin()
    tab = desk.context.new_page()
    tab.goto("/export")
    tab.get_by_label("PIN on your").wait_for()
    type_pin(meter.pin)
    page.get_by_text("48 readings").wait_for()
    tab.get_by_role("button", name="Log off").click()
    tab.get_by_role("link", name="Sign up").first.wait_for()
    page.reload()
    page.wait_for_url("**/log-on")
    assert [one for one in desk.complaints if "401" not in one and "40" not in one] == []
    desk.context.close()


def test_by_the_website_over_a_broken_link(bench: Bench, meter: Meter) -> None:
    customer = Customer(bench.server.url)
    customer.sign_up("board.server", meter.id)
    ask(customer, meter, granularity="3600")
    with broken_at(bench, 4) as broken:
        customer.type_pin(meter.pin)
        assert broken.wait(20)
        assert customer.until("serving")["link"] is not None
    customer.until("done", within_s=30)
    page = customer.http.get("/results?tariff=Flat").text
    assert "48 readings" in page and f"{meter.total_wh / 1000:.2f} kWh" in page


class broken_at:
    """The line is unplugged when a chunk is asked for, and plugged in again a second later."""

    def __init__(self, bench: Bench, number: int) -> None:
        self._bench, self._number = bench, number
        self._broken = threading.Event()

    def __enter__(self) -> threading.Event:
        self._real = self._bench.line.chunk

        def chunk(number: int) -> bytes:
            if number == self._number and not self._broken.is_set():
                self._broken.set()
                raise PortError("port-missing", "unplugged")
            return self._real(number)

        self._bench.line.chunk = chunk  # type: ignore[method-assign]
        return self._broken

    def __exit__(self, *_: object) -> None:
        self._bench.line.chunk = self._real  # type: ignore[method-assign]


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
    with broken_at(bench, 5) as broken:
        customer.type_pin(meter.pin)
        assert broken.wait(20)
        meter.board.power_off()
        assert "not reached" in customer.until("serving")["link"] or customer.state()["link"]
        meter.board.power_on()
        assert "Ask again" in customer.until("failed", within_s=30)["said"]
    customer.post("/export/end", at="/export")
    ask(customer, meter, granularity="86400")
    customer.type_pin(meter.pin)
    customer.until("done", within_s=30)
    assert f"{meter.total_wh / 1000:.2f} kWh" in customer.http.get("/results").text


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
    """Each gives way to the next; the last one is whole. A thousand of them, and 999 sessions of
    the website: test_portal_abuse."""
    assert bench.site.exports is not None
    digest = bench.site.exports.applet.digest
    for _ in range(int(os.environ.get("WATTSEAL_HALF_OPEN", "200"))):
        one = Export("http://x", bytes(33), FROM_S, FROM_S + DAY_S, 0)
        box = mail(bench, recipient.REQUEST, one.request(digest))
        assert box.state in (mailbox.ASKED, mailbox.NONE)
    customer = Customer(bench.server.url)
    customer.sign_up("board.last", meter.id)
    ask(customer, meter, granularity="86400")
    customer.type_pin(meter.pin)
    customer.until("done", within_s=30)
