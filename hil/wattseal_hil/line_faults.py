"""What can go wrong on the two serial lines: noise, loss, doubling, delay, cuts, babble.

A fault of a line is given everything that passes, either way, and says what arrives and how much
later. Lines keep the order of their bytes: what is delayed delays all that follows it. Chance is
the fault's own, by its seed, so the same bytes meet the same fate in every run.
"""

import random

from wattseal_hil.errors import BoardError

LINES = ("customer", "utility")
TO_METER, FROM_METER, BOTH = "to-meter", "from-meter", "both"
WAYS = (TO_METER, FROM_METER, BOTH)
BABBLE = ("noise", "requests", "frames")
_UNIT = 1

Pieces = list[tuple[int, bytes]]


class LineFault:
    """A fault of one line; this one lets everything pass.

    line: 0 the customer's, 1 the utility's. way: one of WAYS. period_us: how often it speaks by
    itself, 0: never.
    """

    period_us = 0

    def __init__(self, line: str, way: str = BOTH, seed: int = 1) -> None:
        if line not in LINES or way not in WAYS:
            raise BoardError("fault-malformed", f"line {line}, way {way}")
        self.line = LINES.index(line)
        self._way = way
        self._rng = random.Random(f"{type(self).__name__} {line} {way} {seed}")

    def carry(self, to_meter: bool, data: bytes, at_us: int) -> Pieces:
        """What arrives of `data`: (how many us later, bytes), in the order it arrives."""
        if self._way != BOTH and (self._way == TO_METER) != to_meter:
            return [(0, data)]
        return self._carry(data)

    def _carry(self, data: bytes) -> Pieces:
        return [(0, data)]

    def babble(self, at_us: int) -> bytes:
        """What it says by itself to the meter; asked every `period_us`."""
        return b""


class BitErrors(LineFault):
    """Each bit is turned over with a chance of `rate`."""

    def __init__(self, line: str, way: str, rate: float, seed: int) -> None:
        super().__init__(line, way, seed)
        self._rate = rate

    def _carry(self, data: bytes) -> Pieces:
        turned = bytearray(data)
        for at in range(8 * len(data)):
            if self._rng.random() < self._rate:
                turned[at // 8] ^= 1 << at % 8
        return [(0, bytes(turned))]


class DroppedBytes(LineFault):
    """Each byte is lost with a chance of `rate`."""

    def __init__(self, line: str, way: str, rate: float, seed: int) -> None:
        super().__init__(line, way, seed)
        self._rate = rate

    def _carry(self, data: bytes) -> Pieces:
        return [(0, bytes(byte for byte in data if self._rng.random() >= self._rate))]


class DoubledBytes(LineFault):
    """Each byte arrives twice with a chance of `rate`."""

    def __init__(self, line: str, way: str, rate: float, seed: int) -> None:
        super().__init__(line, way, seed)
        self._rate = rate

    def _carry(self, data: bytes) -> Pieces:
        doubled = bytearray()
        for byte in data:
            doubled += bytes([byte]) * (2 if self._rng.random() < self._rate else 1)
        return [(0, bytes(doubled))]


class DelayedBytes(LineFault):
    """With a chance of `rate` a byte, and all after it, is `delay_us` late: gaps in frames."""

    def __init__(self, line: str, way: str, rate: float, delay_us: int, seed: int) -> None:
        super().__init__(line, way, seed)
        self._rate = rate
        self._delay_us = delay_us

    def _carry(self, data: bytes) -> Pieces:
        pieces: Pieces = []
        late_us, piece = 0, bytearray()
        for byte in data:
            if self._rng.random() < self._rate:
                if piece:
                    pieces.append((late_us, bytes(piece)))
                    piece = bytearray()
                late_us += self._delay_us
            piece.append(byte)
        return [*pieces, (late_us, bytes(piece))]


class CutLine(LineFault):
    """Nothing arrives."""

    def _carry(self, data: bytes) -> Pieces:
        return []


class BabblingMaster(LineFault):
    """A second master on the line that speaks out of turn.

    what: `noise` (random bytes), `frames` (a right check sum over a request of random bytes) or
    `requests` (good requests of registers anybody may read). The meter's answers go to all.
    """

    def __init__(self, line: str, period_us: int, what: str, length: int, seed: int) -> None:
        super().__init__(line, TO_METER, seed)
        self.period_us = period_us
        self._what = what
        self._length = length

    def babble(self, at_us: int) -> bytes:
        if self._what == "noise":
            return self._rng.randbytes(self._length)
        if self._what == "frames":
            # Read-only functions: a second master with a key is not a fault of the line.
            function = self._rng.choice((1, 2, 3, 4, 17, 20, 43))
            return framed(bytes([function]) + self._rng.randbytes(self._length))
        address, count = self._rng.choice(((0, 32), (64, 13), (128, 120)))
        return framed(b"\x03" + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def framed(pdu: bytes) -> bytes:
    """A Modbus RTU frame to the meter's unit."""
    frame = bytes([_UNIT]) + pdu
    return frame + crc16(frame).to_bytes(2, "little")


def crc16(data: bytes, start: int = 0xFFFF) -> int:
    """The check sum of Modbus RTU; with start 0, that of DSMR (CRC-16/ARC)."""
    crc = start
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
