"""The utility port's registers and files: from their bytes to what they say. No I/O.

Everything is checked before it is used: magic, version, ranges, padding. All errors are
PortError `port-answer`.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattseal.errors import Malformed
from wattseal.record import MAX_SEALED_BYTES

from wattseal_host.collect.itself import MeterSelf
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.units import SEALED_UNIT, Unit, channels_of

UNIT_ID = 1
MAGIC = b"WSL1"
MAP_VERSION = 1
IDENTITY_AT, IDENTITY_REGISTERS = 0, 32
STATUS_AT, STATUS_REGISTERS = 64, 11
NEWEST_AT = 128
COLLECTED_AT = 320
DESK_AT = 512
EXPORT_AT, EXPORT_REGISTERS = 640, 96
RECORDS_PER_FILE = 80
CHUNK_FILES = 0x8001
LAST_FILE = 0xFFFF
SLOT_REGISTERS = 120
SLOT_BYTES_USED = 2 + MAX_SEALED_BYTES + MAX_SEALED_BYTES % 2
NEWEST_REGISTERS = SLOT_BYTES_USED // 2


@dataclass(frozen=True)
class MeterStatus:
    """next_seq: records in the log; oldest_seq: the first still kept; utc_s: the meter's clock;
    bits: SPEC.md 8.1."""

    next_seq: int
    oldest_seq: int
    boot: int
    epoch: int
    utc_s: int
    bits: int

    def of(self, configuration: Enrolment) -> MeterSelf:
        return MeterSelf(configuration, self.next_seq, self.oldest_seq, self.boot)


def read_identity(data: bytes) -> Enrolment:
    """What the 32 identity registers say; the id is checked to be the key's."""
    if len(data) != 2 * IDENTITY_REGISTERS or data[:4] != MAGIC:
        raise PortError("port-answer", "this is no wattseal meter")
    if _integer(data, 2, 1) != MAP_VERSION:
        raise PortError("port-answer", "register map of another version")
    if data[55] != 0:
        raise PortError("port-answer", "identity registers")
    try:
        described = Enrolment(
            meter=data[6:22],
            key=data[22:55],
            unit=Unit(SEALED_UNIT, int.from_bytes(data[60:62], "big", signed=True)),
            interval_s=_integer(data, 28, 2),
            channels=channels_of(_integer(data, 31, 1)),
        )
        return Enrolment.read(described.write())
    except Malformed as error:
        raise PortError("port-answer", f"identity registers: {error}") from error


def read_status(data: bytes) -> MeterStatus:
    """What the 11 status registers say."""
    if len(data) != 2 * STATUS_REGISTERS:
        raise PortError("port-answer", "status registers")
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


def read_slot(data: bytes) -> bytes | None:
    """The sealed record in `length (16 bits) || record || zeros`, unverified; None if empty."""
    length = int.from_bytes(data[:2], "big")
    record, rest = data[2 : 2 + length], data[2 + length :]
    if len(data) < 2 or len(record) != length or any(rest):
        raise PortError("port-answer", "record length or padding")
    return record or None


def place_of(file_number: int, record_number: int) -> int | None:
    """The sequence number whose slot begins at a file record; None inside a slot."""
    slot, within = divmod(record_number, SLOT_REGISTERS)
    if file_number < 1 or within or slot >= RECORDS_PER_FILE:
        return None
    return (file_number - 1) * RECORDS_PER_FILE + slot


def _integer(data: bytes, register: int, count: int) -> int:
    return int.from_bytes(data[2 * register : 2 * (register + count)], "big")
