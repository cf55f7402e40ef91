"""What happens to people who ask their meter: in a real Chromium, against the real firmware on the
emulated board. Reload, two tabs, wrong and late PINs, log-off, and a meter that is unplugged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import real_meter
from playwright.sync_api import expect
from portal_desk import Desk
from real_meter import Meter, unplugged_at
from relay_bench import Bench

GOOD = "each the one your meter sealed"
AWAY = "Your meter does not answer just now. Is it switched on?"
GONE = "Your meter did not answer for three minutes. Is it switched on? Ask again."
BEGUN = "() => (at => 0 < at && at < 1)(document.querySelector('#progress').value)"
MODES = ("my browser", "this website")


@pytest.fixture(scope="module")
def meter() -> Iterator[Meter]:
    yield from real_meter.metered()


@pytest.fixture(scope="module")
def bench(meter: Meter) -> Iterator[Bench]:
    yield from real_meter.relayed(meter)


@pytest.fixture
def desk(
    browser: Any, bench: Bench, meter: Meter, request: pytest.FixtureRequest
) -> Iterator[Desk]:
    """A visitor of their own; what the meter had in hand for others is over."""
    bench.clock.ahead_s += 3600
    meter.passes(601)
    desk = Desk(browser, bench.server.url)
    desk.sign_up(f"visitor.{abs(hash(request.node.name)) % 10**9}", meter.id)
    yield desk
    desk.context.close()


def ask(desk: Desk, mode: str = MODES[0], granularity: str = "each hour") -> None:
    page = desk.page
    page.goto("/export")
    page.get_by_label("First day").fill("2025-01-01")
    page.get_by_label("Last day").fill("2025-01-02")
    page.get_by_label("How fine").select_option(granularity)
    modes = page.get_by_label("Who opens it").locator("option").all_inner_texts()
    page.get_by_label("Who opens it").select_option(next(m for m in modes if m.startswith(mode)))
    page.get_by_label("This website may ask").check()
    page.get_by_role("button", name="Ask", exact=True).click()


def to_the_pin(desk: Desk, meter: Meter, **asked: str) -> None:
    ask(desk, **asked)
    shown = desk.page.get_by_text("shows who asks").or_(desk.page.get_by_text("may ever ask it"))
    shown.wait_for()
    if "ever" in shown.inner_text():
        meter.press()
        desk.page.get_by_text("shows who asks").wait_for()
    meter.press()
    desk.page.get_by_label("PIN on your").wait_for()


def type_pin(desk: Desk, pin: str) -> None:
    desk.page.get_by_label("PIN on your").fill(pin)
    desk.page.get_by_role("button", name="Open").click()


def see(desk: Desk, meter: Meter, mode: str) -> None:
    """The result, in the mode's own place."""
    if mode == MODES[0]:
        desk.page.get_by_text(GOOD).wait_for()
        expect(desk.page.locator("#total")).to_have_text(meter.total)
    else:
        desk.see_results()
        assert desk.page.get_by_text(meter.total).count() == 1


