"""SunSpec and consent on the emulated board, register by register (tools: tests/clients)."""

import pytest
from order_bench import desk, story
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from wattseal.errors import Refused
from wattseal.record import CONSENT, decode_sealed
from wattseal_hil.pairing import read_pin
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer import consent as consents
from wattseal_host.customer.store import Secrets
from wattseal_host.errors import PortError

HOUR_S = 3600


@pytest.fixture
def at(tmp_path):
    """A meter an hour old, whose customer has paired; the secret file's content is `secrets`."""
    settings = {"provider": "", "burst_ms": 10_000}
    with desk(tmp_path, settings=settings, rtc=True) as opened:
        opened.board.press_button()
        opened.customer.close()
        with CustomerPort(opened.board.customer_port) as port:
            opened.secrets = Secrets.paired(port.pair(read_pin(opened.board)))
        opened.after(HOUR_S + 5)
        yield opened


def decide(at, give):
    with CustomerPort(at.board.customer_port) as port:
        return consents.decide(port, at.secrets, give)


def history(at):
    with CustomerPort(at.board.customer_port) as port:
        count = port.status()["next_seq"]
        return [decode_sealed(data) for data in port.history(0, count)]


def registers(at, address, count):
    client = ModbusSerialClient(
        at.board.utility_port, framer=FramerType.RTU, baudrate=19200, timeout=2
    )
    assert client.connect()
    try:
        answer = client.read_holding_registers(address, count=count, device_id=1)
        assert not answer.isError()
        return answer.registers
    finally:
        client.close()


def test_model_201_shows_nothing_without_consent(at):
    assert registers(at, 40000, 4) == [0x5375, 0x6E53, 1, 66]
    body = registers(at, 40070, 107)
    assert body[:2] == [201, 105]
    assert set(body[2:38]) == {0x8000} and set(body[38:54]) == {0}
    at.board.plug(9000)
    at.after(HOUR_S + 900)
    assert registers(at, 40070, 107) == body
    decide(at, True)
    shown = registers(at, 40070, 107)
    assert shown[18] == pytest.approx(9000, rel=0.01)
    assert shown[46] * 65536 + shown[47] == pytest.approx(1000 + 9000 * 900 / 3600, rel=0.01)
    decide(at, False)
    assert registers(at, 40070, 107) == body
    assert registers(at, 40177, 2) == [64900, 18]
    assert registers(at, 40197, 2) == [0xFFFF, 0]


def test_consent_is_in_the_chain_and_ends_with_the_epoch(at):
    decide(at, True)
    decide(at, True)  # as it is
    decide(at, False)
    with pytest.raises(PortError, match="consent-busy"):
        decide(at, True)  # not more than once a minute
    at.after(HOUR_S + 120)
    decide(at, True)
    at.board.press_button()
    with CustomerPort(at.board.customer_port) as port:
        at.secrets = Secrets.paired(port.pair(read_pin(at.board)), at.secrets)
        assert port.consent()[0]
    at.after(HOUR_S + 1805)
    with CustomerPort(at.board.customer_port) as port:
        assert not port.consent()[0]
    assert registers(at, 40088, 1) == [0x8000]
    records = history(at)
    assert [name for name in story(records) if name in ("consent", "paired")] == [
        "paired", "consent", "consent", "consent", "paired",
    ]  # fmt: skip
    assert [record.payload[0] for record in records if record.event == CONSENT] == [1, 2, 1]


def test_consent_outlives_a_power_cut(at):
    decide(at, True)
    at.board.power_off()
    at.board.power_on()
    with CustomerPort(at.board.customer_port) as port:
        assert port.consent()[0]
    assert registers(at, 40088, 1)[0] > 900


def test_who_does_not_know_the_secret_decides_nothing(at):
    stranger = Secrets(at.secrets.meter, at.secrets.key, {1: bytes(32)})
    with CustomerPort(at.board.customer_port) as port:
        with pytest.raises(PortError, match="consent-proof"):
            consents.decide(port, stranger, True)
        with pytest.raises(Refused, match="epoch-unknown"):
            consents.decide(port, Secrets(at.secrets.meter, at.secrets.key, {0: bytes(32)}), True)
        for line in ("?consent 3 " + "00" * 32, "?consent 1", "?consent 1 00", "?consent x y"):
            with pytest.raises(PortError, match="bad-command"):
                port._command(line, "consent")
        # A proof is good for one challenge.
        challenge = port.consent()[1]
        assert challenge != port.consent()[1]
    assert all(record.event != CONSENT for record in history(at))
