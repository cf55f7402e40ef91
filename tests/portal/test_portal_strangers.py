"""What somebody without an account, or with one of their own, may take from everybody else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import pytest
from handed_file import file_of
from in_process import wattseal
from portal_bench import PASSWORD, Clock, Server, Visitor
from relay_bench import Bench, Customer
from sealed_house import SealingMeter
from wattseal.errors import Refused
from wattseal_host.cli import portal as command
from wattseal_host.portal import data_pages, passwords
from wattseal_host.portal import site as sites
from wattseal_host.portal.asking import SERVING
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import Accounts, Consent

METER = bytes(range(16))


@pytest.fixture
def visitor(portal: Server) -> Visitor:
    return Visitor(portal.url)


def test_visitors_leave_nothing_behind(portal: Server, visitor: Visitor, clock: Clock) -> None:
    """A form that was loaded is taken, however many others load theirs, for an hour."""
    first = visitor.csrf("/sign-up")
    cookie = visitor.http.cookies["wattseal"]
    for _ in range(50):
        httpx.get(portal.url + "/log-on")
    assert not portal.site.sessions._sessions
    assert visitor.csrf("/log-on") == first  # a form in another tab is the same visitor's
    fields = {"name": "ada", "meter": METER.hex(), "password": PASSWORD}
    visitor.http.cookies.set("wattseal", cookie, "127.0.0.1", "/")
    assert "logged on as" in visitor.http.post("/sign-up", data={"csrf": first, **fields}).text
    late = Visitor(portal.url)
    token = late.csrf("/log-on")
    clock.ahead_s += 3601
    told = late.http.post("/log-on", data={"csrf": token, "name": "ada", "password": PASSWORD})
    assert told.status_code == 403


@pytest.mark.parametrize("at", [0, 23, -1])
def test_a_cookie_that_is_not_ours(portal: Server, visitor: Visitor, at: int) -> None:
    token = visitor.csrf("/log-on")
    cookie = visitor.http.cookies["wattseal"]
    swapped = "1" if cookie[at] == "0" else "0"
    made = cookie[:at] + swapped + (cookie[at + 1 :] if at != -1 else "")
    thief = httpx.Client(base_url=portal.url, cookies={"wattseal": made})
    fields = {"csrf": token, "name": "ada", "password": PASSWORD}
    assert thief.post("/log-on", data=fields).status_code == 403


def test_wrong_passwords_from_elsewhere_keep_nobody_out(
    visitor: Visitor, site: Site, clock: Clock
) -> None:
    visitor.sign_up("ada", METER)
    tried = 0
    for _ in range(600):  # for a hundred minutes, as often as it can
        tried += site.may_guess("192.0.2.66", "ada")
        clock.ahead_s += 10
    assert 50 < tried <= 5 + 100 + 1
    assert visitor.log_on("ada").status_code == 200
    for number in range(60):
        site.may_guess(f"192.0.2.{number}", "ada")
    assert not site.may_guess("192.0.2.99", "ada")  # many addresses do, but not for who is in
    removed = visitor.post("/account/remove", at="/account", password="wrong")
    assert removed.status_code == 403 and "is wrong" in removed.text


def test_guesses_from_everywhere_are_bounded(site: Site) -> None:
    tried = sum(site.may_guess(f"192.0.2.{n % 250}", "ada") for n in range(300))
    assert tried == 50


def test_a_long_number_in_a_path(bench: Bench, customer: Customer) -> None:
    """Nobody's, a stranger's or a customer's."""
    for text in ("9" * 5000, "9" * 11, "-1", "%D9%A1"):
        for path in (f"chunk/{text}", f"records/{text}/1", f"records/1/{text}"):
            assert httpx.get(f"{bench.server.url}/export/{path}").status_code == 401
            assert customer.http.get(f"/export/{path}").status_code in (403, 410)
    customer.ask(mode="browser")
    asking = next(iter(bench.site.sessions._sessions.values())).asking
    assert asking is not None
    asking.phase = SERVING
    assert customer.http.get("/export/chunk/" + "9" * 5000).status_code == 403


