"""A witness of all a meter says, which believes none of it: what was shown must stay true.

It is fed every byte at the firmware's UARTs (`hear`) and every start and end of the firmware
(`supply`), and notes problems as it finds them. It keeps the records any port has shown, by number,
and the registers telegrams have shown, by time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wattseal.ecdsa import verify
from wattseal.errors import WattsealError
from wattseal.p256 import decode_point
from wattseal.record import ORIGIN, Record, decode_origin, decode_sealed, meter_id

from wattseal_hil.line_faults import crc16

_TELEGRAM = re.compile(rb"/[^!/]*!([0-9A-F]{4})\r\n")
_SEALED = re.compile(rb"0-0:96\.128\.0\(([0-9A-F]+)\)")
_REGISTER = re.compile(rb"1-0:1\.8\.1\((\d+)\.(\d{3})\*kWh\)")
_HISTORY = re.compile(rb"#record (\d+) ([0-9a-f]+)\r\n")
_RECENT_BYTES = 2048  # of requests
_STATUS, _NEWEST = 64, 128


@dataclass(frozen=True)
class Problem:
    """Something that must never be. at_s: board time."""

    code: str
    detail: str
    at_s: float


class Witness:
    """What one meter has shown.

    records: sealed bytes by number. registers: (board time s, Wh) of telegrams. power: (board time
    s, on?) of every start and end of the firmware. identity: the ORIGIN record, once seen.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.records: dict[int, bytes] = {}
        self.registers: list[tuple[float, int]] = []
        self.power: list[tuple[float, bool]] = []
        self.key: bytes | None = None
        self.count = 0
        self.boot = 0
        self._buffers = [bytearray(), bytearray()]
        self._asked = bytearray()
        self._now_s = 0.0

    def problem(self, code: str, detail: str) -> None:
        """Note a problem, once."""
        found = Problem(code, detail, self._now_s)
        if all((code, detail) != (one.code, one.detail) for one in self.problems):
            self.problems.append(found)

    def supply(self, on: bool, at_us: int) -> None:
        """The firmware starts or ends."""
        self._now_s = at_us / 1e6
        self.power.append((self._now_s, on))
        self._asked.clear()
        for buffer in self._buffers:
            buffer.clear()  # what was cut off says nothing

    def hear(self, port: int, to_meter: bool, data: bytes, at_us: int) -> None:
        """Bytes at a UART."""
        self._now_s = at_us / 1e6
        if to_meter:
            if port == 1:
                self._asked += data
                del self._asked[:-_RECENT_BYTES]
            return
        buffer = self._buffers[port]
        buffer += data
        if port == 0:
            self._customer(buffer)
        else:
            self._utility(buffer)

    # The customer's port

    def _customer(self, buffer: bytearray) -> None:
        end = 0
        for match in _TELEGRAM.finditer(buffer):
            end = match.end()
            text = match.group()
            if crc16(text[: text.index(b"!") + 1], 0) != int(match[1], 16):
                self.problem("telegram-crc", text[:24].decode("ascii", "replace"))
                continue
            if sealed := _SEALED.search(text):
                self.see(bytes.fromhex(sealed[1].decode()), "telegram")
            if register := _REGISTER.search(text):
                self._register(int(register[1] + register[2]))
        for match in _HISTORY.finditer(buffer):
            end = max(end, match.end())
            self.see(bytes.fromhex(match[2].decode()), "history", int(match[1]))
        del buffer[:end]

    def _register(self, wh: int) -> None:
        since = self.power[-1][0] if self.power else 0.0
        if self.registers and self.registers[-1][0] >= since and wh < self.registers[-1][1]:
            self.problem("register-fell", f"from {self.registers[-1][1]} to {wh} Wh")
        self.registers.append((self._now_s, wh))

    # Records

    def see(self, sealed: bytes, where: str, seq: int | None = None) -> Record | None:
        """A record was shown, under its number where one was asked for."""
        try:
            record = decode_sealed(sealed)
        except WattsealError as error:
            self.problem("record-malformed", f"{where}: {error.code}")
            return None
        if seq is not None and record.seq != seq:
            self.problem("record-wrong", f"{where}: {record.seq} where {seq} was asked for")
        known = self.records.get(record.seq)
        if known is None:
            self.records[record.seq] = sealed
            self._check(record)
        elif known[:-64] != sealed[:-64]:
            self.problem("two-bodies", f"record {record.seq}, {where}")
        elif known != sealed:
            self._check(record)
        return record

    def _check(self, record: Record) -> None:
        if record.event == ORIGIN:
            self.key = decode_origin(record.payload)[3]
        if self.key is None:
            return
        if record.meter != meter_id(self.key):
            self.problem("record-meter", f"record {record.seq}")
        elif not verify(decode_point(self.key), record.digest, record.signature):
            self.problem("record-signature", f"record {record.seq}")

    # The utility's port

    def _utility(self, buffer: bytearray) -> None:
        while (length := _reply_length(buffer)) is not None and len(buffer) >= length:
            reply = bytes(buffer[:length])
            if length == 0 or crc16(reply) or reply[0] != 1:
                self.problem("modbus-frame", bytes(buffer[:8]).hex())
                buffer.clear()
                return
            del buffer[:length]
            self._reply(reply[1:-2])

    def _reply(self, pdu: bytes) -> None:
        """A reply must be true for one of the requests that have arrived."""
        if pdu[0] == 3:
            asked = [a for a, n in self._reads() if 2 * n == pdu[1]]
            if asked and not any(self._true(address, pdu[2:]) for address in asked[-4:]):
                self.problem("modbus-untrue", f"registers {asked[-1]}: {pdu[2:34].hex()}")
        elif pdu[0] == 20 and len(pdu) > 6:
            length = int.from_bytes(pdu[4:6], "big")
            # Parts of a slot are as good, but nobody here asks for them.
            if 64 < length <= len(pdu) - 6 and pdu[2] == pdu[1] - 1:
                record = self.see(pdu[6 : 6 + length], "file record")
                asked_for = self._files()
                if record and asked_for and record.seq not in asked_for[-4:]:
                    self.problem("modbus-untrue", f"record {record.seq} for {asked_for[-1]}")

    def _reads(self) -> list[tuple[int, int]]:
        """(address, count) of the requests of registers that have arrived."""
        return [
            (int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big"))
            for frame in self._frames(b"\x01\x03", 8)
        ]

    def _files(self) -> list[int]:
        """Sequence numbers asked for by file records."""
        return [
            80 * (int.from_bytes(frame[4:6], "big") - 1) + int.from_bytes(frame[6:8], "big") // 120
            for frame in self._frames(b"\x01\x14\x07\x06", 12)
        ]

    def _frames(self, head: bytes, length: int) -> list[bytes]:
        found, at = [], self._asked.find(head)
        while at >= 0:
            frame = bytes(self._asked[at : at + length])
            if len(frame) == length and not crc16(frame):
                found.append(frame)
            at = self._asked.find(head, at + 1)
        return found

    def _true(self, address: int, data: bytes) -> bool:
        if address == 0 and len(data) >= 56:
            known = self.key is None or data[22:55] == self.key
            return data[:4] == b"WSL1" and data[6:22] == meter_id(data[22:55]) and known
        if address == _STATUS and len(data) >= 16:
            count, oldest, boot, _ = (
                int.from_bytes(data[at : at + 4], "big") for at in (0, 4, 8, 12)
            )
            good = max(self.records, default=-1) < count and self.count <= count
            good = good and oldest <= count and self.boot <= boot
            if good:
                self.count, self.boot = count, boot
            return good
        if address == _NEWEST and len(data) >= 2:
            length = int.from_bytes(data[:2], "big")
            if 64 < length <= len(data) - 2:
                record = self.see(data[2 : 2 + length], "newest")
                return record is not None and record.seq >= max(self.records)
            return length <= 64 and not self.records
        return True


def _reply_length(buffer: bytearray) -> int | None:
    """Bytes of the reply that begins here: None if it cannot be told yet, 0 if it is none."""
    if len(buffer) < 5:
        return None
    function = buffer[1]
    if function & 0x80:
        return 5
    if function in (1, 2, 3, 4, 17, 20):
        return 5 + buffer[2]
    if function in (5, 6, 15, 16):
        return 8
    if function != 43:
        return 0
    at = 8
    if len(buffer) < at:
        return None
    for _ in range(buffer[7]):
        if len(buffer) < at + 2:
            return None
        at += 2 + buffer[at + 1]
    return at + 2