@pytest.mark.parametrize("mode", [MODES[0], pytest.param(MODES[1], marks=pytest.mark.slow)])
def test_unplugged_in_mid_export_and_plugged_in_again(
    desk: Desk, bench: Bench, meter: Meter, mode: str
) -> None:
    """The page says so, keeps its progress, and goes on by itself where it was."""
    to_the_pin(desk, meter, mode=mode)
    with unplugged_at(bench, meter, 5) as unplugged:
        type_pin(desk, meter.pin)
        assert unplugged.wait(20)
        expect(desk.page.locator("#link")).to_have_text(AWAY, timeout=20_000)
        assert desk.page.locator("#progress").is_visible()
        desk.page.wait_for_function(BEGUN)
        desk.look("unplugged")
    see(desk, meter, mode)
    assert not desk.page.locator("#link:visible").count()
    assert [one for one in desk.complaints if "503" not in one] == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_unplugged_in_mid_export_for_good(
    desk: Desk, bench: Bench, meter: Meter, mode: str
) -> None:
    """After three minutes it ends with one sentence; plugged in, the next one is whole."""
    page = desk.page
    page.clock.install()
    to_the_pin(desk, meter, mode=mode)
    with unplugged_at(bench, meter, 5) as unplugged:
        type_pin(desk, meter.pin)
        assert unplugged.wait(20)
        expect(page.locator("#link")).to_have_text(AWAY, timeout=20_000)
        bench.clock.ahead_s += 181
        page.clock.fast_forward(181_000)
        expect(page.locator("#refused")).to_have_text(GONE, timeout=20_000)
        assert not page.locator("#link:visible, #said:visible, #progress:visible").count()
    bench.line.mailbox()  # after the last chunk that was asked for
    meter.passes(61)  # the meter waits a minute for who may come back
    if mode == MODES[0]:
        page.reload()
    page.get_by_role("button", name="Ask again").click()
    to_the_pin(desk, meter, mode=mode)
    type_pin(desk, meter.pin)
    see(desk, meter, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_switched_off_in_mid_export(desk: Desk, bench: Bench, meter: Meter, mode: str) -> None:
    to_the_pin(desk, meter, mode=mode)
    with unplugged_at(bench, meter, 5) as unplugged:
        type_pin(desk, meter.pin)
        assert unplugged.wait(20)
        meter.board.power_off()
        meter.plug_in()
        expect(desk.page.locator("#link")).to_have_text(AWAY, timeout=20_000)
        meter.board.power_on()
        told = "This request is over: another came, or the meter was switched off. Ask again."
        expect(desk.page.locator("#refused")).to_have_text(told, timeout=20_000)
    desk.page.reload()
    desk.page.get_by_role("button", name="Ask again").click()
    to_the_pin(desk, meter, mode=mode)
    type_pin(desk, meter.pin)
    see(desk, meter, mode)


def test_a_wrong_pin(desk: Desk, meter: Meter) -> None:
    page = desk.page
    to_the_pin(desk, meter)
    type_pin(desk, f"{(int(meter.pin) + 1) % 10**6:06}")
    page.get_by_text("not the PIN on the display").wait_for()
    desk.look("wrong-pin")
    page.reload()
    page.get_by_text("not the PIN on the display").wait_for()
    page.get_by_role("button", name="Ask again").click()
    to_the_pin(desk, meter)
    type_pin(desk, meter.pin)
    see(desk, meter, MODES[0])


def test_a_pin_that_is_too_old(desk: Desk, meter: Meter) -> None:
    to_the_pin(desk, meter)
    meter.passes(301)
    desk.page.get_by_text("The PIN was not typed within five minutes. Ask again.").wait_for()
    assert not desk.page.get_by_label("PIN on your").count()


def test_two_tabs_and_log_off(desk: Desk, bench: Bench, meter: Meter) -> None:
    """One types the PIN; the other says so, and logs both off."""
    to_the_pin(desk, meter)
    tab = desk.context.new_page()
    tab.goto("/export")
    tab.get_by_label("PIN on your").wait_for()
    type_pin(desk, meter.pin)
    see(desk, meter, MODES[0])
    tab.get_by_text("Done.").wait_for()
    assert not tab.locator("#result:visible").count()
    assert meter.total not in tab.content()
    tab.get_by_role("button", name="Log off").click()
    tab.get_by_role("link", name="Sign up").first.wait_for()
    desk.page.reload()
    desk.page.wait_for_url("**/log-on")
    assert not any(session.asking for session in bench.site.sessions._sessions.values())


@pytest.mark.slow
def test_two_tabs_type_the_pin(desk: Desk, bench: Bench, meter: Meter) -> None:
    """The one that comes second is told so, and its try costs nothing."""
    to_the_pin(desk, meter)
    pin = meter.pin
    tab = desk.context.new_page()
    tab.goto("/export")
    tab.get_by_label("PIN on your").wait_for()
    state = desk.page.context.request.get("/export/state").json()
    tab.route("**/export/state", lambda route: route.fulfill(json=state))  # it sleeps meanwhile
    with unplugged_at(bench, meter, 5):
        type_pin(desk, pin)
        desk.page.get_by_text("on their way").wait_for()
        tab.get_by_label("PIN on your").fill(pin)
        tab.get_by_role("button", name="Open").click()
        tab.get_by_text("The PIN was typed already, perhaps in another tab.").wait_for()
    see(desk, meter, MODES[0])


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_reload_at_each_step(desk: Desk, bench: Bench, meter: Meter, mode: str) -> None:
    page, exports = desk.page, bench.site.exports
    assert exports is not None
    known = exports.applet
    granularity_s = {MODES[0]: 1800, MODES[1]: 3600}[mode]
    exports.applet = bench.applet(bench.server.url, granularity_s)  # never seen by the meter
    try:
        ask(desk, mode)
        for told in ("whether this website may ever", "shows who asks", "PIN of six digits"):
            page.get_by_text(told).wait_for()
            page.reload()
            page.get_by_text(told).wait_for()
            if "PIN" not in told:
                meter.press()
        with unplugged_at(bench, meter, 5) as unplugged:
            type_pin(desk, meter.pin)
            assert unplugged.wait(20)
            if mode == MODES[1]:  # its page was loaded anew when the transfer began
                page.locator("#export[data-phase=serving]").wait_for()
            desk.reload()
            if mode == MODES[0]:
                page.get_by_text("the key is there").wait_for()
            else:
                expect(page.locator("#link")).to_have_text(AWAY, timeout=20_000)
        if mode == MODES[0]:
            page.get_by_role("button", name="Give up").click()
            meter.passes(61)
            to_the_pin(desk, meter, mode=mode)
            type_pin(desk, meter.pin)
        see(desk, meter, mode)
        page.reload()
        if mode == MODES[0]:
            page.get_by_text("gone with it").wait_for()
        else:
            assert page.get_by_text(meter.total).count() == 1
    finally:
        exports.applet = known
