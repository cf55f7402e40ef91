"""What can go wrong with the flash, and the power that feeds it.

A fault is asked before every operation of the flash and says whether it goes on:

    board.inject(PowerCut(17, "bits", random.Random(1)))     # the board dies in the 17th from now
    board.run_until(board.now_s + 3600)                      # time passes, without power from there
    board.inject(None)
    board.power_on()

`Recorder` lets everything pass and remembers it: from its journal the image after a cut at any
operation is made without running the board again.
"""

import mmap
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wattseal_hil.nor import ERASE_BYTES

GO = "go"
CUT = "cut"
REFUSE = "refuse"
LOSE = "lose"
ANSWERS = {GO: b"D", REFUSE: b"E", LOSE: b"N"}

# Where power fails: before an operation; inside, with its first bytes done, its last bytes, or
# each bit by chance; after it.
TORN = ("prefix", "suffix", "bits")
KINDS = ("before", *TORN, "after")


@dataclass(frozen=True)
class FlashOperation:
    """A program of `data` at a byte address, or, where `data` is empty, an erase of the block."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        return self.address + (len(self.data) or ERASE_BYTES)

    def cells(self, old: bytes, kind: str, rng: random.Random) -> bytes:
        """What the cells, which held `old`, hold if power fails so (one of KINDS)."""
        new = self.data or b"\xff" * ERASE_BYTES
        at = rng.randrange(1, len(old)) if len(old) > 1 else 0
        if kind == "before":
            return old
        if kind == "prefix":
            return new[:at] + old[at:]
        if kind == "suffix":
            return old[:at] + new[at:]
        if kind == "bits":
            done = rng.randbytes(len(old))
            return bytes(o ^ ((o ^ n) & d) for o, n, d in zip(old, new, done, strict=True))
        return new


class Fault:
    """What the bench asks. This one lets everything pass.

    off_us: how long the power stays away after a CUT; None: until somebody switches it on.
    """

    off_us: int | None = None

    def judge(self, operation: FlashOperation, image: mmap.mmap) -> str:
        """GO, REFUSE (the file system is told of an error), LOSE (the cells stay as they are, and
        nobody is told), or CUT, having changed the image's cells as far as the operation got.

        `image`: all cells, before the operation. In the bench's thread.
        """
        return GO

    def hear(self, port: int, data: bytes) -> None:
        """Take notice of what the firmware sends: all it has shown before an operation comes
        before it."""


class PowerCut(Fault):
    """Power fails at the `at`-th operation from now (1: the next), as `kind` says."""

    def __init__(
        self, at: int, kind: str, rng: random.Random, off_us: int | None = None
    ) -> None:
        self._left = at
        self._kind = kind
        self._rng = rng
        self.off_us = off_us

    def judge(self, operation: FlashOperation, image: mmap.mmap) -> str:
        if not self._due(operation, image):
            return GO
        place = slice(operation.address, operation.end)
        image[place] = operation.cells(bytes(image[place]), self._kind, self._rng)
        return CUT

    def _due(self, operation: FlashOperation, image: mmap.mmap) -> bool:
        self._left -= 1
        return self._left == 0


# Length, version 1, kind, meter, then epoch, boot and sequence number, which stay below 65536.
_SEALED = re.compile(rb"\x00[\x40-\xff]\x01[\x01-\x03].{16}(?:\x00\x00..){3}", re.DOTALL)
_SEEN_BYTES = 64


class BrownOut(PowerCut):
    """Power dips while a record is being sealed: at the `at`-th operation of that seal.

    A seal begins for the flash (1) with the first operation that programs the head of a sealed
    record that is nowhere on it; what the meter computed before has left no trace that a dip could
    tear. If the seal is over before, the next one counts on. Where LittleFS carries an old record
    along, that is no seal.
    """

    def __init__(self, at: int, kind: str, rng: random.Random, off_us: int) -> None:
        super().__init__(at, kind, rng, off_us)
        self._sealing = False
        self._tail = b""
        self._next = -1

    def _due(self, operation: FlashOperation, image: mmap.mmap) -> bool:
        if not self._sealing:
            # A head may lie across two programs, one after the other.
            before = self._tail if operation.address == self._next else b""
            seen = before + operation.data
            self._tail, self._next = seen[-_SEEN_BYTES:], operation.end
            self._sealing = any(
                image.find(head.group()) < 0 for head in _SEALED.finditer(seen)
            )
        return self._sealing and super()._due(operation, image)


class Refusal(Fault):
    """The flash refuses every operation from the `first` on (1: the next), `count` of them."""

    def __init__(self, first: int = 1, count: int = 1 << 62) -> None:
        self._number = 0
        self._refused = range(first, first + count)

    def judge(self, operation: FlashOperation, image: mmap.mmap) -> str:
        self._number += 1
        return REFUSE if self._number in self._refused else GO


class WornBlock(Fault):
    """A block has come to its end: what is programmed there does not stick."""

    def __init__(self, block: int) -> None:
        self._block = block

    def judge(self, operation: FlashOperation, image: mmap.mmap) -> str:
        here = operation.address // ERASE_BYTES == self._block
        return LOSE if here and operation.data else GO


class Overwriting(Fault):
    """Cells as they are: a program over some that are not erased clears bits, and says nothing.

    Without it the bench takes that for a fault of the firmware and stops. But after a torn
    operation LittleFS may meet cells that look erased at their beginning only. It reads back what
    it has programmed, finds the difference, and takes another block.
    """

    def __init__(self) -> None:
        self.count = 0

    def judge(self, operation: FlashOperation, image: mmap.mmap) -> str:
        place = slice(operation.address, operation.end)
        cells = int.from_bytes(image[place], "big")
        new = int.from_bytes(operation.data, "big")
        if not operation.data or cells & new == new:
            return GO
        self.count += 1
        image[place] = (cells & new).to_bytes(len(operation.data), "big")
        return LOSE


class Several(Fault):
    """All of `faults`, in order: the first that objects decides."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)

    def judge(self, operation: FlashOperation, image: mmap.mmap) -> str:
        for fault in self.faults:
            verdict = fault.judge(operation, image)
            if verdict != GO:
                self.off_us = fault.off_us
                return verdict
        return GO

    def hear(self, port: int, data: bytes) -> None:
        for fault in self.faults:
            fault.hear(port, data)


class Recorder(Fault):
    """Remembers every operation from `image` on, and how much each port had sent before it."""

    def __init__(self, image: bytes) -> None:
        self.start = image
        self.sent = [bytearray(), bytearray()]
        self.operations: list[FlashOperation] = []
        self.shown: list[tuple[int, ...]] = []

    def judge(self, operation: FlashOperation, image: mmap.mmap) -> str:
        self.operations.append(operation)
        self.shown.append(tuple(len(sent) for sent in self.sent))
        return GO

    def hear(self, port: int, data: bytes) -> None:
        self.sent[port] += data

    def images(self) -> Iterator[bytearray]:
        """The flash before each operation, and after all: always the same object, moved on."""
        image = bytearray(self.start)
        for operation in self.operations:
            yield image
            new = operation.data or b"\xff" * ERASE_BYTES
            image[operation.address : operation.end] = new
        yield image
