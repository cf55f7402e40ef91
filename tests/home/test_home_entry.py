"""Who is in at the customer's website, how long, and who is not kept out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from household import Household
from serving import KEY, Visitor, visit
from test_home_pages import house_of
from wattseal_host.customer.home.entry import MOST_BROWSERS, Entry
from wattseal_host.customer.home.house import House


@pytest.fixture
def house(household: Household) -> House:
    return house_of(household)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "home.key"
    path.write_text(KEY)
    path.chmod(0o600)
    return path


def status(visitor: Visitor, page: str = "/use") -> int:
    return visitor.get(page, follow_redirects=False).status_code


def thief_of(visitor: Visitor, house: House, entry: Entry, url: str) -> Visitor:
    thief = Visitor(house, entry, url)
    thief.cookies.update(visitor.cookies)
    return thief


def test_a_copied_cookie_opens_nothing_after_leaving(house: House) -> None:
    entry = Entry(KEY, False)
    owner, other = (Visitor(house, entry) for _ in range(2))
    for one in (owner, other):
        one.get("/enter", params={"key": KEY})
    thief = thief_of(owner, house, entry, "http://localhost:8089")
    assert status(thief) == 200
    owner.post("/leave")
    assert status(thief) == status(owner) == 303
    assert status(other) == 200  # a browser of its own
    again = thief_of(other, house, Entry(KEY, False), "http://localhost:8089")
    assert status(again) == 303  # without a key file a restart ends it


def test_a_key_that_stays_and_tls(house: House, key_file: Path) -> None:
    url = "https://localhost:8089"
    visitor = Visitor(house, Entry.kept_in(key_file, True), url)
    entered = visitor.get("/enter", params={"key": KEY}, follow_redirects=False)
    cookie = entered.headers["set-cookie"].lower()
    assert cookie.startswith("__host-wattseal-home=") and "; secure" in cookie
    assert "max-age=31536000" in cookie and "domain" not in cookie
    kept = key_file.with_name("home.key.in")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert visitor.cookies["__Host-wattseal-home"] not in kept.read_text()
    assert status(thief_of(visitor, house, Entry.kept_in(key_file, True), url)) == 200
    key_file.write_text(KEY + "!")
    assert status(thief_of(visitor, house, Entry.kept_in(key_file, True), url)) == 303
    key_file.write_text(KEY)
    visitor.post("/leave")
    assert status(thief_of(visitor, house, Entry.kept_in(key_file, True), url)) == 303
    kept.write_text("rubbish\n" * 40)
    assert status(Visitor(house, Entry.kept_in(key_file, True), url)) == 303


def test_a_year_is_the_longest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = visit(house)
    assert status(visitor) == 200
    later = time.time() + 366 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    assert status(visitor) == 303


def test_another_website_makes_nobody_leave(house: House) -> None:
    visitor = visit(house)
    for site in ("cross-site", "same-site"):
        visitor.post("/leave", headers={"sec-fetch-site": site})
        assert status(visitor) == 200
    visitor.post("/leave", headers={"sec-fetch-site": "same-origin"})
    assert status(visitor) == 303


def test_wrong_keys_lock_nobody_out_and_are_slow() -> None:
    entry = Entry(KEY, False)

    async def guess() -> tuple[list[bool], float]:
        begun = time.monotonic()
        told = await asyncio.gather(*(entry.opens(f"{n}") for n in range(30)), entry.opens(KEY))
        return told, time.monotonic() - begun

    told, took_s = asyncio.run(guess())
    assert told == [False] * 30 + [True]
    assert took_s >= 30 * 0.02  # 50 in a second, however many come at once


def test_so_many_browsers(house: House) -> None:
    entry = Entry(KEY, False)
    first = Visitor(house, entry)
    first.get("/enter", params={"key": KEY})
    for _ in range(MOST_BROWSERS):
        Visitor(house, entry).get("/enter", params={"key": KEY}, follow_redirects=False)
    assert status(first) == 303
