"""The whole flow in a real Chromium, with a file from the real firmware on the emulated board.

WATTSEAL_PICTURES names a folder for a picture of every page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_bench import Server, flat_tariff
from portal_desk import Desk
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ProfileLoad
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer.hand_over import hand_over
from wattseal_host.errors import PortError
from wattseal_host.portal import handed
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import MEMORY, Accounts

FROM_S, DAY_S, DAYS = 1_735_689_600, 86400, 2


def _progress(done: float, total: float) -> None:
    assert done <= total


@pytest.fixture(scope="module")
def meters() -> Iterator[tuple[bytes, bytes, str]]:
    """(the file, the meter's id, what a meter unplugged in the middle leads to)."""
    settings = {"burst_ms": 60_000, "telegram_ms": 60_000, "checkpoint_ms": 60_000}
    with EmulatedBoard(load=ProfileLoad(), start_s=FROM_S, settings=settings) as board:
        board.power_on()
        board.run_until(FROM_S + DAYS * DAY_S + 5)
        with CustomerPort(board.customer_port, timeout_s=1.0) as port:
            data, told = hand_over(port, FROM_S, FROM_S + DAYS * DAY_S, _progress)

            def unplug(done: float, total: float) -> None:
                if board.powered:
                    board.power_off()

            with pytest.raises(PortError) as caught:
                hand_over(port, FROM_S, FROM_S + DAYS * DAY_S, unplug)
        yield data, told.enrolment.meter, caught.value.code


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    site = Site(Accounts(MEMORY), tariffs={"Flat": flat_tariff()})
    running = Server(site)
    yield running
    running.close()


@pytest.fixture
def desk(browser: Any, server: Server) -> Iterator[Desk]:
    desk = Desk(browser, server.url)
    yield desk
    desk.context.close()


@pytest.fixture
def file(meters: tuple[bytes, bytes, str], tmp_path: Path) -> Path:
    path = tmp_path / "readings.json"
    path.write_bytes(meters[0])
    return path


def test_handed_over_to_the_server(
    desk: Desk, meters: tuple[bytes, bytes, str], file: Path, browser: Any, server: Server
) -> None:
    page = desk.page
    page.goto("/")
    desk.look("home")
    desk.sign_up("server.mode", meters[1])
    desk.hand_over(file)
    page.get_by_text("96 readings").wait_for()
    held = handed.read(meters[0], meters[1])
    total = f"{sum(held.column()) / 1000:.2f} kWh"
    assert page.get_by_text(total).count() == 1
    page.get_by_role("button", name="Work it out").click()
    page.get_by_text(f"{sum(held.column()) * 0.25 / 1000:.2f} EUR").wait_for()
    desk.look("results")
    page.reload()
    assert page.get_by_text(total).count() == 1

    tab = desk.context.new_page()
    tab.goto("/results")
    assert tab.get_by_text(total).count() == 1
    for name in ("consents", "account"):
        page.goto(f"/{name}")
        desk.look(name)
    cookies = desk.context.cookies()
    page.get_by_role("button", name="Log off").click()
    page.get_by_role("link", name="Sign up").first.wait_for()
    tab.reload()
    assert tab.url.endswith("/log-on") and total not in tab.content()
    page.goto("/log-on")
    desk.look("log-on")
    page.go_back()
    assert total not in page.content()

    thief = browser.new_context(base_url=server.url)
    thief.add_cookies(cookies)
    stolen = thief.new_page()
    stolen.goto("/results")
    assert stolen.url.endswith("/log-on")
    thief.close()
    assert desk.complaints == []


def test_read_in_the_browser(desk: Desk, meters: tuple[bytes, bytes, str], file: Path) -> None:
    """The browser finds the numbers the server finds, and sends nothing."""
    page = desk.page
    desk.sign_up("browser.mode", meters[1])
    page.goto("/in-browser")
    page.wait_for_load_state("networkidle")
    before = len(desk.requests)
    page.get_by_label("File written by").set_input_files(file)
    page.get_by_text("the meter's signature is good").wait_for()
    assert len(desk.requests) == before
    held = handed.read(meters[0], meters[1])
    assert page.locator("#total").inner_text() == f"{sum(held.column()) / 1000:.2f} kWh"
    assert page.locator("#days tr").count() == DAYS
    named = [text for text in page.locator("#curve text.mark").all_text_contents() if text]
    assert 2 <= len(named) <= 5 and "12:00" in named
    desk.look("in-browser")
    stored = "localStorage.length + sessionStorage.length"
    assert page.evaluate(stored) == 0
    page.reload()
    assert not page.locator("#result").is_visible()
    assert desk.complaints == []


CHEATS = {
    "value": "not the one your meter sealed",
    "cut-off": "signature in this file",
    "dropped": "not whole",
    "key": "another meter",
    "rubbish": "could not be read",
}


def test_the_browser_refuses_what_the_server_refuses(
    desk: Desk, meters: tuple[bytes, bytes, str], tmp_path: Path
) -> None:
    desk.sign_up("cheats", meters[1])
    desk.page.goto("/in-browser")
    for name, told in CHEATS.items():
        value = json.loads(meters[0])
        match name:
            case "value":
                value["openings"][3]["value"] += 1
            case "cut-off":
                del value["bodies"][-1], value["openings"][-1]
            case "dropped":
                del value["bodies"][-5], value["openings"][-5]
            case "key":
                value["key"] = value["key"][:-2] + "00"
            case "rubbish":
                value = {"<img src=x onerror=alert(1)>": 1}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(value))
        desk.page.get_by_label("File written by").set_input_files(path)
        desk.page.get_by_text(told).wait_for()
        assert not desk.page.locator("#result").is_visible()


def test_a_meter_unplugged_in_the_middle_leaves_no_file(meters: tuple[bytes, bytes, str]) -> None:
    assert meters[2] in ("port-silent", "port-missing")


def test_refused_in_the_browser(desk: Desk) -> None:
    desk.page.goto("/log-on")
    desk.page.get_by_label("User name").fill('"><img src=x onerror=alert(1)>')
    desk.page.get_by_label("Password").fill("wrong password")
    desk.page.get_by_role("button", name="Log on").click()
    desk.page.get_by_text("is wrong").wait_for()
    assert desk.page.locator("main img").count() == 0
    assert not [one for one in desk.complaints if "400" not in one]
    desk.look("refused")
