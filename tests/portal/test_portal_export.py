"""Asking the meter by way of the relay, without a browser: the website's mode, step by step."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from peer_meter import PeerMeter
from portal_bench import traces
from relay_bench import Bench, Customer, to_the_pin
from sealed_house import SealingMeter
from wattseal_host.errors import PortError

MARK = 3_141_592_653


def test_the_whole_flow(customer: Customer, meter: PeerMeter, bench: Bench) -> None:
    pin = to_the_pin(customer, meter)
    assert meter.shown[1] == bench.server.url
    assert 'name="pin"' in customer.http.get("/export").text
    customer.type_pin(pin)
    customer.until("done")
    page = customer.http.get("/results?tariff=Flat").text
    total = sum(value for (value,) in meter.house.values.values())
    assert "96 readings" in page and f"{total / 1000:.2f} kWh" in page and "EUR" in page
    assert "shown to me until I log off" in customer.http.get("/consents").text
    # The applet is approved for the next time.
    assert to_the_pin(customer, meter, granularity="3600")
    customer.type_pin(meter.pin)
    customer.until("done")
    assert "48 readings" in customer.http.get("/results").text


def test_a_wrong_pin_and_another_one(customer: Customer, meter: PeerMeter) -> None:
    pin = to_the_pin(customer, meter)
    assert customer.type_pin("12345<").status_code == 400
    wrong = f"{(int(pin) + 1) % 10**6:06}"
    customer.type_pin(wrong)
    assert "not the PIN" in customer.until("failed")["said"]
    assert customer.type_pin(pin).status_code == 400
    assert meter.exchanges == 1
    customer.post("/export/end", at="/export")
    customer.type_pin(to_the_pin(customer, meter))
    customer.until("done")


@pytest.mark.parametrize(
    ("press", "ahead_s", "told"),
    [(0, 601, "approved this website"), (1, 601, "pressed"), (2, 301, "five minutes")],
)
def test_nobody_answers_in_time(
    customer: Customer, meter: PeerMeter, bench: Bench, press: int, ahead_s: int, told: str
) -> None:
    customer.ask()
    for phase in ("applet", "asked", "pin")[: press + 1]:
        customer.until(phase)
        if phase != ("applet", "asked", "pin")[press]:
            meter.press()
    bench.clock.ahead_s += ahead_s
    assert told in customer.until("failed")["said"]


def test_the_button_rests_after_a_question_without_a_yes(
    customer: Customer, meter: PeerMeter, bench: Bench
) -> None:
    customer.ask()
    customer.until("applet")
    bench.clock.ahead_s += 151
    assert "approved this website" in customer.until("failed")["said"]
    customer.post("/export/end", at="/export")
    customer.ask()
    assert "comes next" in customer.until("busy")["said"]
    bench.clock.ahead_s += 301
    customer.until("applet")


@pytest.mark.parametrize(
    ("code", "told"), [("export-declined", "refused at your meter"), ("export-scope", "do not fit"),
                       ("applet-bad", "did not accept")],
)  # fmt: skip
def test_an_applet_that_is_refused(
    customer: Customer, meter: PeerMeter, code: str, told: str
) -> None:
    """It is not asked about again by itself."""
    meter._manifest = lambda message: meter._fail(code)  # type: ignore[method-assign]
    customer.ask()
    assert told in customer.until("failed")["said"]
    assert [name for name, _ in meter.calls].count("mail 1") == 1


def test_unplugged_in_the_middle_and_back(customer: Customer, meter: PeerMeter) -> None:
    pin = to_the_pin(customer, meter, granularity="3600")
    real, left = meter.export_chunk, [2]

    def failing(number: int) -> bytes:
        if left[0] and number == 3:
            left[0] -= 1
            meter.plugged = False
        return real(number)

    meter.export_chunk = failing  # type: ignore[method-assign]
    customer.type_pin(pin)
    for _ in range(2):
        for _ in range(200):
            if not meter.plugged:
                break
            threading.Event().wait(0.02)
        assert not meter.plugged
        assert "does not answer" in customer.state()["link"] or left[0]
        meter.plugged = True
    customer.until("done")
    assert "48 readings" in customer.http.get("/results").text


@pytest.mark.parametrize("lost", ["message", "answer"])
def test_messages_lost_on_the_way(customer: Customer, meter: PeerMeter, lost: str) -> None:
    """Share and confirmation are sent again where the mailbox shows that they never came."""
    pin = to_the_pin(customer, meter)
    real, left = meter.mail, {3: 1, 4: 1}

    def losing(kind: int, message: bytes) -> None:
        if left.get(kind):
            left[kind] = 0
            if lost == "answer":
                real(kind, message)
            raise PortError("port-silent", "lost")
        real(kind, message)

    meter.mail = losing  # type: ignore[method-assign]
    customer.type_pin(pin)
    customer.until("done")
    assert not any(left.values()) and meter.exchanges == 1


def test_switched_off_in_the_middle(customer: Customer, meter: PeerMeter) -> None:
    to_the_pin(customer, meter)
    meter.reboot()
    assert "Ask again" in customer.until("failed")["said"]


def test_unplugged_from_the_beginning(customer: Customer, meter: PeerMeter) -> None:
    meter.plugged = False
    answer = customer.ask()
    assert answer.status_code == 400 and "does not answer" in answer.text
    meter.plugged = True
    customer.ask()
    customer.until("applet")
    meter.plugged = False
    assert "does not answer" in customer.state()["link"]
    assert "does not answer" in customer.http.get("/export").text


def test_another_request_is_in_hand(
    customer: Customer, meter: PeerMeter, bench: Bench, house: SealingMeter
) -> None:
    pin = to_the_pin(customer, meter)
    other = Customer(bench.server.url)
    other.sign_up("ben", house.meter)
    other.ask()
    assert "comes next" in other.until("busy")["said"]
    customer.type_pin(pin)
    customer.until("done")
    other.until("asked")
    assert "96 readings" not in other.http.get("/results").text


def test_one_that_was_left_in_the_middle_gives_way(
    customer: Customer, meter: PeerMeter, bench: Bench, house: SealingMeter
) -> None:
    def busy(number: int) -> bytes:
        raise PortError("port-busy", f"chunk {number}")

    pin = to_the_pin(customer, meter)
    meter.export_chunk = busy  # type: ignore[method-assign]
    customer.type_pin(pin)
    customer.until("serving")
    customer.post("/export/end", at="/export")
    other = Customer(bench.server.url)
    other.sign_up("ben", house.meter)
    other.ask()
    assert other.until("busy")
    bench.clock.ahead_s += 61
    other.until("asked")


def test_two_tabs_share_one_pin(customer: Customer, meter: PeerMeter) -> None:
    pin = to_the_pin(customer, meter)
    tab = Customer(str(customer.http.base_url), cookies=customer.http.cookies)
    customer.type_pin(pin)
    assert tab.type_pin(pin).status_code in (200, 400)
    tab.until("done")
    assert meter.exchanges == 1
    assert "96 readings" in tab.http.get("/results").text


@pytest.mark.parametrize("ending", ["log-off", "expiry", "give-up", "account", "shutdown"])
def test_an_export_under_way_is_dropped_when_the_session_ends(
    customer: Customer, meter: PeerMeter, bench: Bench, ending: str
) -> None:
    """Key and items are wiped, and what came is never held."""
    pin = to_the_pin(customer, meter)
    reached, go = threading.Event(), threading.Event()
    real = meter.record

    def slow(seq: int) -> bytes:
        reached.set()
        go.wait(10)
        return real(seq)

    bench.line._kept.clear()
    meter.record = slow  # type: ignore[method-assign]
    customer.type_pin(pin)
    assert reached.wait(10)
    (session,) = [s for s in bench.site.sessions._sessions.values() if s.asking]
    asking = session.asking
    assert asking is not None
    match ending:
        case "log-off":
            customer.post("/log-off", at="/")
        case "expiry":
            bench.clock.ahead_s += 15 * 60 + 1
            bench.site.sessions.sweep()
        case "give-up":
            customer.post("/export/end", at="/consents")
        case "account":
            customer.post("/account/remove", at="/account", password="correct horse battery")
        case "shutdown":
            go.set()
            bench.server.close()
    go.set()
    assert asking.dropped and not asking.one._items and asking.one._cipher is None
    threading.Event().wait(0.4)
    assert session.held is None


@pytest.mark.parametrize("mode", ["server", "browser"])
def test_gone_when_it_is_over(
    mode: str, house: SealingMeter, meter: PeerMeter, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Looked for in the database, files, temporary folders, logs, answers and the memory held. In
    the browser's mode the website never has them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    bench = Bench(lambda: meter, url=f"sqlite:///{tmp_path}/portal.db")
    try:
        customer = Customer(bench.server.url)
        customer.sign_up("ada", house.meter)
        pin = to_the_pin(customer, meter, mode=mode)
        opener = secrets_of(meter)
        if mode == "server":
            customer.type_pin(pin)
            customer.until("done")
        else:
            open_it(customer, pin, house)
        needles = [*opener, str(MARK).encode(), MARK.to_bytes(8, "big")]
        assert not traces([tmp_path], needles)
        held = [one.held for one in bench.site.sessions._sessions.values() if one.held]
        assert len(held) == (mode == "server")
        packed = held[0].values["import"] if held else bytearray()
        assert (MARK.to_bytes(8, "big") in packed) == (mode == "server")
        customer.post("/log-off", at="/")
        assert not any(packed)
        assert "3141592" not in customer.http.get("/results").text
    finally:
        bench.close()
    assert not traces([tmp_path], needles)
    assert str(MARK) not in "".join(capfd.readouterr())


def secrets_of(meter: PeerMeter) -> list[bytes]:
    """What an export gives: keys of its blocks."""
    return [meter._key(seq) for seq in (0, 32, 64)]


def open_it(customer: Customer, pin: str, house: SealingMeter) -> None:
    """What the script does in the browser."""
    from wattseal_host.export import items
    from wattseal_host.export.recipient import Export

    asked = customer.until("pin")["asked"]
    assert asked["key"] == house.key.hex()
    one = Export(
        asked["origin"], house.key, asked["start"], asked["end"], asked["granularity"],
        bytes.fromhex(asked["session"]),
    )  # fmt: skip
    token = customer.csrf("/export")

    def send(path: str, **fields: str) -> None:
        answer = customer.http.post(f"/export/{path}", data={"csrf": token, **fields})
        assert answer.status_code == 200, answer.text

    send("share", share=one.share(pin)[16:].hex())
    while not int((state := customer.state()).get("share", "0"), 16):
        pass
    send("confirm", confirmation=one.answer(bytes.fromhex(state["share"]))[16:].hex())
    state = customer.until("serving")
    one.confirmed(bytes.fromhex(state["confirmation"]))
    for number in range(state["chunks"]):
        chunk = customer.http.get(f"/export/chunk/{number}").content
        one.open(number, number == state["chunks"] - 1, chunk)
    opened = one.finish(bytes.fromhex(customer.state()["signature"]))
    span = customer.http.get("/export/span").json()
    sealed: list[bytes] = []
    while len(sealed) < span["count"]:
        at, count = span["first"] + len(sealed), min(64, span["count"] - len(sealed))
        told = customer.http.get(f"/export/records/{at}/{count}").json()
        sealed += [bytes.fromhex(record) for record in told]
    checked = items.check(opened, sealed, house.key, asked["start"], asked["end"], 0, 1800)
    assert MARK in [one.value for one in checked.opened]
    send("done", good="yes")
