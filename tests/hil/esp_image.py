"""Images in the form MicroPython's build gives them: boot-loader, partition table, application."""

from __future__ import annotations

import hashlib

from wattseal_hil.real.image import CHIP_IDS, TABLE_AT

BANNER = b"MicroPython v1.25.0 on 2025-04-15; Generic ESP32 module with ESP32\0"
APPLICATION_AT = 0x10000
FILE_SYSTEM_AT = 0x200000


def part(chip: str, *segments: bytes) -> bytes:
    """One image with checksum and SHA-256, as esp_image_format.h has it."""
    header = bytes([0xE9, len(segments), 2, 0x20]) + bytes(4) + b"\xee\0\0\0"
    header += CHIP_IDS[chip].to_bytes(2, "little") + bytes(9) + b"\x01"
    assert len(header) == 24
    body, checksum = header, 0xEF
    for number, segment in enumerate(segments):
        segment += bytes(-len(segment) % 4)
        body += (0x3FFB0000 + 0x1000 * number).to_bytes(4, "little")
        body += len(segment).to_bytes(4, "little") + segment
        for byte in segment:
            checksum ^= byte
    body += bytes(15 - len(body) % 16) + bytes([checksum])
    return body + hashlib.sha256(body).digest()


def table(*rows: tuple[int, int, int, int, str]) -> bytes:
    """A partition table: (type, subtype, offset, size, label)."""
    data = b""
    for kind, subtype, offset, size, label in rows:
        data += b"\xaa\x50" + bytes([kind, subtype]) + offset.to_bytes(4, "little")
        data += size.to_bytes(4, "little") + label.encode().ljust(16, b"\0") + bytes(4)
    return data + b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(data).digest()


ROWS = (
    (1, 2, 0x9000, 0x6000, "nvs"),
    (0, 0, APPLICATION_AT, 0x1F0000, "factory"),
    (1, 0x81, FILE_SYSTEM_AT, 0x200000, "vfs"),
)


def image(chip: str, payload: bytes, rows=ROWS, app_chip: str | None = None) -> bytes:
    """firmware.bin for a chip."""
    start = 0x1000 if chip == "esp32" else 0
    data = part(chip, b"boot" * 500, b"loader").ljust(TABLE_AT - start, b"\xff")
    data = (data + table(*rows)).ljust(APPLICATION_AT - start, b"\xff")
    return data + part(app_chip or chip, BANNER, payload)
