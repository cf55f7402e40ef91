"""The utility port: Modbus RTU by pymodbus. Registers and files as the meter's port has them.

Everything the meter says is checked before it is used: lengths, padding, ranges.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu.file_message import FileRecord
from wattseal.errors import Malformed
from wattseal.record import MAX_SEALED_BYTES

from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.units import Unit, channels_of

UNIT_ID = 1
BAUD = 19200
MAGIC = b"WSL1"
MAP_VERSION = 1
IDENTITY_AT, IDENTITY_REGISTERS = 0, 32
STATUS_AT, STATUS_REGISTERS = 64, 11
NEWEST_AT = 128
RECORDS_PER_FILE = 80
SLOT_REGISTERS = 120
_SLOT_BYTES_USED = 2 + MAX_SEALED_BYTES + MAX_SEALED_BYTES % 2


@dataclass(frozen=True)
class MeterStatus:
    """next_seq: records in the log; oldest_seq: the first still kept; utc_s: the meter's clock;
    bits: 1 clock set, 2 log in order, 4 paired."""

    next_seq: int
    oldest_seq: int
    boot: int
    epoch: int
    utc_s: int
    bits: int


class UtilityPort:
    """One meter on a serial line, 8E1. Use as a context manager."""

    def __init__(
        self, port: str, baud: int = BAUD, timeout_s: float = 3.0, unit_id: int = UNIT_ID
    ) -> None:
        self._port = port
        self._unit_id = unit_id
        self._client = ModbusSerialClient(
            port,
            framer=FramerType.RTU,
            baudrate=baud,
            parity=_parity(port),
            timeout=timeout_s,
            retries=2,
        )

    def __enter__(self) -> UtilityPort:
        # Its failures reach the user as PortError, not as lines in between.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        if not self._client.connect():
            raise PortError("port-missing", f"{self._port} cannot be opened")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def identity(self) -> Enrolment:
        """What the meter says it is; the id is checked to be its key's."""
        data = self._registers(IDENTITY_AT, IDENTITY_REGISTERS)
        if data[:4] != MAGIC:
            raise PortError("port-answer", "this is no wattseal meter")
        if _integer(data, 2, 1) != MAP_VERSION:
            raise PortError("port-answer", "register map of another version")
        if data[55] != 0:
            raise PortError("port-answer", "identity registers")
        try:
            described = Enrolment(
                meter=data[6:22],
                key=data[22:55],
                unit=Unit("Wh", int.from_bytes(data[60:62], "big", signed=True)),
                interval_s=_integer(data, 28, 2),
                channels=channels_of(_integer(data, 31, 1)),
            )
            return Enrolment.read(described.write())
        except Malformed as error:
            raise PortError("port-answer", f"identity registers: {error}") from error

    def status(self) -> MeterStatus:
        data = self._registers(STATUS_AT, STATUS_REGISTERS)
        status = MeterStatus(
            next_seq=_integer(data, 0, 2),
            oldest_seq=_integer(data, 2, 2),
            boot=_integer(data, 4, 2),
            epoch=_integer(data, 6, 2),
            utc_s=_integer(data, 8, 2),
            bits=_integer(data, 10, 1),
        )
        if status.oldest_seq > status.next_seq:
            raise PortError("port-answer", "status registers")
        return status

    def newest(self) -> bytes | None:
        """The newest sealed record's bytes, unverified; None before the first."""
        count = 1 + (MAX_SEALED_BYTES + 1) // 2
        return _unpad(self._registers(NEWEST_AT, count))

    def record(self, seq: int) -> bytes:
        """One sealed record's bytes, unverified, by Read File Record (FC 20)."""
        file, slot = divmod(seq, RECORDS_PER_FILE)
        request = FileRecord(
            file_number=1 + file,
            record_number=slot * SLOT_REGISTERS,
            record_length=_SLOT_BYTES_USED,
        )
        answer = self._ask("read_file_record", [request])
        records = answer.records
        if len(records) != 1 or len(records[0].record_data) != _SLOT_BYTES_USED:
            raise PortError("port-answer", f"record {seq}")
        data = _unpad(records[0].record_data)
        if data is None:
            raise PortError("port-answer", f"record {seq} is empty")
        return data

    def fetch(self, from_seq: int, count: int) -> list[bytes]:
        return [self.record(seq) for seq in range(from_seq, from_seq + count)]

    def _registers(self, address: int, count: int) -> bytes:
        answer = self._ask("read_holding_registers", address, count=count)
        if len(answer.registers) != count:
            raise PortError("port-answer", f"{len(answer.registers)} registers for {count}")
        return b"".join(value.to_bytes(2, "big") for value in answer.registers)

    def _ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            answer = getattr(self._client, method)(*arguments, device_id=self._unit_id, **options)
        except ModbusException as error:
            raise PortError("port-silent", f"no answer on {self._port}") from error
        except (OSError, ValueError, IndexError) as error:
            raise PortError("port-answer", f"garbled on {self._port}") from error
        if answer.isError():
            code = getattr(answer, "exception_code", 0)
            raise PortError("port-refused", f"modbus exception {code}")
        return answer


def _parity(port: str) -> str:
    """Even, as Modbus has it; but a pseudo-terminal has no parity, and Linux may say so
    (tcsetattr fails when parity is all that would change)."""
    return "N" if os.path.realpath(port).startswith("/dev/pts/") else "E"


def _integer(data: bytes, register: int, count: int) -> int:
    return int.from_bytes(data[2 * register : 2 * (register + count)], "big")


def _unpad(data: bytes) -> bytes | None:
    """length (16 bits) || record || zeros; None for length 0."""
    length = int.from_bytes(data[:2], "big")
    record, rest = data[2 : 2 + length], data[2 + length :]
    if len(record) != length or any(rest):
        raise PortError("port-answer", "record length or padding")
    return record or None
