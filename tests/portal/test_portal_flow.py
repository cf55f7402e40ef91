"""Asking a meter in process, in a real Chromium: what is told to whom, and what is false. Against
the real firmware: test_portal_board, test_portal_people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from peer_meter import PeerMeter
from playwright.sync_api import expect
from portal_desk import Desk
from relay_bench import FROM, TO, Bench
from sealed_house import START_S, SealingMeter
from wattseal_host.provider.tariffs import Draft

GOOD = "each the one your meter sealed"


@pytest.fixture(scope="module")
def shared(house: SealingMeter) -> Iterator[tuple[Bench, PeerMeter]]:
    """One portal for all: each test has a visitor and a meter's state of its own."""
    meter = PeerMeter(house)
    bench = Bench(lambda: meter)
    meter.clock = bench.clock
    yield bench, meter
    bench.close()


@pytest.fixture
def bench(shared: tuple[Bench, PeerMeter]) -> Bench:
    return shared[0]


@pytest.fixture
def meter(shared: tuple[Bench, PeerMeter], bench: Bench) -> PeerMeter:
    fresh = PeerMeter(shared[1].house, bench.clock)
    shared[1].__dict__.update(fresh.__dict__)
    bench.line._kept.clear()
    bench.clock.ahead_s += 3600  # no limit of the last test is felt
    return shared[1]


@pytest.fixture
def desk(
    browser: Any, bench: Bench, meter: PeerMeter, request: pytest.FixtureRequest
) -> Iterator[Desk]:
    desk = Desk(browser, bench.server.url)
    name = re.sub(r"[^a-z0-9]", "-", request.node.name.lower())[-38:].strip("-")
    desk.sign_up(name, meter.house.meter)
    yield desk
    desk.context.close()


def ask(desk: Desk, mode: str = "my browser", granularity: str = "every reading") -> None:
    page = desk.page
    page.goto("/export")
    page.get_by_label("First day").fill(FROM)
    page.get_by_label("Last day").fill(TO)
    page.get_by_label("How fine").select_option(granularity)
    modes = page.get_by_label("Who opens it").locator("option").all_inner_texts()
    page.get_by_label("Who opens it").select_option(next(m for m in modes if m.startswith(mode)))
    page.get_by_label("This website may ask").check()
    page.get_by_role("button", name="Ask", exact=True).click()


def to_the_pin(desk: Desk, meter: PeerMeter, **asked: str) -> None:
    ask(desk, **asked)
    desk.page.get_by_text("whether this website may ever").wait_for()
    meter.press()
    desk.page.get_by_text("shows who asks").wait_for()
    meter.press()
    desk.page.get_by_label("PIN on your").wait_for()


def type_pin(desk: Desk, pin: str) -> None:
    desk.page.get_by_label("PIN on your").fill(pin)
    desk.page.get_by_role("button", name="Open").click()


def whole(meter: PeerMeter) -> int:
    return sum(v for (v,) in meter.house.values.values())


def total(meter: PeerMeter) -> str:
    return f"{whole(meter) / 1000:.2f} kWh"


@pytest.mark.parametrize(
    "lie, told",
    [
        ({"unit": {"name": "Wh", "exponent": 1}}, "another unit"),
        ({"channels": ["import", "export"]}, "other channels"),
        ({"unit": {"name": "m", "exponent": 0}}, "says otherwise of your meter"),
    ],
    ids=str,
)
def test_a_relay_that_lies_about_the_meter(
    desk: Desk,
    meter: PeerMeter,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    lie: dict[str, Any],
    told: str,
) -> None:
    """What is opened is as it was sealed, and no cost is told that is another's."""
    ask_relay = bench.client._ask

    def lying(method: str, meter: bytes, path: str, **options: Any) -> bytes:
        data = ask_relay(method, meter, path, **options)
        return data if path else json.dumps({**json.loads(data), **lie}).encode()

    monkeypatch.setattr(bench.client, "_ask", lying)
    to_the_pin(desk, meter)
    type_pin(desk, meter.pin)
    desk.page.get_by_text(GOOD).wait_for()
    assert desk.page.locator("#total").inner_text() == total(meter)
    desk.page.get_by_role("button", name="Work it out here").click()
    expect(desk.page.locator("#cost")).to_contain_text(told)


