"""Accounts, sessions, forms: what strangers, thieves and scripts get."""

from __future__ import annotations

import httpx
import pytest
from portal_bench import PASSWORD, Clock, Server, Visitor
from wattseal_host.portal.site import Site

METER = bytes(range(16))
PRIVATE = ("/hand-over", "/results", "/consents", "/account", "/in-browser")


@pytest.fixture
def visitor(portal: Server) -> Visitor:
    return Visitor(portal.url)


def test_sign_up_log_off_log_on(visitor: Visitor) -> None:
    assert "logged on as" in visitor.sign_up("Ada", METER).text
    visitor.post("/log-off", at="/")
    assert visitor.http.get("/account").url.path == "/log-on"
    assert "logged on as" in visitor.log_on("ada").text
    assert METER.hex() in visitor.http.get("/account").text


def test_strangers_see_the_forms_alone(visitor: Visitor) -> None:
    for page in PRIVATE:
        assert visitor.http.get(page).url.path == "/log-on"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "a b"}, "user name has"),
        ({"name": "<script>alert(1)</script>"}, "user name has"),
        ({"meter": "12"}, "meter id has"),
        ({"meter": "<img src=x onerror=alert(1)>"}, "meter id has"),
        ({"password": "short"}, "password has"),
        ({"password": "x" * 201}, "password has"),
        ({"name": "\0' OR 1=1 --"}, "user name has"),
    ],
)
def test_sign_up_refuses(visitor: Visitor, fields: dict[str, str], told: str) -> None:
    good = {"name": "ada", "meter": METER.hex(), "password": PASSWORD}
    answer = visitor.post("/sign-up", **{**good, **fields})
    assert answer.status_code == 400 and told in answer.text
    assert "<script>alert" not in answer.text and "<img" not in answer.text
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    "name", ["nobody", "' OR 1=1 --", "\0", "ada\ud800".encode("utf-8", "replace").decode(), "é"]
)
def test_log_on_says_the_same_of_a_wrong_name_and_a_wrong_password(
    visitor: Visitor, name: str
) -> None:
    visitor.sign_up("ada", METER)
    visitor.post("/log-off", at="/")
    wrong = visitor.log_on("ada", "something else")
    unknown = visitor.log_on(name)
    assert wrong.status_code == unknown.status_code == 400
    assert "is wrong" in wrong.text and "is wrong" in unknown.text


def test_a_name_is_taken_once(portal: Server) -> None:
    Visitor(portal.url).sign_up("ada", METER)
    assert "taken" in Visitor(portal.url).sign_up("ADA", METER).text


def test_guessing_passwords_is_slowed_down(visitor: Visitor, clock: Clock) -> None:
    visitor.sign_up("ada", METER)
    visitor.post("/log-off", at="/")
    answers = [visitor.log_on("ada", f"guess number {i}").status_code for i in range(7)]
    assert answers == [400] * 5 + [429] * 2
    assert visitor.log_on("ada").status_code == 429
    clock.ahead_s += 61
    assert visitor.log_on("ada").status_code == 200


def test_a_form_of_another_site_is_refused(portal: Server, visitor: Visitor) -> None:
    visitor.sign_up("ada", METER)
    assert visitor.http.post("/log-off", data={}).status_code == 403
    assert visitor.http.post("/log-off", data={"csrf": "x" * 43}).status_code == 403
    other = Visitor(portal.url).csrf("/log-on")
    assert visitor.http.post("/log-off", data={"csrf": other}).status_code == 403
    token = visitor.csrf("/")
    answer = visitor.http.post(
        "/log-off", data={"csrf": token}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "logged on as" in visitor.http.get("/").text


def test_a_stolen_cookie_is_worth_nothing_after_log_off(portal: Server, visitor: Visitor) -> None:
    before = visitor.http.get("/log-on").cookies["wattseal"]
    visitor.sign_up("ada", METER)
    stolen = visitor.http.cookies["wattseal"]
    assert stolen != before
    thief = httpx.Client(base_url=portal.url, cookies={"wattseal": stolen})
    assert "logged on as" in thief.get("/").text
    visitor.post("/log-off", at="/")
    assert thief.get("/account").status_code == 303
    fixed = httpx.Client(base_url=portal.url, cookies={"wattseal": before})
    assert fixed.get("/account").status_code == 303


def test_a_session_ends_by_itself(visitor: Visitor, clock: Clock) -> None:
    visitor.sign_up("ada", METER)
    clock.ahead_s += 15 * 60 + 1
    assert visitor.http.get("/account").url.path == "/log-on"


def test_cookies_and_headers(portal: Server) -> None:
    answer = httpx.get(portal.url + "/log-on")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    missing = httpx.get(portal.url + "/nowhere")
    assert missing.status_code == 404 and missing.headers["content-security-policy"] == policy


def test_behind_tls_the_cookie_travels_by_tls_alone(site: Site) -> None:
    site.tls = True
    server = Server(site)
    try:
        answer = httpx.get(server.url + "/log-on")
    finally:
        server.close()
    assert answer.headers["set-cookie"].startswith("__Host-wattseal=")
    assert "; Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_request_too_large_is_refused(visitor: Visitor) -> None:
    answer = visitor.http.post("/log-on", data={"name": "x" * 70_000})
    assert answer.status_code == 413


def test_removing_the_account(portal: Server, visitor: Visitor) -> None:
    visitor.sign_up("ada", METER)
    other = Visitor(portal.url)
    other.log_on("ada")
    assert visitor.post("/account/remove", at="/account", password="wrong one").status_code == 403
    visitor.post("/account/remove", at="/account", password=PASSWORD)
    assert other.http.get("/account").url.path == "/log-on"
    assert "is wrong" in visitor.log_on("ada").text
