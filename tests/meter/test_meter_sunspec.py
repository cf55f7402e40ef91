"""SunSpec and consent on the emulated board: as pysunspec2, pymodbus and mbpoll see the meter."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from order_bench import desk, story
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from wattseal.errors import Refused
from wattseal.record import CONSENT, decode_sealed
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer import consent as consents
from wattseal_host.customer.store import Secrets
from wattseal_host.errors import PortError

HOUR_S = 3600
MODELS = Path(__file__).resolve().parents[2] / "host" / "wattseal_host" / "sunspec"


@pytest.fixture
def at(tmp_path):
    """A meter an hour old, whose customer has paired; the secret file's content is `secrets`."""
    settings = {"provider": "", "burst_ms": 10_000}
    with desk(tmp_path, settings=settings, rtc=True) as opened:
        opened.board.press_button()
        opened.customer.close()
        with CustomerPort(opened.board.customer_port) as port:
            opened.secrets = Secrets.paired(port.pair(bytes(32)))
        opened.after(HOUR_S + 5)
        yield opened


def decide(at, give):
    with CustomerPort(at.board.customer_port) as port:
        return consents.decide(port, at.secrets, give)


def history(at):
    with CustomerPort(at.board.customer_port) as port:
        count = port.status()["next_seq"]
        return [decode_sealed(data) for data in port.history(0, count)]


def test_suns_reads_the_meter(at, tmp_path):
    """The command people use to look at a SunSpec device, with our own model beside it."""
    suns = Path(sys.executable).parent / "suns.py"
    if not suns.exists():
        pytest.skip("no suns.py: pip install pysunspec2")
    shutil.copytree(MODELS, tmp_path / "json")
    line = ["-t", "rtu", "-p", at.board.utility_port, "-b", "19200", "-a", "1"]
    command = [sys.executable, str(suns), *line]

    def read():
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert done.returncode == 0, done.stderr
        return dict(re.findall(r"(?m)^\s*(\w+)\s+(\S.*?)\s*$", done.stdout)), done.stdout

    shown, text = read()
    assert shown["Mn"] == "wattseal" and shown["DA"] == "1"
    assert shown["NextSeq"] == "6" and shown["Intvl"].startswith("1800")
    consumption = text.partition("Model: ac_meter")[2].partition("Model:")[0].split("\n")[4:]
    assert all(line.split()[1] == "None" for line in consumption if line.strip()), text
    decide(at, True)
    at.after(HOUR_S + 600)
    shown, text = read()
    assert float(shown["W"].split()[0]) == pytest.approx(1000, rel=0.01), text
    assert float(shown["TotWhImp"].split()[0]) == pytest.approx(1170, rel=0.01)
    assert float(shown["PhVphA"].split()[0]) == pytest.approx(2300, rel=0.01)
    assert shown["V_SF"] == "-1"


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
        at.secrets = Secrets.paired(port.pair(bytes(32)), at.secrets)
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


def test_mbpoll_reads_the_meter(at):
    mbpoll = shutil.which("mbpoll")
    if mbpoll is None:
        pytest.skip("no mbpoll: apt install mbpoll")

    def poll(*options):
        command = [mbpoll, "-1", "-q", "-m", "rtu", "-a", "1", "-b", "19200", "-P", "none",
                   *options, at.board.utility_port]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr
        return re.findall(r"(?m)^\[\d+\]:\s+(\S+)", done.stdout)

    assert poll("-0", "-r", "40000", "-c", "2", "-t", "4:hex") == ["0x5375", "0x6E53"]
    assert poll("-0", "-r", "0", "-c", "3", "-t", "3:hex") == ["0x5753", "0x4C31", "0x0001"]
    assert poll("-0", "-r", "28", "-c", "1", "-B", "-t", "4:int") == ["1800"]


def test_other_functions_by_pymodbus(at):
    client = ModbusSerialClient(
        at.board.utility_port, framer=FramerType.RTU, baudrate=19200, timeout=2
    )
    assert client.connect()
    try:
        assert client.read_input_registers(0, count=3, device_id=1).registers[0] == 0x5753
        reported = client.report_device_id(device_id=1)
        assert reported.status and b"wattseal WS1 0.1.0" in reported.identifier
        assert client.read_coils(0, count=1, device_id=1).exception_code == 1
    finally:
        client.close()
