"""The customer's website without a browser: who gets in, what each page says, what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from household import DAY_S, HOSTILE, Household, flat
from in_process import wattseal
from sealed_house import START_S, SealingMeter
from sealed_house import House as FullHouse
from serving import KEY, Visitor, visit
from wattseal_host.cli.compare import read_tariff
from wattseal_host.customer.home import pages
from wattseal_host.customer.home.house import House
from wattseal_host.customer.live import State
from wattseal_host.customer.releases import Releases
from wattseal_host.customer.store import Secrets
from wattseal_host.ledger import Ledger
from wattseal_host.trust import Trust

PAGES = ["/", "/use", "/bills", "/released", "/tariffs"]


def house_of(household: Household) -> House:
    tariffs = [read_tariff(path) for path in household.tariffs]
    trust = Trust.load(household.folder / "trust.json")
    return House(
        household.secrets, household.ledger, household.folder, "Europe/Berlin", tariffs, trust
    )


@pytest.fixture
def visitor(household: Household) -> Visitor:
    return visit(house_of(household))


def words(html: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def test_nobody_gets_in_without_the_key(household: Household) -> None:
    outside = visit(house_of(household), inside=False)
    for page in PAGES:
        answer = outside.get(page, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/enter")
    assert outside.get("/live.json").status_code == 401
    assert outside.get("/enter").status_code == 200
    assert outside.get("/enter", params={"key": KEY[:-1]}).status_code == 403
    assert outside.post("/enter", data={"key": "ü" * 2000}).status_code == 403
    rubbish = outside.post("/enter", content=b"\xff", headers={"content-type": "x"})
    assert rubbish.status_code == 403
    outside.cookies.set("wattseal-home", "0" * 64)
    assert outside.get("/", follow_redirects=False).status_code == 303
    outside.cookies.clear()
    entered = outside.post("/enter", data={"key": f" {KEY} "}, follow_redirects=False)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "max-age" not in cookie
    assert outside.get("/", follow_redirects=False).status_code == 200
    outside.post("/leave")
    assert outside.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.2:8089"])
def test_a_name_made_to_lead_here_is_refused(visitor: Visitor, host: str) -> None:
    for page in (*PAGES, "/live.json", "/enter", "/static/home.js"):
        answer = visitor.get(page, headers={"host": host})
        assert answer.status_code == 421, page
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert visitor.get("/", headers={"host": "LOCALHOST:1"}).status_code == 200


def test_headers_and_scripts(visitor: Visitor) -> None:
    for page in (*PAGES, "/enter", "/nothing", "/static/nothing", "/static/../pages.py"):
        answer = visitor.get(page)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=\"|https?://(?!www.w3)",
                             answer.text), page  # fmt: skip
        assert HOSTILE not in answer.text


def test_this_month_and_days(visitor: Visitor, household: Household) -> None:
    now = words(visitor.get("/").text)
    march_wh = sum(100 + slot for slot in range(96) if slot >= 0)
    # The two days of half-hours are 1 and 2 March in UTC, and begin at one o'clock in Berlin.
    assert f"{march_wh / 1000:.2f} kWh" in now and f"{march_wh * 0.25 / 1000:.2f} EUR" in now
    assert "No meter's port was named" in now
    used = visitor.get("/use").text
    assert used.count("<svg") == 2 and "under Mine &lt;img" in used
    day = words(visitor.get("/use", params={"from": "2025-03-02", "to": "2025-03-02"}).text)
    inside = [100 + slot for slot in range(46, 94)]
    assert f"{sum(inside) / 1000:.2f} kWh" in day and "48 records" in day


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2025-13-40", "to": "x"}, {"from": "9999-12-31", "to": "9999-12-31"},
        {"from": "0001-01-01", "to": "0001-01-01"}, {"from": "2025-03-02", "to": "2025-03-01"},
        {"from": "2020-01-01", "to": "2025-01-01"}, {"from": HOSTILE, "to": "\x00"},
        {"from": "2025-03-02" * 50},
    ],
)  # fmt: skip
def test_days_that_are_none_give_the_last_week(visitor: Visitor, query: dict[str, str]) -> None:
    answer = visitor.get("/use", params=query)
    assert answer.status_code == 200 and "2025-02-25 to 2025-03-03" in words(answer.text)


def test_days_before_the_first_record(visitor: Visitor) -> None:
    answer = visitor.get("/use", params={"from": "2024-01-02", "to": "2024-01-03"})
    assert "no reading of this time" in words(answer.text)


def test_bills_and_disclosures_with_their_verdicts(visitor: Visitor) -> None:
    told = words(visitor.get("/bills").text)
    assert told.count("accepted Every check was made") == 1 and told.count("certified") == 1
    assert "refused: statement-amount" in told or "refused: proof-false" in told
    assert "sum(import) >= 10000 = 1" in told and "fee opened at full resolution" in told
    assert told.count("proof, held : The amount follows") == 2
    assert "2025-03-01 01:00 to 2025-03-03 01:00, 96 records" in told


def test_without_a_trust_file_nothing_is_accepted(household: Household) -> None:
    visitor = visit(replace(house_of(household), trust=Trust((), ())))
    told = words(visitor.get("/bills").text)
    assert "No trust file was named" in told and told.count("refused: untrusted-keys") >= 2
    assert "accepted" not in told and "certified" not in told


def test_what_was_released(visitor: Visitor) -> None:
    told = words(visitor.get("/released").text)
    assert "bill of 3.54 EUR" in told and "sum(import) = 14160" in told
    assert f"{HOSTILE} nothing was found" in told


def test_who_may_ask_the_meter(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    house = house_of(household)
    assert "The meter is not at hand" in words(visit(house).get("/released").text)

    class Service:
        def describe(self) -> dict[str, object]:
            return {
                "name": HOSTILE, "version": 1, "publisher": HOSTILE, "recipient": HOSTILE,
                "reads": "import", "granularity_s": 3600, "each_by_pin": True, "approved": True,
            }  # fmt: skip

    class Meter:
        def consent(self) -> tuple[bool, bytes]:
            return True, b""

    class Kept:
        def state(self) -> State:
            return State(None, "")

        def ask(self, question: Callable[[Meter], object]) -> object:
            return question(Meter())

    monkeypatch.setattr(pages.applets, "listed", lambda port: [Service()])
    html = visit(replace(house, keeper=Kept())).get("/released").text
    assert HOSTILE not in html
    told = words(html)
    assert f"{HOSTILE} 1, of {HOSTILE} {HOSTILE} import, sums over 3600 s or longer" in told
    assert "by a PIN each time approved" in told and "utility port: shown" in told


def test_tariffs_side_by_side(visitor: Visitor) -> None:
    html = visitor.get("/tariffs").text
    sums = [sum(9000 + 100 * (day % 7) for day in days) for days in (range(31), range(31, 59))]
    cells = [f"{wh * price / 1000:.2f} EUR" for wh in sums for price in (0.25, 0.2)]
    told = words(html)
    assert f"2025-01 {cells[0]} {cells[1]} 2025-02 {cells[2]} {cells[3]}" in told
    assert visitor.get("/tariffs").text == html
    assert html.count("<svg") == 1 and f"Mine {HOSTILE} Other" in told


def test_files_that_are_not_right(household: Household, tmp_path: Path) -> None:
    house = house_of(household)

    def ask(page: str, **changed: object) -> str:
        answer = visit(replace(house, **changed)).get(page)
        assert answer.status_code == 200 and "Traceback" not in answer.text
        return words(answer.text)

    for page in PAGES:
        ask(page, ledger=tmp_path / "none.db")
    assert "no reading yet" in ask("/", ledger=tmp_path / "none.db")
    assert "There is no ledger yet" in ask("/tariffs", ledger=tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()

    stranger = SealingMeter("stranger").origin()
    Secrets(stranger.meter, stranger.key, {0: bytes(32)}).save(tmp_path / "stranger.json")
    assert "no reading yet" in ask("/", secrets=tmp_path / "stranger.json")

    meter, wrong = household.house.meter, tmp_path / "wrong.json"
    Secrets(meter.meter, meter.key, {0: bytes(32)}).save(wrong)
    Releases.path_for(wrong).write_bytes(b"{}")
    Releases.path_for(wrong).chmod(0o600)
    assert "does not hold what it says" in ask("/use", secrets=wrong)
    assert "list of releases is damaged" in ask("/released", secrets=wrong)

    (tmp_path / "junk.db").write_bytes(b"no ledger at all" * 100)
    for page in PAGES:
        ask(page, ledger=tmp_path / "junk.db")
    short = replace(flat("Short", "1"), to_s=START_S + DAY_S)
    assert "does not hold for all of this time" in ask("/", tariffs=[short])


def test_two_channels_and_a_new_occupant(household: Household, tmp_path: Path) -> None:
    """What the occupants before used is counted and left out; the cost begins with one's own."""
    meter = SealingMeter("two occupants", channels=2).origin()
    for _ in range(3):
        meter.reading(500, 10)
    meter.paired()
    for slot in range(5):
        meter.reading(1000 + slot, 20 * slot)
    held = {1: meter.secrets[1]}
    Secrets(meter.meter, meter.key, held).save(tmp_path / "new.json")
    with Ledger(tmp_path / "two.db") as ledger:
        ledger.add_meter(FullHouse(meter).enrolment)
        ledger.append(meter.meter, meter.sealed, "customer")
    house = replace(
        house_of(household), secrets=tmp_path / "new.json", ledger=tmp_path / "two.db", zone="UTC"
    )
    visitor = visit(house)
    now, used = (words(visitor.get(page).text) for page in ("/", "/use"))
    assert "5.01 kWh" in now and f"{5010 * 0.25 / 1000:.2f} EUR" in now
    assert "Cost from 2025-01-01 01:30" in now
    assert "To the grid 0.20 kWh" in used and "Not counted: 3 of an epoch" in used


OPTIONS = {
    "tls": ["--listen", "0.0.0.0:0"],
    "home-name": ["--listen", "0.0.0.0:0", "--tls-cert", "c.pem", "--tls-key", "k.pem"],
    "listen": ["--listen", "localhost"],
    "file-missing": ["--papers", "/nowhere"],
    "zone-unknown": ["--zone", "Mars/Base"],
    "home-key": ["--key-file", "KEY"],
    "secret-exposed": ["--key-file", "SHOWN"],
    "source": ["--ledger", "none.db"],
    "json-syntax": ["--tariff", "KEY"],
}


@pytest.mark.parametrize("code", OPTIONS)
def test_bad_options_end_in_one_line(household: Household, tmp_path: Path, code: str) -> None:
    for name, mode in (("KEY", 0o600), ("SHOWN", 0o644)):
        (tmp_path / name).write_text("{short")
        (tmp_path / name).chmod(mode)
    told = [tmp_path / one if one in ("KEY", "SHOWN") else one for one in OPTIONS[code]]
    done = wattseal("customer", "home", *household.options, *told)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {code}"), line
