"""CRC-16 with the reflected polynomial 0xA001: ARC (DSMR P1) and MODBUS, by their start value."""

from array import array

from micropython import const

ARC = const(0)
MODBUS = const(0xFFFF)


def _row(byte):
    for _ in range(8):
        byte = (byte >> 1) ^ (0xA001 if byte & 1 else 0)
    return byte


_TABLE = array("H", [_row(byte) for byte in range(256)])


def crc16(data, crc):
    """Return the 16-bit CRC of `data`, going on from `crc`: ARC, MODBUS or an earlier result."""
    table = _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc
