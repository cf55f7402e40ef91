"""`wattseal customer home` in a real Chromium, beside the real firmware on the emulated board.

WATTSEAL_PICTURES names a folder for a picture of every page.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from household import HOSTILE, flat
from playwright.sync_api import Page, expect
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ProfileLoad
from wattseal_hil.pairing import read_pin
from wattseal_hil.port_server import PortServer
from wattseal_host import keys
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer.store import Secrets
from wattseal_host.files import write_token
from wattseal_host.ledger import Ledger

FROM_S = 1_735_689_600  # 2025-01-01, as the tariffs of the household
COMMAND = [
    sys.executable, "-c", "from wattseal_host.cli.main import run; run()", "customer", "home",
]  # fmt: skip
PICTURES = os.environ.get("WATTSEAL_PICTURES")
MINE = "Day and night" if PICTURES else f"Mine {HOSTILE}"
# A telegram a minute of board time, and sixty times its pace: one a second.
SETTINGS = {"burst_ms": 60_000, "telegram_ms": 60_000, "checkpoint_ms": 60_000}
PACE = 60
HOURS = 34
RECORDS = 2 * HOURS  # more than one batch


@dataclass
class Bench:
    """A paired meter whose customer port is on TCP, where it can be unplugged."""

    board: EmulatedBoard
    folder: Path
    secrets: Secrets
    plug: PortServer | None = None
    number: int = 0
    complaints: list[str] = field(default_factory=list)

    def plug_in(self) -> None:
        self.plug = PortServer(self.board.customer_port, 115200, ("127.0.0.1", self.number))
        self.number = self.plug.port

    def unplug(self) -> None:
        if self.plug is not None:
            self.plug.close()
        self.plug = None

    @property
    def port(self) -> str:
        return f"socket://127.0.0.1:{self.number}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("home")
    with EmulatedBoard(load=ProfileLoad(), start_s=FROM_S, settings=SETTINGS) as board:
        board.power_on()
        board.press_button()
        with CustomerPort(board.customer_port) as port:
            secrets = Secrets.paired(port.pair(read_pin(board)))
        secrets.save(folder / "customer.json")
        signer = keys.generate_key()
        for file, name, price in (("mine", MINE, "0.30"), ("other", "Other", "0.25")):
            write_token(folder / f"{file}.jws", flat(name, price).sign(signer).token)
        # The first half-hour is of the epoch before, whose secret nobody has.
        board.run_until(FROM_S + HOURS * 3600)
        made = Bench(board, folder, secrets)
        made.plug_in()
        board.set_pace(PACE)
        yield made
        board.set_pace(None)
        made.unplug()


@pytest.fixture(scope="module")
def address(bench: Bench) -> Iterator[str]:
    """Where the command says to begin, with the key."""
    line = [*COMMAND, "--secrets", bench.folder / "customer.json", "--port", bench.port]
    line += ["--tariff", bench.folder / "mine.jws", "--tariff", bench.folder / "other.jws"]
    line += ["--listen", "127.0.0.1:0", "--zone", "Europe/London"]
    running = subprocess.Popen([*map(str, line)], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        said = running.stdout.readline()
        found = re.fullmatch(r"home at (http://127\.0\.0\.1:\d+/enter\?key=\S+)\n", said)
        assert found, said
        yield found[1]
        running.send_signal(signal.SIGTERM)
        assert running.wait(15) in (0, 128 + signal.SIGTERM)
    finally:
        running.kill()


@pytest.fixture
def page(browser: Any, bench: Bench, address: str) -> Iterator[Page]:
    """A page on a telephone whose owner has the key; whatever the browser complains of is kept."""
    context = browser.new_context(viewport={"width": 420, "height": 800})
    page = context.new_page()
    bench.complaints.clear()
    page.on("console", lambda m: bench.complaints.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda error: bench.complaints.append(str(error)))
    page.on("request", lambda one: _ours(bench, one.url, address))
    page.goto(address)
    yield page
    context.close()


def _ours(bench: Bench, url: str, address: str) -> None:
    if not url.startswith(address.partition("/enter")[0]):
        bench.complaints.append(f"asked for {url}")


def look(page: Page, name: str) -> None:
    """Nothing scrolls sideways on a telephone, fields have labels, and nothing was injected."""
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]),select')]"
        ".filter(e => !e.labels.length && !e.ariaLabel).length"
    )
    assert not unnamed, name
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == 1 and page.locator("main").count() == 1
    assert page.locator("main img").count() == 0
    assert page.locator("svg:not([role=img])").count() == 0 or name == "tariffs"
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=name != "use")


def kept(ledger: Path, meter: bytes) -> int:
    """How many records there are."""
    if not ledger.exists():
        return 0
    with Ledger.existing(ledger) as opened:
        known = meter in {one.meter for one in opened.meters()}
        return opened.next_seq(meter) if known else 0


def test_live_power_and_the_log(page: Page, bench: Bench) -> None:
    """The figures are those of the port, the ledger fills by itself, and the month has its cost."""
    expect(page.locator("#import")).to_have_text(re.compile(r"\d+ W"), timeout=15_000)
    before = page.locator("#import_kwh").inner_text()
    expect(page.locator("#import_kwh")).not_to_have_text(before, timeout=15_000)
    assert page.locator("#voltage").inner_text().startswith("23")
    expect(page.locator("#trouble")).to_be_hidden()
    ledger = bench.folder / "customer.ledger.db"
    deadline = time.monotonic() + 30
    while kept(ledger, bench.secrets.meter) < RECORDS:
        assert time.monotonic() < deadline, page.locator("#log").inner_text()
        page.wait_for_timeout(200)
    expect(page.locator("#log")).to_have_text("", timeout=5_000)
    page.wait_for_timeout(60_000 if PICTURES else 0)
    assert len(page.locator("#line").get_attribute("d") or "") > 10
    page.reload()
    expect(page.locator("#cost")).to_have_text(re.compile(r"\d+\.\d\d EUR"))
    used_kwh, cost = (
        float(page.locator(name).inner_text().split()[0]) for name in ("#used", "#cost")
    )
    assert cost == pytest.approx(used_kwh * 0.30, abs=0.01)
    expect(page.locator("#import")).to_have_text(re.compile(r"\d+ W"), timeout=15_000)
    page.wait_for_timeout(30_000 if PICTURES else 0)
    look(page, "now")
    assert MINE in page.locator("main").inner_text()
    assert bench.complaints == []


def test_every_page(page: Page, bench: Bench) -> None:
    for name in ("Use", "Bills", "Released", "Tariffs"):
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(f"**/{name.lower()}")
        look(page, name.lower())
        if name == "Released":
            page.get_by_text("Live values on the utility port: not shown").wait_for()
            page.get_by_text("No service may export anything").wait_for()
    assert "no whole month" in page.locator("main").inner_text()
    page.goto(page.url.replace("/tariffs", "/use"))
    page.get_by_label("First day").fill("2025-01-01")
    page.get_by_label("Last day").fill("2025-01-01")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("47 records of 2025-01-01").wait_for()
    page.get_by_role("button", name="Leave").click()
    page.get_by_label("Key").fill("wrong")
    assert bench.complaints == []
    page.get_by_role("button", name="Enter").click()
    page.get_by_text("This is not the key").wait_for()
    look(page, "enter")


def test_unplugged_and_back_in_two_tabs(page: Page, bench: Bench) -> None:
    """One reader serves them all, and says what became of the port."""
    tab = page.context.new_page()
    tab.goto(page.url)
    for one in (page, tab):
        expect(one.locator("#import")).to_have_text(re.compile(r"\d+ W"), timeout=15_000)
    assert bench.plug is not None and len(bench.plug._clients) == 1
    bench.unplug()
    for one in (page, tab):
        one.bring_to_front()
        expect(one.locator("#trouble")).to_contain_text("port is gone", timeout=15_000)
        assert not re.search(r"\d", one.locator("#import").inner_text())
    bench.plug_in()
    for one in (page, tab):
        one.bring_to_front()
        expect(one.locator("#import")).to_have_text(re.compile(r"\d+ W"), timeout=15_000)
        expect(one.locator("#trouble")).to_be_hidden()
    assert bench.complaints == []
