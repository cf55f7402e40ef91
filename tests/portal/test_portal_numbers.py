"""Numbers that are too large, negative or another's, from a meter or a relay: a sentence for the
visitor, never an error of the website."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from peer_meter import PeerMeter
from portal_bench import flat_tariff
from relay_bench import TOKEN, Bench, Customer, to_the_pin
from sealed_house import START_S, SealingMeter
from wattseal.errors import Malformed, Refused, WattsealError
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.portal import mailbox, prices
from wattseal_host.portal.relayed import Relay as Client
from wattseal_host.units import Unit

LARGEST = 2**32 - 1
HOURS = 24


@pytest.fixture(scope="module")
def large() -> SealingMeter:
    """A meter of two channels that seals the largest reading there is, again and again."""
    meter = SealingMeter("large", channels=2).origin()
    for _ in range(2 * HOURS):
        meter.reading(LARGEST, LARGEST)
    return meter


@pytest.fixture
def visited(large: SealingMeter) -> Iterator[tuple[Customer, PeerMeter, Bench]]:
    meter = PeerMeter(large)
    bench = Bench(lambda: meter)
    meter.clock = bench.clock
    customer = Customer(bench.server.url)
    customer.sign_up("ada", large.meter)
    yield customer, meter, bench
    bench.close()


@pytest.mark.parametrize("granularity", ["0", "3600", "86400"])
def test_sums_of_the_largest_readings(
    visited: tuple[Customer, PeerMeter, Bench], granularity: str
) -> None:
    customer, meter, bench = visited
    customer.type_pin(to_the_pin(customer, meter, granularity=granularity, to="2025-01-01"))
    customer.until("done")
    answer = customer.http.get("/results?tariff=Flat")
    assert answer.status_code == 200
    assert f"{2 * HOURS * LARGEST / 1000:.2f} kWh" in answer.text
    (held,) = [one.held for one in bench.site.sessions._sessions.values() if one.held]
    assert sum(held.column("export")) == 2 * HOURS * LARGEST


@pytest.mark.parametrize("lie", [2**33, 2**63])
def test_sums_no_readings_can_have(visited: tuple[Customer, PeerMeter, Bench], lie: int) -> None:
    customer, meter, _ = visited
    pin = to_the_pin(customer, meter, granularity="3600", to="2025-01-01")
    meter.lie = lie
    customer.type_pin(pin)
    assert "not the one your meter sealed" in customer.until("failed")["said"]


LIES: list[dict[str, Any]] = [
    {"unit": {"name": "Wh", "exponent": 3}}, {"unit": {"name": "Wh", "exponent": -1}},
    {"unit": {"name": "m", "exponent": 0}}, {"channels": ["import"]},
]  # fmt: skip


@pytest.mark.parametrize("lie", [*LIES, {"interval_s": 900}], ids=str)
def test_a_relay_that_lies_about_the_meter(
    visited: tuple[Customer, PeerMeter, Bench], monkeypatch: pytest.MonkeyPatch, lie: dict[str, Any]
) -> None:
    """What it says of the meter is signed by nobody; what the meter sealed is."""
    customer, meter, bench = visited
    told = bench.client._ask

    def lying(method: str, meter: bytes, path: str, **options: Any) -> bytes:
        data = told(method, meter, path, **options)
        if path:
            return data
        return json.dumps({**json.loads(data), **lie}).encode()

    monkeypatch.setattr(bench.client, "_ask", lying)
    customer.type_pin(to_the_pin(customer, meter, granularity="3600", to="2025-01-01"))
    said = customer.until("failed")["said"]
    assert "says otherwise of your meter" in said or "interval_s" in lie
    assert "kWh" not in customer.http.get("/results").text


def test_prices_go_with_what_they_are_for(large: SealingMeter) -> None:
    """The browser compares unit and channels with the sealed records; a name it could not."""
    true = Enrolment(large.meter, large.key, Unit("Wh", 0), 1800, ("import", "export"))
    spans = {1: (START_S, START_S + 1800)}
    told = prices.told(flat_tariff(), true, spans)
    assert (told["unit_exponent"], told["channels"]) == (0, 2)
    with pytest.raises(Refused, match="export-unit"):
        prices.told(flat_tariff(), replace(true, unit=Unit("m", 0)), spans)


def test_a_meter_without_memory(visited: tuple[Customer, PeerMeter, Bench]) -> None:
    """The request waits for its turn; an export that was begun ends with what to do."""
    customer, meter, _ = visited
    full = [1]
    real = meter.mail

    def mail(kind: int, message: bytes) -> None:
        if full[0] and kind in (2, 3):
            full[0] = 0
            meter._fail("meter-memory")
        else:
            real(kind, message)

    meter.mail = mail  # type: ignore[method-assign]
    customer.ask(to="2025-01-01")
    customer.until("applet")
    assert not full[0]
    meter.press()
    customer.until("asked")
    meter.press()
    customer.until("pin")
    full[0] = 1
    customer.type_pin(meter.pin)
    said = customer.until("failed")["said"]
    assert "too busy" in said and "Wait some minutes, then ask again" in said


ITSELF = {
    "meter": "00" * 16, "key": "00" * 33, "unit": {"name": "Wh", "exponent": 0},
    "interval_s": 1800, "channels": ["import"], "oldest_seq": 0, "next_seq": 9, "sealed_s": 9,
}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"next_seq": -1}, {"next_seq": 2**32}, {"next_seq": "9"},
        {"sealed_s": -1}, {"sealed_s": 2**32 + 1}, {"sealed_s": "7"}, {"sealed_s": True},
        {"sealed_s": None}, {"sealed_s": 10**400}, {"unit": {"name": "Wh", "exponent": 400}},
        {"unit": {"name": "\u202eWh", "exponent": 0}}, {"interval_s": 0}, {"interval_s": 2**40},
        {"first": 2**32, "count": 1}, {"first": -1, "count": 1}, {"first": 0, "count": 60_001},
        {"first": True, "count": 1}, {"first": 0, "count": 1.5}, {"first": "0", "count": "1"},
    ],
)  # fmt: skip
def test_numbers_of_a_relay(large: SealingMeter, changed: dict[str, Any]) -> None:
    good = {**ITSELF, "meter": large.meter.hex(), "key": large.key.hex()}
    client = Client("http://relay", TOKEN)

    def answering(value: dict[str, Any]) -> None:
        answer = httpx.MockTransport(lambda _: httpx.Response(200, content=json.dumps(value)))
        client._http = httpx.Client(base_url="http://relay", transport=answer)

    if "first" in changed:
        answering(changed)
        with pytest.raises(PortError, match="relay-answer"):
            client.span(large.meter, 0, 9)
        return
    answering({**good, "channels": ["import"]})
    assert client.meter(large.meter).sealed_s == 9
    answering({**good, **changed})
    with pytest.raises(PortError, match="relay-answer"):
        client.meter(large.meter)


def test_a_mailbox_of_more_chunks_than_readings() -> None:
    def box(chunks: int) -> bytes:
        return b"\0\4\0\1" + bytes(16) + chunks.to_bytes(4, "big") + bytes(168)

    assert mailbox.read(box(mailbox.MAX_CHUNKS)).chunks == mailbox.MAX_CHUNKS
    for chunks in (mailbox.MAX_CHUNKS + 1, LARGEST):
        with pytest.raises(Malformed):
            mailbox.read(box(chunks))


@pytest.mark.parametrize("number", [80 * 65535, LARGEST, 2**40])
def test_numbers_no_modbus_file_has(number: int) -> None:
    """A meter that counts on claims a log beyond what its registers can address."""
    port = UtilityPort("/dev/null")
    for ask in (port.record, port.export_chunk):
        with pytest.raises(PortError, match="port-answer"):
            ask(number)


def test_a_relay_is_asked_for_no_such_chunk(
    visited: tuple[Customer, PeerMeter, Bench], large: SealingMeter
) -> None:
    bench = visited[2]
    for number in (mailbox.MAX_CHUNKS + 1, LARGEST):
        with pytest.raises(WattsealError, match="relay-request"):
            bench.client.chunk(large.meter, number)
