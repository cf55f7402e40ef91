"""The relay: whom it serves, how much, and what it says when the meter is not there."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from peer_meter import PeerMeter
from portal_bench import Clock, Running
from sealed_house import START_S, SealingMeter
from wattseal.errors import Misuse, Refused, WattsealError
from wattseal_host.errors import PortError, Unusable
from wattseal_host.ledger import Ledger
from wattseal_host.portal.relayed import Relay as Client
from wattseal_host.relay.app import Relay
from wattseal_host.relay.line import Line
from wattseal_host.relay.tokens import Tokens

TOKEN = "t" * 43
WATTSEAL = [sys.executable, "-c", "from wattseal_host.cli.main import run; run()"]


@pytest.fixture
def meter(house: SealingMeter) -> PeerMeter:
    return PeerMeter(house)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def http(meter: PeerMeter, clock: Clock) -> Iterator[httpx.Client]:
    relay = Relay([Line(lambda: meter, patience_s=0.2)], Tokens({"portal": TOKEN}), clock)
    server = Running(relay.app())
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        yield client
    server.close()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_what_it_passes(http: httpx.Client, meter: PeerMeter, house: SealingMeter) -> None:
    at = f"/v1/{house.meter.hex()}"
    told = http.get(at).json()
    assert told["key"] == house.key.hex() and told["sealed_s"] == house.end_s
    assert http.get(f"{at}/mailbox").content == meter.mailbox_bytes()
    span = http.get(f"{at}/span", params={"from": START_S + 3600, "to": START_S + 7200}).json()
    assert span == {"first": 3, "count": 2}
    data = http.get(f"{at}/records", params={"first": 95, "count": 9}).content
    assert data[2 : 2 + len(house.sealed[95])] == house.sealed[95]
    assert len(data) == 4 + len(house.sealed[95]) + len(house.sealed[96])
    assert http.post(f"{at}/mail/3", content=b"x" * 81).status_code == 204
    assert meter.calls == [("mail 3", b"x" * 81)]


def test_a_record_is_read_once(http: httpx.Client, meter: PeerMeter, house: SealingMeter) -> None:
    asked: list[int] = []
    real = meter.record
    meter.record = lambda seq: asked.append(seq) or real(seq)  # type: ignore
    for _ in range(3):
        http.get(f"/v1/{house.meter.hex()}/records", params={"first": 0, "count": 64})
    assert sorted(asked) == list(range(64))


def test_what_the_ledger_has_is_not_asked_of_the_meter(
    meter: PeerMeter, house: SealingMeter, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.add_meter(meter.identity())
        ledger.append(house.meter, house.sealed[:60], "utility")
    asked: list[int] = []
    real = meter.record
    meter.record = lambda seq: asked.append(seq) or real(seq)  # type: ignore
    assert Line(lambda: meter, ledger=path).records(50, 20) == house.sealed[50:70]
    assert asked == list(range(60, 70))
    assert Line(lambda: meter, ledger=tmp_path / "none").records(0, 2) == house.sealed[:2]


def test_who_has_no_token_gets_nothing(http: httpx.Client, house: SealingMeter) -> None:
    at = f"/v1/{house.meter.hex()}"
    for bad in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}"):
        assert code(http.get(at, headers={"authorization": bad})) == (401, "relay-token")
    answers = [http.get(at, headers={"authorization": "guess"}).status_code for _ in range(30)]
    assert 429 in answers
    assert http.get(at).status_code == 200


def test_messages_that_are_none(http: httpx.Client, meter: PeerMeter) -> None:
    for kind in ("0", "5", "x", "99999999999"):
        answer = http.post(f"/v1/{meter.house.meter.hex()}/mail/{kind}", content=b"x")
        assert code(answer) == (400, "relay-request") and not meter.calls


def test_questions_that_are_none(http: httpx.Client, meter: PeerMeter) -> None:
    for path in (
        "chunk/-1", "chunk/4294967296", "span?from=x&to=1", "span", "records?first=1&count=65",
        "records?first=1", "records?first=%00&count=1",
    ):  # fmt: skip
        assert code(http.get(f"/v1/{meter.house.meter.hex()}/{path}")) == (400, "relay-request")


def test_sizes_and_rates(http: httpx.Client, meter: PeerMeter, clock: Clock) -> None:
    at = f"/v1/{meter.house.meter.hex()}/mail/3"
    assert code(http.post(at, content=b"x" * 243)) == (413, "relay-message")
    answers = [http.post(at, content=b"x" * 81).status_code for _ in range(40)]
    assert answers[0] == 204 and answers[-1] == 429
    clock.ahead_s += 2
    assert http.post(at, content=b"x" * 81).status_code == 204


def test_another_meter_is_not_there(http: httpx.Client) -> None:
    for name in ("00" * 16, "x", "../..", "%2e%2e"):
        answer = http.get(f"/v1/{name}/mailbox")
        assert answer.status_code == 404


def test_unplugged_and_back(http: httpx.Client, meter: PeerMeter) -> None:
    at = f"/v1/{meter.house.meter.hex()}"
    meter.plugged = False
    assert code(http.get(at)) == (504, "port-silent")
    meter.plugged = True
    assert http.get(at).status_code == 200
    meter.plugged = False
    assert code(http.get(f"{at}/mailbox")) == (504, "port-silent")
    meter.plugged = True
    assert http.get(f"{at}/mailbox").status_code == 200


def test_another_meter_in_its_place(house: SealingMeter) -> None:
    """What was kept of the first one's records is not given out as the second one's."""
    other = PeerMeter(SealingMeter("other").origin().reading(5))
    ports = [PeerMeter(house), other]
    line = Line(lambda: ports[0])
    assert line.identity().meter == house.meter
    assert line.records(0, 2)[1] == house.sealed[1]
    ports[0].plugged = False
    with pytest.raises(PortError):
        line.mailbox()
    relay = Running(Relay([line], Tokens({"portal": TOKEN})).app())
    http = httpx.Client(base_url=relay.url, headers={"authorization": f"Bearer {TOKEN}"})
    ports[0].plugged = True
    assert http.get(f"/v1/{house.meter.hex()}/mailbox").status_code == 200
    ports[0].plugged = False
    assert code(http.get(f"/v1/{house.meter.hex()}/mailbox"))[1] == "port-silent"
    del ports[0]
    assert line.records(0, 2)[1] == other.house.sealed[1]
    assert code(http.get(f"/v1/{house.meter.hex()}/mailbox")) == (404, "relay-meter")
    assert http.get(f"/v1/{other.house.meter.hex()}/mailbox").status_code == 200
    relay.close()


def test_a_meter_that_was_exchanged_gets_nothing_of_the_other(house: SealingMeter) -> None:
    first, second = PeerMeter(house), PeerMeter(SealingMeter("other").origin().reading(5))
    there = [first]
    line = Line(lambda: there[0])
    relay = Running(Relay([line], Tokens({"portal": TOKEN})).app())
    http = httpx.Client(base_url=relay.url, headers={"authorization": f"Bearer {TOKEN}"})
    at = {meter: f"/v1/{meter.house.meter.hex()}" for meter in (first, second)}
    for meter, gone in ((second, first), (first, second), (second, first)):
        assert http.get(f"{at[gone]}/records?first=0&count=1").status_code == 200
        gone.plugged = False
        assert code(http.get(f"{at[gone]}/mailbox"))[1] == "port-silent"
        there[0], gone.plugged = meter, True
        before = meter.mailbox_bytes()
        assert code(http.post(f"{at[gone]}/mail/2", content=bytes(60))) == (404, "relay-meter")
        assert meter.mailbox_bytes() == before
        for _ in range(2):
            records = http.get(f"{at[meter]}/records?first=0&count=1")
            assert records.content[2:] == meter.house.sealed[0]
            assert code(http.get(f"{at[gone]}/records?first=0&count=1"))[1] == "relay-meter"
    relay.close()


def test_one_master_at_a_time(meter: PeerMeter) -> None:
    line = Line(lambda: meter, patience_s=0.1)
    reached, go = threading.Event(), threading.Event()
    real = meter.mailbox_bytes

    def slow() -> bytes:
        reached.set()
        go.wait(5)
        return real()

    meter.mailbox_bytes = slow  # type: ignore[method-assign]
    thread = threading.Thread(target=line.mailbox)
    thread.start()
    reached.wait(5)
    with pytest.raises(Refused) as caught:
        line.status()
    assert caught.value.code == "relay-busy"
    go.set()
    thread.join()
    assert line.status()[0].next_seq == 97


def test_an_answer_of_another_record_is_asked_for_again(meter: PeerMeter) -> None:
    late = [True]

    def alter(name: str, data: bytes) -> bytes:
        if name == "record" and late.pop():
            late.append(False)
            return meter.house.sealed[9]
        late.append(False)
        return data

    meter.alter = alter
    assert Line(lambda: meter).records(5, 1) == [meter.house.sealed[5]]
    meter.alter = lambda name, data: meter.house.sealed[9]
    with pytest.raises(PortError):
        Line(lambda: meter).records(5, 1)


def test_the_tokens_file(tmp_path: Path) -> None:
    path = tmp_path / "relay.tokens"
    made = Tokens.of(path)
    assert path.stat().st_mode & 0o777 == 0o600
    token = path.read_text().split()[1]
    assert made.name(f"Bearer {token}") == "portal" and Tokens.of(path).name("Bearer x") is None
    for bad in ("", "portal short\n", f"a {TOKEN}\na {TOKEN}\n", f"<b> {TOKEN}\n"):
        path.write_text(bad)
        with pytest.raises(Unusable):
            Tokens.of(path)
    path.chmod(0o644)
    with pytest.raises(Misuse):
        Tokens.of(path)


@pytest.mark.parametrize("answer", [
    b"", b"[]", b"{", b'{"code": "<b>"}', b"\xff" * 100_000,
    b'{"meter": "<script>alert(1)</script>", "key": "<img src=x>", "unit": "<b>"}',
])  # fmt: skip
def test_a_relay_that_answers_rubbish(answer: bytes) -> None:
    """The portal's end: a code of its own, whatever comes."""
    for status in (200, 400, 500):
        client = Client("http://relay", TOKEN)
        client._http = httpx.Client(
            base_url="http://relay",
            transport=httpx.MockTransport(
                lambda _, status=status: httpx.Response(status, content=answer)
            ),
        )
        for name, more in (("meter", ()), ("mailbox", ()), ("span", (0, 1))):
            with pytest.raises(WattsealError) as caught:
                getattr(client, name)(bytes(16), *more)
            assert caught.value.code == "relay-answer"
