"""A MicroPython image for an ESP32, looked through before anything on a board is erased.

The file that MicroPython's build calls firmware.bin: boot-loader, partition table and application
at their distances, as they stand in flash from the chip's offset on. Both parts carry a checksum
and a SHA-256 of their own, the table an MD5; all of them are checked.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from wattseal_hil.errors import BoardError
from wattseal_hil.real.boards import BoardData, boards

# `chip_id` in the extended header (esp_image_format.h)
CHIP_IDS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c2": 12, "esp32c6": 13,
            "esp32h2": 16, "esp32p4": 18}  # fmt: skip
TABLE_AT = 0x8000
_TABLE_BYTES = 0xC00
_HEADER_BYTES = 24
_MAGIC = 0xE9
_CHECKSUM = 0xEF
_ENTRY = b"\xaa\x50"
_TABLE_MD5 = b"\xeb\xeb" + b"\xff" * 14
_APPLICATION = 0
_FILE_SYSTEMS = ("vfs", "ffat")
_VERSION = re.compile(rb"v(\d+\.\d+\.\d+[-\w.]*) on (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class Image:
    """An image that may be written to `board`. version: MicroPython's; file_system_at: where on
    flash the meter's files are, behind the image, which writing it leaves alone."""

    path: Path
    board: BoardData
    size: int
    version: str
    file_system_at: int


def read_image(path: Path) -> Image:
    """Look through an image file. Raises BoardError `image-missing`, `image-malformed` or
    `image-chip` (for a chip the meter has no board for)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BoardError("image-missing", f"{path}: {error.strerror}") from None
    board = boards()[_chip(path, data)]
    if board.flash_offset + len(data) <= TABLE_AT:
        raise _malformed(path, "it ends before its partition table")
    table = _table(path, data[TABLE_AT - board.flash_offset :][:_TABLE_BYTES])
    applications = [row for row in table if row[0] == _APPLICATION]
    file_systems = [row for row in table if row[3] in _FILE_SYSTEMS]
    if not applications or not file_systems:
        raise _malformed(path, "its partition table has no application or no file system")
    _check_part(path, data, 0, board.chip)
    _check_part(path, data, applications[0][1] - board.flash_offset, board.chip)
    if board.flash_offset + len(data) > file_systems[0][1]:
        raise _malformed(path, "it reaches into the partition of the file system")
    found = _VERSION.search(data)
    if not found:
        raise _malformed(path, "it holds no MicroPython")
    version = found[1].decode()
    return Image(path, board, len(data), version, file_systems[0][1])


def _malformed(path: Path, why: str) -> BoardError:
    return BoardError("image-malformed", f"{path}: {why}")


def _chip(path: Path, data: bytes) -> str:
    if len(data) < _HEADER_BYTES or data[0] != _MAGIC:
        kind = "a UF2 file, take the .bin" if data[:4] == b"UF2\n" else "no image of an ESP32"
        raise _malformed(path, f"it is {kind}")
    number = int.from_bytes(data[12:14], "little")
    chip = next((name for name, value in CHIP_IDS.items() if value == number), f"chip {number}")
    if chip not in boards():
        raise BoardError("image-chip", f"{path} is for {chip}; the meter's boards have "
                         f"{', '.join(boards())}")
    return chip


def _table(path: Path, data: bytes) -> list[tuple[int, int, int, str]]:
    """(type, offset, size, label) of each partition."""
    rows = []
    for at in range(0, len(data) - 31, 32):
        entry = data[at : at + 32]
        if entry[:2] == _ENTRY:
            offset, size = (int.from_bytes(entry[i : i + 4], "little") for i in (4, 8))
            rows.append((entry[2], offset, size, entry[12:28].rstrip(b"\0").decode("latin-1")))
        elif entry[:16] == _TABLE_MD5:
            if hashlib.md5(data[:at]).digest() != entry[16:]:
                raise _malformed(path, "its partition table is damaged")
            return rows
        else:
            break
    if not rows:
        raise _malformed(path, "it has no partition table: it is the application alone, take "
                         "firmware.bin")
    return rows


def _check_part(path: Path, data: bytes, start: int, chip: str) -> None:
    """Checksum and hash of the boot-loader or the application at `start` of the file."""
    header = data[start : start + _HEADER_BYTES]
    if len(header) < _HEADER_BYTES or header[0] != _MAGIC:
        raise _malformed(path, f"nothing that starts at {start:#x} of it")
    if int.from_bytes(header[12:14], "little") != CHIP_IDS[chip]:
        raise _malformed(path, "its parts are for different chips")
    at, checksum = start + _HEADER_BYTES, _CHECKSUM
    for _ in range(header[1]):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        segment = data[at + 8 : at + 8 + length]
        if len(segment) < length or len(data) < at + 8:
            raise _malformed(path, "it is cut short")
        checksum ^= _xor(segment)
        at += 8 + length
    at += 15 - (at - start) % 16
    if data[at : at + 1] != bytes([checksum]):
        raise _malformed(path, "a checksum is wrong: the file is damaged")
    if header[23] and hashlib.sha256(data[start : at + 1]).digest() != data[at + 1 : at + 33]:
        raise _malformed(path, "a SHA-256 is wrong: the file is damaged")


def _xor(data: bytes) -> int:
    """All bytes, exclusive or: halved as one large number."""
    width = 1 << max(0, len(data) - 1).bit_length()
    number = int.from_bytes(data, "little")
    while width > 1:
        width //= 2
        number = (number >> 8 * width) ^ (number & ((1 << 8 * width) - 1))
    return number
