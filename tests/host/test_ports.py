"""What a broken, lying or silent meter can say on either port: each ends in one clear PortError.

The wire is a real pty; the other end says what the test's script tells it. (A meter that says
the right things is the emulated board of tests/test_flow.py.)
"""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sealed_house import SealingMeter
from wattseal.errors import Refused
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.resume import collect
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger

METER = SealingMeter("on the wire").origin().reading(1).reading(2)
STATUS = (
    '#status {"meter":"%s","key":"%s","interval_s":1800,"unit_exponent":0,"channel_set":1,'
    '"next_seq":3,"power_w":5}\r\n'
)  # fmt: skip
HONEST = STATUS % (METER.meter.hex(), METER.key.hex())
TIMEOUT_S = 0.3


@contextmanager
def wire(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A pty whose far end gives `answer(request)` to whatever arrives in one piece."""
    master, slave = os.openpty()
    tty.setraw(slave)

    def serve() -> None:
        try:
            while data := os.read(master, 4096):
                os.write(master, answer(data))
        except OSError:
            return

    far_end = threading.Thread(target=serve, daemon=True)
    far_end.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        far_end.join(1)
        os.close(master)


def ask_customer(reply: str, ask: Callable[[CustomerPort], object]) -> PortError:
    with wire(lambda _: reply.encode()) as path, CustomerPort(path, TIMEOUT_S) as port:
        with pytest.raises(PortError) as caught:
            ask(port)
        return caught.value


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("", "port-silent"),
        ("#status", "port-silent"),
        ("status {}\r\n", "port-silent"),
        ("#error bad-command\r\n", "port-refused"),
        ("#status {\r\n", "port-answer"),
        ("#status []\r\n", "port-answer"),
        ('#status {"meter":1.5}\r\n', "port-answer"),
        ("#pair {}\r\n", "port-answer"),
        (STATUS % (bytes(16).hex(), METER.key.hex()), "port-answer"),
        (HONEST.replace('"channel_set":1', '"channel_set":2'), "port-answer"),
        (HONEST.replace('"next_seq":3', '"next_seq":-1'), "port-answer"),
    ],
)
def test_a_status_that_is_none(reply: str, code: str) -> None:
    assert ask_customer(reply, lambda port: port.itself()).code == code


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("#record 1 00\r\n#end 2\r\n", "port-answer"),
        ("#record 0 00\r\n#record 2 00\r\n#end 3\r\n", "port-answer"),
        ("#record 0 0g\r\n#end 1\r\n", "port-answer"),
        ("#record 0 0 0\r\n#end 1\r\n", "port-answer"),
        ("#record 00 00\r\n#end 1\r\n", "port-answer"),
        ("#record 0 00\r\n" * 50 + "#end 1\r\n", "port-answer"),
        ("#record 0 00\r\n", "port-silent"),
        ("#error record-gone\r\n", "port-refused"),
        ("#opening 0 0 0 0 00\r\n#end 1\r\n", "port-answer"),
    ],
)
def test_a_history_that_is_none(reply: str, code: str) -> None:
    assert ask_customer(reply, lambda port: port.history(0, 40)).code == code


@pytest.mark.parametrize(
    "line", ["5 0 1 0 " + "ff" * 32, "9 0 1 0 " + "00" * 32, "0 0 -1 0 " + "00" * 32, "0 0 1 0 00"]
)
def test_an_opening_out_of_range(line: str) -> None:
    reply = f"#opening {line}\r\n#end 1\r\n"
    assert ask_customer(reply, lambda port: port.openings(0, 6)).code == "port-answer"


PAIRED = '#pair {"meter":"%s","key":"%s","share":"%s"}\r\n'


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("#pair {}\r\n", "port-answer"),
        ("#pair \r\n", "port-answer"),
        ("#pair {" * 9 + "\r\n", "port-answer"),
        (PAIRED % ("00" * 16, "02" + "00" * 32, "04" * 65), "port-answer"),
        (PAIRED % ("00" * 16, "02" + "6b" * 32, "04" * 65), "port-answer"),
        (PAIRED % ("00" * 16, "02" + "6b" * 32, "04" * 64), "port-answer"),
        ("#error pairing-closed\r\n", "port-refused"),
    ],
)
def test_a_pairing_that_fails(reply: str, code: str) -> None:
    assert ask_customer(reply, lambda port: port.pair("123456")).code == code


def test_a_record_altered_on_the_way_is_kept_apart(ledger_file: str) -> None:
    altered = bytearray(METER.sealed[1])
    altered[60] ^= 1

    def answer(request: bytes) -> bytes:
        if request.startswith(b"?status"):
            return HONEST.encode()
        records = [METER.sealed[0], bytes(altered), METER.sealed[2]]
        lines = [f"#record {seq} {data.hex()}\r\n" for seq, data in enumerate(records)]
        return "".join([*lines, "#end 3\r\n"]).encode()

    with wire(answer) as path, CustomerPort(path, 2) as port, Ledger(ledger_file) as ledger:
        with pytest.raises(Refused, match="chain-signature"):
            collect(ledger, port)
        assert ledger.next_seq(METER.meter) == 1
        assert [reject.source for reject in ledger.rejects(METER.meter)] == ["customer"]


def test_a_log_that_went_back_or_lacks_its_beginning_is_noticed(ledger_file: str) -> None:
    def answer(request: bytes) -> bytes:
        short = HONEST.replace('"next_seq":3', '"next_seq":2')
        return short.encode() if request.startswith(b"?status") else b"#end 3\r\n"

    with wire(answer) as path, CustomerPort(path, 2) as port, Ledger(ledger_file) as ledger:
        with pytest.raises(Refused, match="log-gap"):
            collect(ledger, port)
        ledger.append(METER.meter, METER.sealed, "utility")
        with pytest.raises(Refused, match="log-rewound"):
            collect(ledger, port)


@pytest.fixture
def ledger_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("ledger") / "ledger.db")


def modbus_crc(data: bytes) -> bytes:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def identity(changed: dict[int, bytes]) -> bytes:
    registers = bytearray(64)
    registers[:6] = b"WSL1\x00\x01"
    registers[6:22], registers[22:55] = METER.meter, METER.key
    registers[56:64] = (1800).to_bytes(4, "big") + b"\x00\x00\x00\x01"
    for at, data in changed.items():
        registers[at : at + len(data)] = data
    return frame(b"\x03\x40" + registers)


def frame(pdu: bytes) -> bytes:
    return b"\x01" + pdu + modbus_crc(b"\x01" + pdu)


def test_an_identity_that_is_honest() -> None:
    with wire(lambda _: identity({})) as path, UtilityPort(path, timeout_s=TIMEOUT_S) as port:
        meter = port.identity()
    assert (meter.meter, meter.key, meter.interval_s) == (METER.meter, METER.key, 1800)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"", "port-silent"),
        (b"noise on the line", "port-silent"),
        (identity({})[:-1] + b"\x00", "port-silent"),
        (frame(b"\x83\x02"), "port-refused"),
        (frame(b"\x03\x02\x57\x53"), "port-answer"),
        (identity({0: b"XXXX"}), "port-answer"),
        (identity({5: b"\x02"}), "port-answer"),
        (identity({6: bytes(16)}), "port-answer"),
        (identity({22: b"\x05"}), "port-answer"),
        (identity({55: b"\x01"}), "port-answer"),
        (identity({56: bytes(4)}), "port-answer"),
        (identity({63: b"\x02"}), "port-answer"),
    ],
)
def test_an_identity_that_is_none(reply: bytes, code: str, ledger_file: str) -> None:
    with (
        wire(lambda _: reply) as path,
        UtilityPort(path, timeout_s=TIMEOUT_S) as port,
        Ledger(ledger_file) as ledger,
    ):
        with pytest.raises(PortError) as caught:
            collect(ledger, port)
        assert caught.value.code == code
        assert ledger.meters() == []


def slot(data: bytes) -> bytes:
    return frame(b"\x14" + bytes([len(data) + 2, len(data) + 1, 6]) + data)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (slot(bytes(216)), "port-answer"),
        (slot(b"\x00\xaf" + bytes(100)), "port-answer"),
        (slot(b"\x01\x00" + bytes(214)), "port-answer"),
        (slot(b"\x00\x05" + b"\x01" * 214), "port-answer"),
        (frame(b"\x94\x02"), "port-refused"),
        (frame(b"\x03\x02\x57\x53"), "port-answer"),
    ],
)
def test_a_file_record_that_is_none(reply: bytes, code: str) -> None:
    with wire(lambda _: reply) as path, UtilityPort(path, timeout_s=TIMEOUT_S) as port:
        with pytest.raises(PortError) as caught:
            port.record(7)
        assert caught.value.code == code


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(PortError, match="port-missing"), UtilityPort("/nonexistent"):
        pass
    with pytest.raises(PortError, match="port-missing"), CustomerPort("/nonexistent"):
        pass