def test_opened_in_the_browser_and_nowhere_else(desk: Desk, meter: PeerMeter, bench: Bench) -> None:
    sent: list[str] = []
    desk.page.on("request", lambda r: sent.append((r.post_data or "") + r.url))
    to_the_pin(desk, meter)
    pin = meter.pin
    type_pin(desk, f"{pin[:3]} {pin[3:]}")
    desk.page.get_by_text(GOOD).wait_for()
    assert desk.page.locator("#total").inner_text() == total(meter)
    assert desk.page.locator("#days tr").count() == 2
    assert "base load" in desk.page.locator("#advice").inner_text()
    desk.page.get_by_role("button", name="Work it out here").click()
    expect(desk.page.locator("#cost")).to_have_text(f"{whole(meter) * 0.25 / 1000:.2f} EUR")
    assert not [one for one in sent if pin in one.split("http://")[0]]
    assert total(meter) not in desk.page.context.request.get("/results").text()
    (session,) = [s for s in bench.site.sessions._sessions.values() if s.asking]
    asking = session.asking
    assert asking is not None and asking.one._cipher is None and session.held is None
    assert desk.page.evaluate("localStorage.length + sessionStorage.length") == 0
    desk.page.reload()
    desk.page.get_by_text("gone with it").wait_for()
    assert not desk.page.locator("#result").is_visible()
    assert desk.complaints == []


def test_opened_by_the_website_with_a_reload_at_each_step(desk: Desk, meter: PeerMeter) -> None:
    page = desk.page
    ask(desk, mode="this website")
    for told in ("whether this website may ever", "shows who asks", "PIN of six digits"):
        page.get_by_text(told).wait_for()
        page.reload()
        page.get_by_text(told).wait_for()
        if "PIN" not in told:
            meter.press()
    type_pin(desk, meter.pin)
    desk.reload()
    desk.see_results()
    assert page.get_by_text(total(meter)).count() == 1
    page.get_by_role("button", name="Log off").click()
    page.get_by_role("link", name="Sign up").first.wait_for()
    page.goto("/results")
    assert total(meter) not in page.content()
    assert desk.complaints == []


def test_tariffs_that_cannot_be_worked_out_here(
    desk: Desk, meter: PeerMeter, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so beforehand, and what to do instead; there it can."""
    tiers = [{"up_to": 1, "price": Decimal("0.1")}, {"price": Decimal("0.3")}]
    draft = Draft("Blocks", "EUR", START_S - 86400, START_S + 40 * 86400)
    draft.parts.append({
        "type": "tiers", "name": "energy", "channel": "import", "mode": "cumulative",
        "unit_exponent": 3, "span": "period", "tiers": tiers,
    })  # fmt: skip
    flat = bench.site.tariffs["Flat"]
    monkeypatch.setattr(bench.site, "tariffs", {"Blocks": draft.finish(), "Flat": flat})
    to_the_pin(desk, meter)
    type_pin(desk, meter.pin)
    desk.page.get_by_text(GOOD).wait_for()
    listed = desk.page.get_by_label("Tariff")
    assert listed.locator("option").all_inner_texts() == ["Blocks - not here", "Flat"]
    assert listed.locator("option:disabled").count() == 1 and listed.input_value() == "Flat"
    expect(desk.page.locator("#tariff-help")).to_contain_text("let this website open the readings")
    desk.page.get_by_role("button", name="Work it out here").click()
    expect(desk.page.locator("#cost")).to_have_text(f"{whole(meter) * 0.25 / 1000:.2f} EUR")
    desk.look("tariffs")
    desk.page.reload()
    desk.page.get_by_role("button", name="Ask again").click()
    ask(desk, mode="this website")
    desk.page.get_by_text("shows who asks").wait_for()
    meter.press()
    desk.page.get_by_label("PIN on your").wait_for()
    type_pin(desk, meter.pin)
    desk.see_results()
    desk.page.get_by_label("Tariff").select_option("Blocks")
    desk.page.get_by_role("button", name="Work it out").click()
    expect(desk.page.get_by_text(f"{whole(meter) * 0.3 / 1000 - 0.2:.2f} EUR")).to_be_visible()


def test_refused_at_the_meter(desk: Desk, meter: PeerMeter) -> None:
    to_the_pin(desk, meter)
    meter.press()
    desk.page.get_by_text("refused at your meter").wait_for()


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("chunk", "another export"), ("record", "not whole"), ("signature", "did not sign"),
        ("lie", "not the one your meter sealed"),
    ],
)  # fmt: skip
def test_what_is_false_is_refused_in_the_browser(
    desk: Desk, meter: PeerMeter, what: str, told: str
) -> None:
    def alter(name: str, data: bytes) -> bytes:
        at = {"chunk": 9, "record": 60}.get(what)
        if name == what and at is not None:
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        if name == "mailbox" and what == "signature" and any(data[126:190]):
            return data[:126] + data[158:190] + data[126:158] + data[190:]
        return data

    to_the_pin(desk, meter, granularity="each hour")
    meter.alter, meter.lie = alter, int(what == "lie")
    type_pin(desk, meter.pin)
    expect(desk.page.locator("#refused")).to_contain_text(re.compile(told))
    assert not desk.page.locator("#result").is_visible()
