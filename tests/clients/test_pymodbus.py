"""pymodbus as a master: holding and input registers, file records, identity, error replies."""

import asyncio

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient, ModbusSerialClient, ModbusTcpClient
from pymodbus.pdu.file_message import FileRecord

SLOT = 120  # registers a record in a file


@pytest.fixture(params=["rtu", "tcp"])
def client(request, home):
    if request.param == "rtu":  # a pty has no parity; on a real line it is 19200 8E1
        port = home.board.utility_port
        opened = ModbusSerialClient(port, framer=FramerType.RTU, baudrate=19200, timeout=2)
    else:
        opened = ModbusTcpClient("127.0.0.1", port=home.tcp_port, timeout=2)
    assert opened.connect()
    yield opened
    opened.close()


def octets(registers):
    return b"".join(register.to_bytes(2, "big") for register in registers)


@pytest.mark.parametrize("read", ["read_holding_registers", "read_input_registers"])
def test_registers(client, read):
    answer = getattr(client, read)(0, count=32, device_id=1)
    assert octets(answer.registers)[:6] == b"WSL1\0\1"


def test_the_whole_log_by_file_records(client, home):
    log = []
    for seq in range(len(home.records())):
        wanted = FileRecord(file_number=1, record_number=SLOT * seq, record_length=2 * SLOT)
        data = client.read_file_record([wanted], device_id=1).records[0].record_data
        log.append(data[2 : 2 + int.from_bytes(data[:2], "big")])
    assert log == home.records()


def test_several_records_beginnings_in_one_request(client, home):
    wanted = [
        FileRecord(file_number=1, record_number=SLOT * seq, record_length=8) for seq in range(3)
    ]
    answer = client.read_file_record(wanted, device_id=1)
    assert [part.record_data[2:] for part in answer.records] == [
        record[:6] for record in home.records()[:3]
    ]


def test_device_identity(client):
    basic = client.read_device_information(read_code=1, object_id=0, device_id=1)
    assert basic.information == {0: b"wattseal", 1: b"WS1", 2: b"0.1.0"}
    one = client.read_device_information(read_code=4, object_id=1, device_id=1)
    assert one.information == {1: b"WS1"}
    reported = client.report_device_id(device_id=1)
    assert reported.status and b"wattseal WS1 0.1.0" in reported.identifier


def test_error_replies(client, home):
    beyond = FileRecord(file_number=1, record_number=SLOT * len(home.records()), record_length=2)
    answers = [
        client.read_holding_registers(300, count=1, device_id=1),
        client.write_register(0, 1, device_id=1),
        client.read_file_record([beyond], device_id=1),
        client.read_coils(0, count=1, device_id=1),
        client.read_exception_status(device_id=1),
        client.read_holding_registers(0, count=125, device_id=1, no_response_expected=False),
    ]
    assert [answer.exception_code for answer in answers] == [2, 2, 2, 1, 1, 2]


def test_two_masters_at_once(home):
    """Over TCP nobody waits for the other."""

    async def master():
        client = AsyncModbusTcpClient("127.0.0.1", port=home.tcp_port, timeout=2)
        assert await client.connect()
        answers = [await client.read_holding_registers(2, device_id=1) for _ in range(20)]
        client.close()
        return [answer.registers for answer in answers]

    async def both():
        return await asyncio.gather(master(), master())

    assert asyncio.run(both()) == [[[1]] * 20] * 2
