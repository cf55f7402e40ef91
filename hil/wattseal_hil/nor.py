"""The file behind the board's NOR flash, and how worn it is."""

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


def open_image(path: Path, size: int) -> int:
    """Number of blocks of the image at `path`; an erased one of `size` bytes is made if missing.

    Raises BoardError `flash-size` unless the image is a whole number of blocks, 16 to 4096.
    """
    if not path.exists():
        path.write_bytes(b"\xff" * size)
    blocks, rest = divmod(path.stat().st_size, ERASE_BYTES)
    if rest or not 16 <= blocks <= 4096:
        raise BoardError("flash-size", f"{path} is no image of whole 4096-byte blocks (16 to 4096)")
    return blocks
