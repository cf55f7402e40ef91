"""The utility port of an emulated board, read by pymodbus; and what a reading may change on it."""

import pytest
import serial
from meter.crc16 import MODBUS, crc16
from meter.modbus import frame
from meter_bench import START_S, Customer, board
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from pymodbus.pdu.file_message import FileRecord
from wattseal.record import EVENT, decode_sealed, meter_id
from wattseal_hil.faults import Refusal
from wattseal_hil.loads import ConstantLoad

SLOT = 120


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A board after four hours, a client at each port."""
    with board(
        tmp_path_factory.mktemp("board"), load=ConstantLoad(1500), start_s=START_S
    ) as meter:
        meter.power_on()
        meter.run_until(START_S + 4 * 3600)
        # A pty has no parity; on a real line it is 19200 8E1.
        client = ModbusSerialClient(
            meter.utility_port, framer=FramerType.RTU, baudrate=19200, timeout=2
        )
        assert client.connect()
        customer = Customer(meter)
        yield meter, client, customer
        customer.close()
        client.close()


def registers(client, address, count):
    answer = client.read_holding_registers(address, count=count, device_id=1)
    assert not answer.isError()
    return b"".join(register.to_bytes(2, "big") for register in answer.registers)


def test_identity(house):
    _, client, customer = house
    data = registers(client, 0, 32)
    status = customer.status()
    assert data[:6] == b"WSL1\0\1"
    assert data[6:22].hex() == status["meter"]
    assert data[22:55].hex() == status["key"]
    assert meter_id(data[22:55]) == data[6:22]
    assert data[55:] == b"\0" + (1800).to_bytes(4, "big") + b"\0\0" + b"\0\1"


def test_status(house):
    meter, client, _ = house
    data = registers(client, 64, 13)
    numbers = [int.from_bytes(data[at : at + 4], "big") for at in range(0, 20, 4)]
    assert numbers == [11, 0, 1, 0, round(meter.now_s)]
    assert data[20:] == b"\0\x23\0\0\0\x0f"


def test_newest_record_in_one_read(house):
    _, client, customer = house
    data = registers(client, 128, 120)
    length = int.from_bytes(data[:2], "big")
    assert data[2 : 2 + length] == customer.records()[-1].sealed
    assert not any(data[2 + length :])


def test_the_whole_log_by_file_records(house):
    _, client, customer = house
    for record in customer.records():
        request = FileRecord(
            file_number=1, record_number=SLOT * record.seq, record_length=2 * SLOT
        )
        data = client.read_file_record([request], device_id=1).records[0].record_data
        length = int.from_bytes(data[:2], "big")
        assert data[2 : 2 + length] == record.sealed


def test_device_identification(house):
    _, client, _ = house
    answer = client.read_device_information(read_code=2, object_id=0, device_id=1)
    assert answer.information == {
        0: b"wattseal", 1: b"WS1", 2: b"0.1.0", 4: b"wattseal sealing meter", 5: b"ESP32",
    }


@pytest.mark.parametrize(
    ("address", "count", "code"),
    [(31, 2, 2), (32, 1, 2), (63, 1, 2), (77, 1, 2), (127, 1, 2), (247, 2, 2), (248, 1, 2),
     (256, 9, 2), (257, 10, 2), (266, 1, 2), (272, 37, 2), (39999, 1, 2)],
)
def test_nothing_between_the_blocks(house, address, count, code):
    _, client, _ = house
    answer = client.read_holding_registers(address, count=count, device_id=1)
    assert answer.exception_code == code


def test_records_that_are_not_there(house):
    _, client, _ = house
    for file, record in ((1, 11 * SLOT), (2, 0), (0, 0), (1, 80 * SLOT), (0xFFFF, 0)):
        request = FileRecord(file_number=file, record_number=record, record_length=2)
        assert client.read_file_record([request], device_id=1).exception_code == 2


def test_nothing_can_be_written(house):
    _, client, _ = house
    assert client.write_register(0, 1, device_id=1).exception_code == 2
    assert client.write_registers(0, [1, 2], device_id=1).exception_code == 2
    assert client.write_coil(0, True, device_id=1).exception_code == 1


def masked(sealed):
    """A sealed record without what a reading may change: all else must not depend on it."""
    record = decode_sealed(sealed)
    body = bytearray(record.body)
    body[-32:] = bytes(32)
    if record.kind != EVENT:
        body[41:-32] = bytes(len(body) - 73)
    return bytes(body) + bytes(64)


def masked_block(data):
    length = int.from_bytes(data[:2], "big")
    return data[:2] + masked(data[2 : 2 + length]) + data[2 + length :]


def utility_bytes(workdir, load):
    """Every answer of the utility port in a day's life, with records masked; and their lengths."""
    seen = []
    with board(workdir, load=load, start_s=START_S) as meter:
        meter.power_on()
        line = serial.Serial(meter.utility_port, timeout=5)

        def ask(pdu):
            """Return the answer PDU; only that of function 43 tells its length by its CRC alone."""
            line.write(frame(1, bytes.fromhex(pdu)))
            answer = line.read(5)
            if answer[1] in (3, 0x14):
                answer += line.read(answer[2])
            while crc16(answer, MODBUS):
                more = line.read(1)
                assert more, answer.hex()
                answer += more
            return answer[1:-2]

        meter.run_until(START_S + 1805)
        meter.inject(Refusal(count=1000))
        for second in range(1900, 2320, 60):
            meter.run_until(START_S + second)
            seen.append(ask("030040000d"))
            if second == 1960:
                meter.inject(None)
        for hour in (1, 2, 5, 24):
            meter.run_until(START_S + hour * 3600)
            seen.append(ask("0300000020"))
            seen.append(ask("030040000d"))
            newest = ask("0300800078")
            seen.append(newest[:2] + masked_block(newest[2:]))
            seen.append(ask("2b0e0200"))
            seen.append(ask("0300200001"))
            seen.append(ask("039c40007d"))
            seen.append(ask("039cbd004a"))
            assert seen[-1][:2] == b"\x03\x94"
            seen.append(ask("11"))
        for seq in range(52):
            answer = ask("140706" + "0001" + f"{seq * SLOT:04x}" + f"{SLOT:04x}")
            good = answer[0] == 0x14
            seen.append(answer[:4] + masked_block(answer[4:]) if good else answer)
        line.close()
    return seen


def test_two_runs_that_differ_in_consumption_alone(tmp_path):
    """The wall: same shape, same bytes, but for commitment, ciphertext, digest and signature.

    In the second hour the flash refuses writes, so that its status bit comes and goes as well.
    """
    none, low, high = (
        utility_bytes(tmp_path / str(watts), ConstantLoad(watts)) for watts in (0, 60, 9000)
    )
    assert none == low == high
    assert len(low) == 91
    status = [int.from_bytes(answer[22:24], "big") for answer in low[:7]]
    assert [bool(bits & 256) for bits in status] == [True] * 2 + [False] * 5
    assert low[-1] == bytes.fromhex("9402")
