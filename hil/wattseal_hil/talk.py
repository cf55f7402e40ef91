"""Questions to an emulated meter in board time: no client, no waiting, the same answers each time.

What is heard is what the firmware sends, before any fault of the line; what is said goes over the
line with its faults, as a client's would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from wattseal.errors import WattsealError
from wattseal.record import MAX_SEALED_BYTES

from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.line_faults import crc16, framed
from wattseal_hil.pairing import Pairing, pair, press_for_pin

CUSTOMER, UTILITY = 0, 1
STEP_S = 0.05
_LINE = re.compile(rb"(?<=\n)#([^\r\n]*)(?=\r\n)")
_LAST = re.compile(rb"(end|error|status|pair|measurement|consent)\b")
_PAGE = 200  # records a question
_FILE_SLOTS, _SLOT_REGISTERS = 80, 120
assert 2 + MAX_SEALED_BYTES <= 2 * _SLOT_REGISTERS


class Talk:
    """Asks the meter on a board. Errors: BoardError `meter-silent`, `meter-refused`."""

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        self._heard = [bytearray(), bytearray()]
        board.tap(self._hear)

    def _hear(self, port: int, to_meter: bool, data: bytes, at_us: int) -> None:
        if not to_meter:
            self._heard[port] += data

    def _pass(self) -> None:
        self._board.run_until(self._board.now_s + STEP_S)

    def ask(self, command: str, timeout_s: float = 2.0) -> list[str]:
        """The lines that answer a command of the customer's port, without their #."""
        heard = self._heard[CUSTOMER]
        heard.clear()
        # An unfinished line that noise has left is ended first; what answers it comes first.
        self._board.send(CUSTOMER, b"\r\n" + command.encode("ascii") + b"\r\n")
        until_s = self._board.now_s + timeout_s
        seen = 0
        while self._board.now_s < until_s:
            self._pass()
            lines: list[bytes] = _LINE.findall(b"\n" + heard)
            if len(lines) > seen:  # telegrams do not count: they never end
                until_s = self._board.now_s + timeout_s
                seen = len(lines)
            # An answer to noise before it is over when ours begins.
            while len(lines) > 1 and lines[0] == b"error bad-command":
                lines.pop(0)
            if lines and _LAST.match(lines[-1]):
                if lines[-1].startswith(b"error "):
                    raise BoardError("meter-refused", lines[-1][6:].decode("ascii"))
                return [line.decode("ascii") for line in lines]
        raise BoardError("meter-silent", f"no answer to {command}")

    def status(self) -> dict[str, Any]:
        """What ?status says."""
        return self._object("?status")

    def pair(self, draw: Callable[[int], bytes]) -> Pairing:
        """Press the button, and pair by the PIN the meter shows. draw: random bytes."""
        return pair(self.ask, press_for_pin(self._board), draw)

    def _object(self, command: str) -> dict[str, Any]:
        try:
            answer = json.loads(self.ask(command)[-1].partition(" ")[2])
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise BoardError("meter-answer", f"to {command}")
        return answer

    def history(self, first: int) -> list[bytes]:
        """Sealed records from `first` on, as the customer's port gives them."""
        found: list[bytes] = []
        while True:
            lines = self.ask(f"?history {first + len(found)} {_PAGE}")
            page = [bytes.fromhex(line.split()[2]) for line in lines if line.startswith("record ")]
            found += page
            if len(page) < _PAGE:
                return found

    def openings(self, first: int) -> list[tuple[int, int, int, int, int]]:
        """(seq, channel, value, flags, blinding) from `first` on, of the current epoch."""
        found = []
        for line in self.ask(f"?openings {first} 100000"):
            if line.startswith("opening "):
                seq, channel, value, flags, blinding = line.split()[1:]
                found.append((int(seq), int(channel), int(value), int(flags), int(blinding, 16)))
        return found

    def utility(self, pdu: bytes, timeout_s: float = 0.5) -> bytes:
        """What answers a Modbus request, both without unit and check sum."""
        heard = self._heard[UTILITY]
        heard.clear()
        self._board.send(UTILITY, framed(pdu))
        until_s = self._board.now_s + timeout_s
        while self._board.now_s < until_s:
            self._pass()
            if len(heard) > 4 and not crc16(bytes(heard)):
                return bytes(heard[1:-2])
        raise BoardError("meter-silent", f"no answer to {pdu.hex()}")

    def registers(self, address: int, count: int) -> bytes:
        """2*count bytes of holding registers."""
        answer = self.utility(b"\x03" + address.to_bytes(2, "big") + count.to_bytes(2, "big"))
        if answer[:2] != bytes([3, 2 * count]):
            raise BoardError("meter-refused", f"registers {address}: {answer[:2].hex()}")
        return answer[2:]

    def file_record(self, seq: int) -> bytes:
        """A sealed record by its number, over the utility's port."""
        file, slot = divmod(seq, _FILE_SLOTS)
        place = b"".join(
            number.to_bytes(2, "big")
            for number in (1 + file, slot * _SLOT_REGISTERS, _SLOT_REGISTERS)
        )
        answer = self.utility(b"\x14\x07\x06" + place)
        if answer[:1] != b"\x14" or len(answer) != 4 + 2 * _SLOT_REGISTERS:
            raise BoardError("meter-refused", f"record {seq}: {answer[:2].hex()}")
        return answer[6 : 6 + int.from_bytes(answer[4:6], "big")]

    def answers(self, port: int) -> bool:
        """Whether the port answers an ordinary question."""
        try:
            if port == CUSTOMER:
                self.status()
            else:
                self.registers(0, 8)
        except WattsealError as error:
            if not error.code.startswith("meter-"):
                raise
            return False
        return True
