"""The lines of the utility port: Modbus TCP, the RS-485 transceiver; and the inverted P1 output."""

import asyncio
import socket
import struct
import time

import pytest
from meter.utility_port import UtilityPort
from meter_bench import START_S, board
from order_bench import desk
from pymodbus.client import ModbusTcpClient
from test_meter_events import faulty
from wattseal_host.collect.utility import UtilityPort as HostPort


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def tcp(tmp_path):
    """(board, TCP port) of a meter that listens; time stands still."""
    port = free_port()
    with board(tmp_path, start_s=START_S, settings={"tcp_port": port}) as meter:
        meter.power_on()
        yield meter, port


def request(pdu, transaction=7, unit=1):
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


READ_MAGIC = bytes.fromhex("0300000002")
MAGIC = bytes.fromhex("030457534c31")


def ask(client, data, wanted):
    client.sendall(data)
    answer = b""
    while len(answer) < wanted:
        try:
            more = client.recv(wanted - len(answer))
        except ConnectionResetError:  # hung up on before all was read
            more = b""
        if not more:
            break
        answer += more
    return answer


def test_pymodbus_reads_over_tcp_what_the_serial_line_gives(tcp):
    meter, port = tcp
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=3)
    assert client.connect()
    identity = client.read_holding_registers(0, count=32, device_id=1).registers
    assert identity[:2] == [0x5753, 0x4C31]
    assert client.read_holding_registers(40000, count=4, device_id=1).registers[2:] == [1, 66]
    assert client.read_holding_registers(300, count=1, device_id=1).exception_code == 2
    meter.run_until(START_S + 60)
    assert client.read_holding_registers(65, count=1, device_id=1).registers == [3]
    client.close()


def test_requests_in_pieces_and_several_at_once(tcp):
    _, port = tcp
    with socket.create_connection(("127.0.0.1", port), timeout=3) as client:
        whole = request(READ_MAGIC)
        for at in range(len(whole) - 1):
            client.sendall(whole[at : at + 1])
            time.sleep(0.002)
        answer = ask(client, whole[-1:] + request(READ_MAGIC, 8), 26)
        assert answer == request(MAGIC) + request(MAGIC, 8)


@pytest.mark.parametrize(
    "garbage",
    [
        struct.pack(">HHHB", 1, 1, 6, 1) + READ_MAGIC,  # another protocol
        struct.pack(">HHHB", 1, 0, 0, 1), struct.pack(">HHHB", 1, 0, 1, 1),
        struct.pack(">HHHB", 1, 0, 255, 1), b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_modbus_is_hung_up_on(tcp, garbage):
    _, port = tcp
    with socket.create_connection(("127.0.0.1", port), timeout=3) as client:
        assert ask(client, garbage, 1) == b""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as client:
        assert ask(client, request(READ_MAGIC), 13) == request(MAGIC)


def test_connections_that_ask_nothing_lock_nobody_out(tcp):
    """Four at a time; the one that was silent for the longest gives way to the next."""
    _, port = tcp
    idle = [socket.create_connection(("127.0.0.1", port), timeout=3) for _ in range(6)]
    with socket.create_connection(("127.0.0.1", port), timeout=3) as client:
        assert ask(client, request(READ_MAGIC), 13) == request(MAGIC)
        more = [socket.create_connection(("127.0.0.1", port), timeout=3) for _ in range(3)]
        assert ask(client, request(READ_MAGIC, 9), 13) == request(MAGIC, 9)
        for one in more:
            assert ask(one, request(READ_MAGIC), 13) == request(MAGIC)
        assert ask(client, request(READ_MAGIC, 10), 13) == request(MAGIC, 10)
    for one in (*idle[:2], *idle[2:]):
        assert ask(one, b"", 1) == b""
    for one in (*idle, *more):
        one.close()


def test_half_open_connections_are_dropped(tcp):
    meter, port = tcp
    clients = [socket.create_connection(("127.0.0.1", port), timeout=3) for _ in range(4)]
    for number, client in enumerate(clients):
        assert ask(client, request(READ_MAGIC, number), 13) == request(MAGIC, number)
    clients[0].close()
    clients[1].sendall(request(READ_MAGIC)[:9])  # and never the rest
    meter.run_until(meter.now_s + 10)
    assert ask(clients[1], b"", 1) == b""
    assert ask(clients[2], request(READ_MAGIC), 13) == request(MAGIC)
    meter.run_until(meter.now_s + 125)  # nobody has asked anything for two minutes
    assert [ask(client, b"", 1) for client in clients[2:]] == [b"", b""]
    with socket.create_connection(("127.0.0.1", port), timeout=3) as client:
        assert ask(client, request(READ_MAGIC), 13) == request(MAGIC)
    for client in clients:
        client.close()


class Line:
    """A UART, its stream and the transceiver's pin in one: what happened, in order."""

    def __init__(self, busy=3):
        self.seen = []
        self.busy = busy

    def write(self, data):
        self.seen.append(bytes(data))

    async def drain(self):
        self.seen.append("drained")

    def txdone(self):
        self.busy -= 1
        return self.busy < 0

    def direction(self, level):
        self.seen.append(level)


def test_the_transceiver_drives_the_line_until_the_last_bit_is_out(monkeypatch):
    line = Line()
    monkeypatch.setattr(asyncio, "sleep_ms", lambda ms: asyncio.sleep(0), raising=False)
    port = UtilityPort(line, line, None, None, None, line.direction)
    asyncio.run(port.send(b"frame"))
    assert line.seen == [1, b"frame", "drained", 0] and line.busy == -1
    line = Line()
    asyncio.run(UtilityPort(line, line, None, None, None).send(b"frame"))
    assert line.seen == [b"frame", "drained"] and line.busy == 3


def test_the_transceiver_on_the_board_is_let_go(tmp_path):
    """What the pin was at each byte is told by a UART that looks."""
    firmware = faulty(
        tmp_path,
        """
        class Looking(machine.UART):
            def write(self, data):
                if data[0] == 1:
                    print("driven", pin.value())
                return super().write(data)
        machine.UART = Looking
        pin = machine.Pin(4)
        async def fault():
            pass
        """,
    )
    settings = {"direction_pin": 4, "provider": ""}
    with desk(tmp_path, firmware=firmware, settings=settings, rtc=True) as at:
        assert at.board.pin(4) == 0
        with HostPort(at.board.utility_port) as port:
            port.identity()
        assert "driven 1" in at.board.console and "driven 0" not in at.board.console
        assert at.board.pin(4) == 0


@pytest.mark.parametrize(("setting", "invert"), [({}, 0), ({"p1_inverted": 1}, 32)])
def test_p1_output_is_inverted_where_the_settings_say_so(tmp_path, setting, invert):
    firmware = faulty(
        tmp_path,
        """
        class Telling(machine.UART):
            def __init__(self, id, *rest, **options):
                print("uart", id, "invert", options.get("invert"))
                super().__init__(id, *rest, **options)
        machine.UART = Telling
        async def fault():
            pass
        """,
    )
    with desk(tmp_path, firmware=firmware, settings={"provider": "", **setting}) as at:
        assert f"uart 1 invert {invert}" in at.board.console
        assert "uart 2 invert None" in at.board.console