def test_the_host_leads_nowhere(portal: Server, site: Site) -> None:
    answer = httpx.get(portal.url + "/log-on/", headers={"host": "evil.example"})
    assert answer.status_code == 404 and "location" not in answer.headers
    site.hosts = command._hosts("https://portal.example:8443", "127.0.0.1")
    named = Server(site)
    try:
        for host, status in (
            ("evil.example", 421), ("portal.example.evil", 421), ("", 421),
            ("portal.example", 200), ("PORTAL.example:8443", 200), ("127.0.0.1:99", 200),
        ):  # fmt: skip
            told = httpx.get(named.url + "/log-on", headers={"host": host})
            assert told.status_code == status, host
    finally:
        named.close()


def test_files_wait_their_turn(
    portal: Server, house: SealingMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of an account, so many in all; the rest are told at once."""
    visitors = []
    for n in range(data_pages.CHECKED_AT_ONCE + data_pages.WAITING + 1):
        portal.site.sign_ups._buckets.clear()
        visitors.append(Visitor(portal.url))
        visitors[-1].sign_up(f"ada{n}", house.meter)
    go_on = threading.Event()
    real = data_pages.handed.read
    monkeypatch.setattr(data_pages.handed, "read", lambda *told: (go_on.wait(20), real(*told))[1])
    data, answers = file_of(house), []
    threads = [
        threading.Thread(target=lambda one=one: answers.append(one.hand_over(data)))
        for one in visitors[:-1]
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while portal.site.files._buckets.__len__() < len(threads) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    full = visitors[-1].hand_over(data)
    again = visitors[0].hand_over(data)
    go_on.set()
    for thread in threads:
        thread.join()
    assert full.status_code == 503 and "Too many people" in full.text
    assert again.status_code == 429
    assert [answer.status_code for answer in answers] == [200] * len(threads)
    assert visitors[-1].hand_over(data).status_code == 200


def test_a_log_on_that_races_with_the_removal(
    portal: Server, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its password was checked before, and the session would be nobody's."""
    visitor.sign_up("ada", METER)
    real = passwords.matches
    at_the_check, go_on = threading.Event(), threading.Event()

    def slow(told: str, sealed: str | None) -> bool:
        good = real(told, sealed)
        if threading.current_thread() is not removing:
            at_the_check.set()
            go_on.wait(10)
        return good

    removing = threading.current_thread()
    late = Visitor(portal.url)
    answers: list[httpx.Response] = []
    monkeypatch.setattr(passwords, "matches", slow)
    thread = threading.Thread(target=lambda: answers.append(late.log_on("ada")))
    thread.start()
    assert at_the_check.wait(10)
    monkeypatch.setattr(passwords, "matches", real)
    visitor.post("/account/remove", at="/account", password=PASSWORD)
    go_on.set()
    thread.join()
    assert answers[0].url.path == "/log-on"
    assert late.http.get("/account").url.path == "/log-on"
    assert not portal.site.sessions._sessions


def test_what_a_removed_account_does_is_nobodys(tmp_path: Path) -> None:
    accounts = Accounts(f"sqlite:///{tmp_path / 'portal.db'}")
    try:
        ada = accounts.add("ada", "x", METER)
        accounts.remove(ada)
        with pytest.raises(Refused) as caught:
            accounts.consent(ada, Consent(1, 2, 3, "to look at it"))
        assert caught.value.code == "session-over"
        bob = accounts.add("bob", "x", METER)
        assert bob.number != ada.number and accounts.consents(bob) == []
    finally:
        accounts.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/portal.db", "foo", "nonsense://h/x",
        "postgresql+psycopg://u:geheim@127.0.0.1:1/x", "sqlite:///" + "x" * 300,
    ],
)  # fmt: skip
def test_a_database_that_is_none(tmp_path: Path, url: str) -> None:
    options = ["--port", "0", "--database", url, "--key", tmp_path / "p.pem"]
    done = wattseal("portal", "serve", *options)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: database") and "geheim" not in line


@pytest.mark.parametrize(
    ("origin", "secure"), [("https://portal.example", True), ("http://localhost:8443", False)]
)
def test_behind_a_proxy_with_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, secure: bool
) -> None:
    """The visitors' side is what counts for cookies."""
    made: list[Site] = []
    monkeypatch.setattr(command, "run", lambda *told, **more: more["listening"].close())
    monkeypatch.setattr(
        sites, "Site", lambda *told, **more: made.append(Site(*told, **more)) or made[0]
    )
    database = f"sqlite:///{tmp_path / 'portal.db'}"
    done = wattseal("portal", "serve", "--port", "0", "--database", database, "--origin", origin)
    assert done.returncode == 0, done.stderr
    assert made[0].tls is secure and made[0].cookie.startswith("__Host-") is secure
