"""A chip in download mode on a pseudo-terminal: the ROM boot-loader's protocol, and the stub's.

As Espressif documents it ("Serial protocol" of esptool) and as esptool uses it: SLIP frames,
registers, upload to RAM, a stub that answers OHAI, compressed writing, MD5. What is written is in
`flash`; its bits fall by writing and rise by erasing only, as those of the part itself.
"""

from __future__ import annotations

import hashlib
import os
import pty
import threading
import tty
import zlib
from typing import Any

from esptool.targets import CHIP_DEFS

SECTOR = 4096
_MAGIC_AT = 0x40001000  # tells the older chips apart
_JEDEC = {4 << 20: 0x1640EF, 8 << 20: 0x1740EF}
_READ_ID = 0x9F
_RUN = 1 << 18
_TEXT_MAX = 1 << 16


class RomPeer:
    """One chip: esp32, esp32s3 or esp32c3, with `flash_bytes` of flash full of `fill`.

    `spoil`: an address whose byte is stored with a bit wrong. Context manager; `port` is the pty.
    """

    def __init__(
        self, chip: str, flash_bytes: int = 4 << 20, fill: int = 0xFF, spoil: int | None = None
    ) -> None:
        self.definition: Any = CHIP_DEFS[chip]
        self.flash = bytearray([fill]) * flash_bytes
        self.spoil = spoil
        self.in_stub = False
        self.restarted = 0
        self.failure: BaseException | None = None
        self.commands: list[int] = []
        self._registers: dict[int, int] = {}
        self._at = 0
        self._inflate: Any = None
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._slave = slave
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> RomPeer:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._slave)
        os.close(self._master)
        self._thread.join(5)
        if self.failure:
            raise self.failure

    def _serve(self) -> None:
        frame, inside, escaped = bytearray(), False, False
        try:
            while True:
                for byte in os.read(self._master, _TEXT_MAX):
                    if byte == 0xC0:
                        if inside and frame:
                            self._obey(bytes(frame))
                            inside = False
                        else:
                            inside = True
                        frame.clear()
                    elif inside and byte == 0xDB:
                        escaped = True
                    elif inside:
                        if escaped:
                            byte = {0xDC: 0xC0, 0xDD: 0xDB}[byte]
                        escaped = False
                        frame.append(byte)
        except OSError:
            return  # the line was closed
        except BaseException as failure:
            self.failure = failure

    def _send(self, packet: bytes) -> None:
        body = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
        data = memoryview(b"\xc0" + body + b"\xc0")
        while data:
            data = data[os.write(self._master, data) :]

    def _reply(self, op: int, value: int = 0, data: bytes = b"", error: int = 0) -> None:
        status = bytes([1 if error else 0, error]) + (b"" if self.in_stub else b"\0\0")
        body = data + status
        head = b"\x01" + bytes([op]) + len(body).to_bytes(2, "little")
        self._send(head + value.to_bytes(4, "little") + body)

    def _obey(self, packet: bytes) -> None:
        assert packet[0] == 0, "a request begins with 0"
        op, size = packet[1], int.from_bytes(packet[2:4], "little")
        checksum, data = int.from_bytes(packet[4:8], "little"), packet[8:]
        assert len(data) == size
        self.commands.append(op)
        words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data) & ~3, 4)]
        handler = getattr(self, f"_op_{op:02x}", None)
        if handler is None:
            self._reply(op, error=5)  # not known: the ROM of this chip has no such command
        else:
            handler(op, words, data, checksum)

    def _op_08(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # SYNC
        for _ in range(8):
            self._reply(op, 0 if self.in_stub else 0x20120707)

    def _op_0a(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # READ_REG
        chip = self.definition
        if words[0] == _MAGIC_AT and chip.USES_MAGIC_VALUE:
            self._reply(op, chip.MAGIC_VALUE)
        else:
            self._reply(op, self._registers.get(words[0], 0))

    def _op_09(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # WRITE_REG
        chip = self.definition
        self._registers[words[0]] = words[1]
        if words[0] == chip.SPI_REG_BASE and words[1] & _RUN:
            command = self._registers.get(chip.SPI_REG_BASE + chip.SPI_USR2_OFFS, 0) & 0xFF
            answer = _JEDEC[len(self.flash)] if command == _READ_ID else 0
            self._registers[chip.SPI_REG_BASE + chip.SPI_W0_OFFS] = answer
            self._registers[chip.SPI_REG_BASE] = 0
        self._reply(op)

    def _op_14(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # security
        if self.definition.USES_MAGIC_VALUE:
            self._reply(op, error=5)
        else:
            chip_id = self.definition.IMAGE_CHIP_ID.to_bytes(4, "little")
            self._reply(op, data=bytes(12) + chip_id + bytes(4))

    def _plain(self, op: int, words: list[int], data: bytes, checksum: int) -> None:
        self._reply(op)

    _op_05 = _op_0b = _op_0d = _op_0f = _plain  # MEM_BEGIN, SPI parameters, attach, baud rate

    def _op_07(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # MEM_DATA
        self._reply(op, error=0 if _sum(data[16 : 16 + words[0]]) == checksum & 0xFF else 7)

    def _op_06(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # MEM_END
        self._reply(op)
        if words[0] == 0:  # an entry point follows
            self.in_stub = True
            self._send(b"OHAI")

    def _op_10(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # DEFL_BEGIN
        self._erase(words[3], words[0])
        self._at, self._inflate = words[3], zlib.decompressobj()
        self._reply(op)

    def _op_11(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # DEFL_DATA
        block = data[16 : 16 + words[0]]
        if _sum(block) != checksum & 0xFF:
            self._reply(op, error=7)
            return
        self._program(self._inflate.decompress(block))
        self._reply(op)

    def _op_02(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # FLASH_BEGIN
        self._erase(words[3], words[0])
        self._at = words[3]
        self._reply(op)

    def _op_03(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # FLASH_DATA
        block = data[16 : 16 + words[0]]
        if _sum(block) != checksum & 0xFF:
            self._reply(op, error=7)
            return
        self._program(block)
        self._reply(op)

    def _op_04(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # FLASH_END
        self._reply(op)
        self.restarted += words[0] == 0

    _op_12 = _op_04

    def _op_13(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # MD5
        digest = hashlib.md5(self.flash[words[0] : words[0] + words[1]])
        answer = digest.digest() if self.in_stub else digest.hexdigest().encode()
        self._reply(op, data=answer)

    def _op_d0(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # ERASE_FLASH
        self._erase(0, len(self.flash))
        self._reply(op)

    def _op_d1(self, op: int, words: list[int], data: bytes, checksum: int) -> None:  # a region
        self._erase(words[0], words[1])
        self._reply(op)

    def _erase(self, address: int, size: int) -> None:
        end = -(-(address + size) // SECTOR) * SECTOR
        start = address // SECTOR * SECTOR
        self.flash[start:end] = b"\xff" * (end - start)

    def _program(self, data: bytes) -> None:
        for offset, byte in enumerate(data):
            self.flash[self._at + offset] &= byte
        if self.spoil is not None and self._at <= self.spoil < self._at + len(data):
            self.flash[self.spoil] ^= 1
        self._at += len(data)


def _sum(data: bytes) -> int:
    total = 0xEF
    for byte in data:
        total ^= byte
    return total
