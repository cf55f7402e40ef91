"""The file behind the board's NOR flash, and how worn it is."""

import fcntl
import mmap
import os
from dataclasses import dataclass
from pathlib import Path

from wattseal_hil.errors import BoardError

ERASE_BYTES = 4096


@dataclass(frozen=True)
class FlashStatistics:
    """Operations per block of 4096 bytes since this board object was made."""

    programs: tuple[int, ...]
    erases: tuple[int, ...]

    @property
    def total_programs(self) -> int:
        return sum(self.programs)

    @property
    def total_erases(self) -> int:
        return sum(self.erases)


class FlashImage:
    """The image at `path`, locked against a second board; an erased one of `size` if missing.

    Raises BoardError: `flash-size` unless the image is a whole number of blocks, 16 to 4096;
    `flash-busy` if another board has it; `flash-unusable` if it cannot be opened.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BoardError("flash-unusable", f"{path}: {error.strerror}") from None
        try:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BoardError("flash-busy", f"{path} is in use by another board") from None
            if os.fstat(self._fd).st_size == 0:
                os.write(self._fd, b"\xff" * size)
            self.blocks, rest = divmod(os.fstat(self._fd).st_size, ERASE_BYTES)
            if rest or not 16 <= self.blocks <= 4096:
                raise BoardError("flash-size", f"{path} is no image of 16 to 4096 4-KiB blocks")
        except BoardError:
            os.close(self._fd)
            raise
        self.cells = mmap.mmap(self._fd, 0)

    def close(self) -> None:
        """Release the image. May be called twice."""
        if self._fd >= 0:
            self.cells.close()
            os.close(self._fd)
            self._fd = -1
