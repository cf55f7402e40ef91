"""The utility port as a test reads it: holding registers, and the sealed log by file records."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

from wattseal.chain import Config

from wattseal_hil.errors import BoardError
from wattseal_hil.rig.spec import address

UNIT_ID = 1
BAUD = 19200
_KEY_AT = slice(11, 28)  # of the identity registers: 33 bytes and a zero
_IDENTITY = (0, 32)
_LOG = (64, 4)  # records in the log, the oldest kept
_RECORDS_A_FILE = 80
_SLOT = 120  # registers


def registers(port: str, address: int, count: int, timeout_s: float = 3.0) -> list[int]:
    """Holding registers, 16 bits each. Raises BoardError meter-silent, meter-refused."""
    with _client(port, timeout_s) as client:
        return _read(client, address, count)


def sealed_log(
    port: str, first: int = 0, timeout_s: float = 3.0
) -> tuple[list[bytes], bytes, Config]:
    """(sealed records from `first` or the oldest kept on, public key, configuration)."""
    with _client(port, timeout_s) as client:
        identity = _read(client, *_IDENTITY)
        key = b"".join(value.to_bytes(2, "big") for value in identity[_KEY_AT])[:33]
        exponent = identity[30] - (identity[30] >> 15 << 16)
        config = Config(identity[28] << 16 | identity[29], exponent, identity[31])
        high, low, kept_high, kept_low = _read(client, *_LOG)
        begin = max(first, kept_high << 16 | kept_low)
        return [_record(client, seq) for seq in range(begin, high << 16 | low)], key, config


@contextlib.contextmanager
def _client(port: str, timeout_s: float) -> Iterator[Any]:
    from pymodbus import FramerType
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient

    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # an error is raised, once
    client: Any
    if port.startswith("socket://"):
        host, number = address(port.removeprefix("socket://"))
        client = ModbusTcpClient(
            host, port=number, framer=FramerType.RTU, timeout=timeout_s, retries=1
        )
    else:
        # A pseudo-terminal has no parity.
        parity = "N" if os.path.realpath(port).startswith("/dev/pts/") else "E"
        client = ModbusSerialClient(
            port, framer=FramerType.RTU, baudrate=BAUD, parity=parity, timeout=timeout_s, retries=1
        )
    try:
        if not client.connect():
            raise BoardError("meter-silent", f"{port} cannot be opened")
        yield client
    finally:
        client.close()


def _read(client: Any, address: int, count: int) -> list[int]:
    answer = _ask(client, client.read_holding_registers, address, count=count)
    return list(answer.registers)


def _record(client: Any, seq: int) -> bytes:
    from pymodbus.pdu.file_message import FileRecord

    file, slot = divmod(seq, _RECORDS_A_FILE)
    place = FileRecord(file_number=1 + file, record_number=slot * _SLOT, record_length=2 * _SLOT)
    data = _ask(client, client.read_file_record, [place]).records[0].record_data
    return bytes(data[2 : 2 + int.from_bytes(data[:2], "big")])


def _ask(client: Any, method: Any, *arguments: Any, **options: Any) -> Any:
    from pymodbus.exceptions import ModbusException

    try:
        answer = method(*arguments, device_id=UNIT_ID, **options)
    except (ModbusException, OSError) as error:
        raise BoardError("meter-silent", f"{client.comm_params.host}: {error}") from None
    if answer.isError():
        raise BoardError("meter-refused", f"modbus exception {answer.exception_code}")
    return answer
