"""What the utility may read: identity, status, the newest sealed record, and the whole log.

Nothing here depends on a reading but through a commitment or a ciphertext: this module is given
the log and `public`, and imports nothing that knows more.

Holding registers (16 bits, big-endian), three blocks with nothing between:

    0    "WSL1"   2  map version   3-10  meter id   11-27  public key, 33 bytes and a zero
    28   interval in s, u32        30    unit exponent, signed    31  channel set
    64   records in the log, u32   66    oldest kept, u32         68  boot counter, u32
    70   epoch, u32                72    UTC, u32                 74  status bits
    128  bytes of the newest sealed record, 129-247 the record and zeros

File records: 80 slots of 120 registers a file, file 1 first: length u16, sealed record, zeros.
"""

from micropython import const

from meter.public import FIRMWARE_VERSION

_MAGIC = b"WSL1"
_MAP_VERSION = const(1)
_STATUS_AT = const(64)
_NEWEST_AT = const(128)
_SLOT_REGISTERS = const(120)
_FILE_SLOTS = const(80)


class Registers:
    """The image a Modbus server reads (see `modbus.Server`)."""

    def __init__(self, log, public):
        self._log = log
        self._public = public
        self._identity = (
            _MAGIC
            + _MAP_VERSION.to_bytes(2, "big")
            + public.meter
            + public.key
            + b"\0"
            + public.interval_s.to_bytes(4, "big")
            + (public.exponent & 0xFFFF).to_bytes(2, "big")
            + public.channel_set.to_bytes(2, "big")
        )
        self.identification = (
            (0, b"wattseal"),
            (1, b"WS1"),
            (2, FIRMWARE_VERSION.encode()),
            (4, b"wattseal sealing meter"),
            (5, b"ESP32"),
        )

    def registers(self, address, count):
        """Return 2*count bytes of one block, None where the range leaves it."""
        if address < _STATUS_AT:
            return _part(self._identity, address, count)
        if address < _NEWEST_AT:
            return _part(self._status(), address - _STATUS_AT, count)
        return _part(_slot(self._log.newest), address - _NEWEST_AT, count)

    def _status(self):
        public = self._public
        return b"".join(
            [
                number.to_bytes(4, "big")
                for number in (
                    self._log.count, self._log.oldest, public.boot, public.epoch,
                    public.clock.utc_s(),
                )
            ]
        ) + public.status().to_bytes(2, "big")

    def file_record(self, file, address, count):
        """Return 2*count bytes inside one record's slot, None where there is no such record."""
        index, offset = divmod(address, _SLOT_REGISTERS)
        if file == 0 or count == 0 or index >= _FILE_SLOTS:
            return None
        sealed = self._log.read((file - 1) * _FILE_SLOTS + index)
        return _part(_slot(sealed), offset, count) if sealed else None


def _slot(sealed):
    data = len(sealed).to_bytes(2, "big") + sealed
    return data + bytes(2 * _SLOT_REGISTERS - len(data))


def _part(block, offset, count):
    """Return `count` registers of a block from a register offset, None outside of it."""
    data = block[2 * offset : 2 * (offset + count)]
    return data if len(data) == 2 * count else None
