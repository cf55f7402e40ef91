"""What a customer hands over: sealed records with their openings, `wattseal-handover/1`.

Nothing is taken on trust: the chain and the meter's signature say that the records are whole and
the meter's own, and every reading opens the commitment the meter signed.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wattseal.chain import verify_stretch
from wattseal.commitment import opens_all
from wattseal.errors import Malformed, Refused
from wattseal.p256 import N, decode_point
from wattseal.record import Record, decode_body, meter_id

from wattseal_host.documents import Enrolment
from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.stretch import chain_before
from wattseal_host.strict_json import dumps, loads
from wattseal_host.units import SEALED_UNIT, Unit, channels_of

FORMAT = "wattseal-handover/1"
MAX_BYTES = 16 * 1024 * 1024
MAX_RECORDS = 60_000
VALUE_BYTES = 8
_VALUE = struct.Struct(">Q")


@dataclass
class Handed:
    """Checked readings, or sums of them. spans: (start_s, end_s) of each; runs: of how many of the
    records it is the sum; values: of all channels, eight bytes each, in an array that can be
    wiped."""

    enrolment: Enrolment
    records: tuple[Record, ...]
    spans: tuple[tuple[int, int], ...]
    values: dict[str, bytearray] = field(repr=False)
    from_s: int
    to_s: int
    runs: tuple[int, ...]

    def column(self, channel: str = "import") -> list[int]:
        packed = self.values[channel]
        return [
            int.from_bytes(packed[at : at + VALUE_BYTES], "big")
            for at in range(0, len(packed), VALUE_BYTES)
        ]

    def wipe(self) -> None:
        """Overwrite the readings where they stand."""
        for packed in self.values.values():
            packed[:] = bytes(len(packed))
        self.values = {name: bytearray() for name in self.values}
        self.records = self.spans = self.runs = ()


def write(
    enrolment: Enrolment,
    bodies: Sequence[bytes],
    signature: bytes,
    openings: Sequence[tuple[int, int]],
) -> bytes:
    """The file: openings are (value, blinding), channel by channel within each record."""
    value: dict[str, Any] = {
        "format": FORMAT,
        "key": enrolment.key.hex(),
        "interval_s": enrolment.interval_s,
        "bodies": [body.hex() for body in bodies],
        "signature": signature.hex(),
        "openings": [
            {"value": number, "blinding": blinding.to_bytes(32, "big").hex()}
            for number, blinding in openings
        ],
    }
    return dumps(value) + b"\n"


def read(data: bytes, meter: bytes) -> Handed:
    """Raises Refused `handover-meter` (another meter's), `handover-opening` (a reading that is
    not the sealed one), `chain-…`; Malformed for what is no such file."""
    names = {"format", "key", "interval_s", "bodies", "signature", "openings"}
    fields = Fields(loads(data, max_bytes=MAX_BYTES), "handover", names)
    fields.choice("format", (FORMAT,))
    key = fields.hexadecimal("key", 33)
    if meter_id(key) != meter:
        raise Refused("handover-meter")
    bodies = fields.each("bodies", MAX_RECORDS, _hexadecimal, least=1)
    first = decode_body(bodies[0])
    interval_s = fields.integer("interval_s", 1, 2**32 - 1)
    chain = chain_before(first, key, interval_s)
    records = verify_stretch(bodies, fields.hexadecimal("signature", 64), chain)
    channels = channels_of(first.channel_set)
    enrolment = Enrolment(meter, key, Unit(SEALED_UNIT, first.exponent), interval_s, channels)
    values = _open(fields, records, channels)
    spans = tuple((record.start_s, record.end_s) for record in records if record.channels)
    if not spans:
        raise Refused("handover-empty")
    return Handed(
        enrolment,
        tuple(record for record in records if record.channels),
        spans,
        values,
        spans[0][0],
        spans[-1][1],
        (1,) * len(spans),
    )


def _open(
    fields: Fields, records: Sequence[Record], channels: Sequence[str]
) -> dict[str, bytearray]:
    opened = fields.each("openings", 2 * MAX_RECORDS, _opening)
    sealed = [point for record in records for point, _ in record.channels]
    if len(opened) != len(sealed):
        raise malformed(fields.where("openings"))
    points = [decode_point(point) for point in sealed]
    numbers = [value for value, _ in opened]
    blindings = [blinding for _, blinding in opened]
    if not opens_all(points, numbers, blindings, secrets.token_bytes(32)):
        raise Refused("handover-opening")
    width = len(channels)
    return {name: pack(numbers[at::width]) for at, name in enumerate(channels)}


def pack(numbers: Sequence[int]) -> bytearray:
    """In one piece: an array that grows leaves its earlier places behind, where nobody wipes."""
    packed = bytearray(VALUE_BYTES * len(numbers))
    for at, number in enumerate(numbers):
        _VALUE.pack_into(packed, VALUE_BYTES * at, number)
    return packed


def _opening(value: Any, where: str) -> tuple[int, int]:
    fields = Fields(value, where, {"value", "blinding"})
    blinding = int.from_bytes(fields.hexadecimal("blinding", 32), "big")
    if blinding >= N:
        raise malformed(where)
    return fields.integer("value", 0, 2**32 - 1), blinding


def _hexadecimal(value: Any, where: str) -> bytes:
    try:
        data = bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise Malformed("field-hex", where) from error
    if data.hex() != value:
        raise malformed(where)
    return data
