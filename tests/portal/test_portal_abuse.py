"""What guessers, strangers, relays, greedy websites and scripts get of an export."""

from __future__ import annotations

import random

import pytest
from peer_meter import PeerMeter
from relay_bench import Bench, Customer, to_the_pin
from sealed_house import SealingMeter

MARK = 3_141_592_653


def test_guessing_a_pin_gets_no_further_than_one(customer: Customer, meter: PeerMeter) -> None:
    """10,000 tries at the meter, behind website and relay; the website takes one as well."""
    from wattseal_host.export.recipient import SHARE, Export

    pin = to_the_pin(customer, meter)
    box = customer.state()
    assert box["phase"] == "pin"
    session = meter._session
    one = Export("http://thief", meter.house.key, 0, 1, 0, session)
    guess = one.share("000000" if pin != "000000" else "000001")
    for _ in range(10_000):
        meter.mail(SHARE, guess)
    assert meter.exchanges == 1
    assert customer.type_pin(pin).status_code in (200, 400)
    assert customer.until("failed", "exchange")["phase"]
    assert meter.exchanges == 1


@pytest.mark.parametrize("what", ["mailbox", "chunk", "record"])
def test_a_relay_that_alters_what_it_passes(
    customer: Customer, meter: PeerMeter, what: str
) -> None:
    def alter(name: str, data: bytes) -> bytes:
        if name != what or (name == "mailbox" and not any(data[28:93])):
            return data
        at = 60 if name != "chunk" else 5
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    pin = to_the_pin(customer, meter)
    meter.alter = alter
    customer.type_pin(pin)
    assert customer.until("failed")["said"]
    assert "holds no reading" in customer.http.get("/results").text


def test_a_relay_that_swaps_the_scope(customer: Customer, meter: PeerMeter) -> None:
    """The display shows what the relay made of the request; the PIN then opens nothing."""
    meter.swap = lambda kind, message: (
        message[:48] + bytes(4) + message[52:] if kind == 2 else message
    )
    pin = to_the_pin(customer, meter)
    assert meter.shown[2].startswith("0 to")
    customer.type_pin(pin)
    assert "not the PIN" in customer.until("failed")["said"]


def test_a_website_that_asks_for_more_than_was_approved(
    meter: PeerMeter, house: SealingMeter
) -> None:
    bench = Bench(lambda: meter, granularity_s=3600)
    try:
        customer = Customer(bench.server.url)
        customer.sign_up("ada", house.meter)
        customer.ask(granularity="0")
        customer.until("applet")
        meter.press()
        assert "more than you allowed" in customer.until("failed")["said"]
    finally:
        bench.close()


def test_a_thousand_half_open_exports(
    customer: Customer, meter: PeerMeter, bench: Bench, house: SealingMeter
) -> None:
    """999 sessions ask and go away while the meter has one in hand, which runs out."""
    site, exports = bench.site, bench.site.exports
    assert exports is not None
    account = site.accounts.named("ada")
    assert account is not None
    to_the_pin(customer, meter)
    exports._accounts.take = exports._owners.strangers.take = lambda name: True  # type: ignore[method-assign]
    relay = exports.relay
    exports.relay = _Straight(bench.line)  # type: ignore[assignment]
    for _ in range(999):
        _, session = site.sessions.open(account)
        site.sessions.ask(session, exports.begin(account, 1735689600, 1735776000, 0, True))
        exports.look(session.asking)  # type: ignore[arg-type]
        assert session.asking is not None and session.asking.phase == "busy"
    exports.relay = relay
    bench.clock.ahead_s += 301
    assert customer.until("failed")
    bench.clock.ahead_s += 601
    customer.log_on("ada")
    site.sessions.sweep()
    assert len(site.sessions._sessions) < 10
    customer.type_pin(to_the_pin(customer, meter))
    customer.until("done")


class _Straight:
    """A relay's client without the network."""

    def __init__(self, line) -> None:  # type: ignore[no-untyped-def]
        self._line = line

    def meter(self, meter: bytes):  # type: ignore[no-untyped-def]
        from wattseal_host.portal.relayed import Meter

        status, sealed_s = self._line.status()
        return Meter(self._line.identity(), status.next_seq, sealed_s)

    def mail(self, meter: bytes, kind: int, message: bytes) -> None:
        self._line.mail(kind, message)

    def mailbox(self, meter: bytes):  # type: ignore[no-untyped-def]
        from wattseal_host.portal import mailbox

        return mailbox.read(self._line.mailbox())


@pytest.mark.parametrize(
    "fields",
    [
        {"from": "<script>alert(1)</script>"}, {"to": "2025-01-01' OR 1=1 --"},
        {"from": "2025-02-01"}, {"granularity": "1"}, {"granularity": "<img src=x>"},
        {"mode": "<b>"}, {"consent": "no"},
        {"from": "1900-01-01"}, {"from": "2023-01-01"}, {"from": "\0"},
    ],
)  # fmt: skip
def test_the_form_refuses(customer: Customer, meter: PeerMeter, fields: dict[str, str]) -> None:
    answer = customer.ask(**fields)
    assert answer.status_code in (400, 403)
    assert "<script>alert" not in answer.text and "<img src=x>" not in answer.text
    assert not meter.calls and customer.phase() == "none"


def test_strangers_and_other_sites_get_nothing(customer: Customer, meter: PeerMeter) -> None:
    pin = to_the_pin(customer, meter, mode="browser")
    stranger = Customer(str(customer.http.base_url))
    assert stranger.http.get("/export").url.path == "/log-on"
    for path in ("state", "chunk/0", "span", "records/0/5"):
        assert stranger.http.get(f"/export/{path}").status_code == 401
    for path in ("share", "confirm", "done"):
        assert customer.http.post(f"/export/{path}", data={"share": "00"}).status_code == 403
    assert customer.type_pin(pin).status_code == 400  # the server's mode was not chosen
    for path in ("chunk/0", "span", "records/0/5"):
        assert customer.http.get(f"/export/{path}").status_code == 410
    token = customer.csrf("/export")
    for bad in ("", "zz" * 65, "04" * 64, "<script>"):
        answer = customer.http.post("/export/share", data={"csrf": token, "share": bad})
        assert answer.status_code == 403 and not (bad and bad in answer.text)
    assert meter.exchanges == 0


def test_random_bytes_from_a_relay(customer: Customer, meter: PeerMeter) -> None:
    rubbish = random.Random(7)
    customer.ask()
    customer.until("applet")
    meter.alter = lambda name, data: rubbish.randbytes(rubbish.randrange(300))
    for _ in range(30):
        assert customer.phase() in ("applet", "busy", "asked", "failed")
        assert customer.http.get("/export").status_code == 200
