"""The utility port: Modbus RTU by pymodbus. What its registers mean is in `registers`."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu.file_message import FileRecord

from wattseal_host.collect import registers
from wattseal_host.collect.itself import MeterSelf
from wattseal_host.collect.place import UTILITY, Place
from wattseal_host.collect.registers import (
    CHUNK_FILES,
    COLLECTED_AT,
    DESK_AT,
    EXPORT_AT,
    EXPORT_REGISTERS,
    IDENTITY_AT,
    IDENTITY_REGISTERS,
    LAST_FILE,
    NEWEST_AT,
    NEWEST_REGISTERS,
    RECORDS_PER_FILE,
    SLOT_BYTES_USED,
    SLOT_REGISTERS,
    STATUS_AT,
    STATUS_REGISTERS,
    UNIT_ID,
    MeterStatus,
)
from wattseal_host.collect.tap import Tap, tapped
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError

BAUD = 19200
_SEQ_AT = slice(26, 30)
_BUSY = 6
_FUNCTIONS = {"read_holding_registers": 3, "write_registers": 16, "read_file_record": 20}


class _Client(ModbusSerialClient):
    """pymodbus opens its port anew when it broke: a tap has to be there again."""

    tap: Tap | None = None

    def connect(self) -> bool:
        fresh = self.socket is None
        connected = super().connect()
        if fresh and connected:
            self.socket = tapped(self.socket, self.tap)
        return connected


class UtilityPort:
    """One meter on a serial line, 8E1. Use as a context manager."""

    def __init__(
        self,
        port: str,
        baud: int = BAUD,
        timeout_s: float = 3.0,
        unit_id: int = UNIT_ID,
        tap: Tap | None = None,
    ) -> None:
        self.place = Place(UTILITY, port)
        self._unit_id = unit_id
        self._client = _Client(
            port,
            framer=FramerType.RTU,
            baudrate=baud,
            parity=_parity(port),
            timeout=timeout_s,
            retries=2,
        )
        self._client.tap = tap

    def __enter__(self) -> UtilityPort:
        # Its failures reach the user as PortError, not as lines in between.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        if not self._client.connect():
            raise PortError("port-missing", f"{self.place.port} cannot be opened")
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
        return registers.read_identity(self.read(IDENTITY_AT, IDENTITY_REGISTERS))

    def status(self) -> MeterStatus:
        return registers.read_status(self.read(STATUS_AT, STATUS_REGISTERS))

    def itself(self) -> MeterSelf:
        identity = self.identity()
        return self.status().of(identity)

    def newest(self) -> bytes | None:
        """The newest sealed record's bytes, unverified; None before the first."""
        return registers.read_slot(self.read(NEWEST_AT, NEWEST_REGISTERS))

    def record(self, seq: int) -> bytes:
        """One sealed record's bytes, unverified, by Read File Record (FC 20)."""
        file, slot = divmod(seq, RECORDS_PER_FILE)
        data = registers.read_slot(self._slot(1 + file, slot))
        if data is None:
            raise PortError("port-answer", f"record {seq} is empty")
        return data

    def _slot(self, file: int, slot: int) -> bytes:
        if file > LAST_FILE:  # as far as a meter that counts on claims to go
            raise PortError("port-answer", f"there is no file {file}")
        request = FileRecord(
            file_number=file,
            record_number=slot * SLOT_REGISTERS,
            record_length=SLOT_BYTES_USED,
        )
        records = self._ask("read_file_record", [request]).records
        if len(records) != 1 or len(records[0].record_data) != SLOT_BYTES_USED:
            raise PortError("port-answer", f"slot {slot} of file {file}")
        data: bytes = records[0].record_data
        return data

    def fetch(self, from_seq: int, count: int) -> Iterator[bytes]:
        """Sealed records one by one, unverified.

        Modbus RTU does not number its frames: an answer that comes late is taken for the next
        one's. So a record of another place is asked for once more before it is believed.
        """
        for seq in range(from_seq, from_seq + count):
            data = self.record(seq)
            if data[_SEQ_AT] != seq.to_bytes(4, "big"):
                data = self.record(seq)
            yield data

    def read(self, address: int, count: int) -> bytes:
        """Holding registers, two bytes each."""
        answer = self._ask("read_holding_registers", address, count=count)
        if len(answer.registers) != count:
            raise PortError("port-answer", f"{len(answer.registers)} registers for {count}")
        return b"".join(value.to_bytes(2, "big") for value in answer.registers)

    def write(self, address: int, data: bytes) -> None:
        """Write holding registers, two bytes each, in one request (FC 16)."""
        values = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
        self._ask("write_registers", address, values)

    def mail(self, kind: int, message: bytes) -> None:
        """Leave a message on the meter's desk (SPEC.md 8.3). PortError `port-busy` while another is
        in hand."""
        data = kind.to_bytes(2, "big") + len(message).to_bytes(2, "big") + message
        self.write(DESK_AT, data + bytes(len(data) % 2))

    def mailbox_bytes(self) -> bytes:
        """How far the export is: 192 bytes."""
        return self.read(EXPORT_AT, EXPORT_REGISTERS)

    def export_chunk(self, number: int) -> bytes:
        """One encrypted chunk. PortError `port-busy` while it is being made."""
        file, slot = divmod(number, RECORDS_PER_FILE)
        data = registers.read_slot(self._slot(CHUNK_FILES + file, slot))
        if data is None:
            raise PortError("port-answer", f"chunk {number} is empty")
        return data

    def acknowledge(self, count: int) -> None:
        """Tell the meter that so many records are in the ledger, which it may now keep compact.

        An answer that fails is no failure: the next session says it again.
        """
        with contextlib.suppress(PortError):
            self.write(COLLECTED_AT, count.to_bytes(4, "big"))

    def _ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            answer = getattr(self._client, method)(*arguments, device_id=self._unit_id, **options)
        except ModbusException as error:
            raise PortError("port-silent", f"no answer on {self.place.port}") from error
        except (OSError, ValueError, IndexError) as error:
            raise PortError("port-answer", f"garbled on {self.place.port}") from error
        if answer.isError():
            code = getattr(answer, "exception_code", 0)
            if code == _BUSY:
                raise PortError("port-busy", "the meter has something else in hand")
            raise PortError("port-refused", f"modbus exception {code}")
        if answer.function_code != _FUNCTIONS[method]:
            raise PortError("port-answer", f"answer of function {answer.function_code}")
        return answer


def _parity(port: str) -> str:
    """Even, as Modbus has it; but a pseudo-terminal has no parity, and Linux may say so
    (tcsetattr fails when parity is all that would change)."""
    return "N" if os.path.realpath(port).startswith("/dev/pts/") else "E"
