"""What the utility may read: identity, status, the newest sealed record, and the whole log.

Nothing here depends on a reading but through a commitment or a ciphertext: this module is given
the log and `public`, and imports nothing that knows more.

Holding registers (16 bits, big-endian), blocks with nothing between:

    0    "WSL1"   2  map version   3-10  meter id   11-27  public key, 33 bytes and a zero
    28   interval in s, u32        30    unit exponent, signed    31  channel set
    64   records in the log, u32   66    oldest kept, u32         68  boot counter, u32
    70   epoch, u32                72    UTC, u32                 74  status bits
    75   result of the newest order               76    self-test bits
    128  bytes of the newest sealed record, 129-247 the record and zeros
    256  challenge, 16 bytes, fresh with each read of all of this block; 264  newest order, u32
    272  an order, write only, all 37 registers at once
    512  a message for the desk, write only: kind u16, length u16, message (see `desk`)
    640  how far an export is, 96 registers
    320  how many records the utility has, u32, write only: those the meter may keep compact
    40000  SunSpec (see `sunspec`)

File records: 80 slots of 120 registers a file, file 1 first: length u16, sealed record, zeros.
From file 0x8001 on the same with the chunks of an export.
"""

from micropython import const

from meter.public import FIRMWARE_VERSION

_MAGIC = b"WSL1"
_MAP_VERSION = const(1)
_STATUS_AT = const(64)
_NEWEST_AT = const(128)
_CHALLENGE_AT = const(256)
_CHALLENGE_REGISTERS = const(10)
_ORDER_AT = const(272)
_ORDER_BYTES = const(74)
_COLLECTED_AT = const(320)
_DESK_AT = const(512)
_EXPORT_AT = const(640)
_EXPORT_REGISTERS = const(96)
_SUNSPEC_AT = const(40000)
_SLOT_REGISTERS = const(120)
_FILE_SLOTS = const(80)
_CHUNK_FILES = const(0x8000)


class Registers:
    """The image a Modbus server reads (see `modbus.Server`). disclosed: see `sunspec.SunSpec`."""

    def __init__(self, log, public, orders, disclosed, hall):
        self._log = log
        self._orders = orders
        self._hall = hall
        self._disclosed = disclosed
        self._sunspec = None
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
        if address < _CHALLENGE_AT:
            return _part(_slot(self._log.newest), address - _NEWEST_AT, count)
        if address >= _SUNSPEC_AT:
            return _part(self._sunspec_image(), address - _SUNSPEC_AT, count)
        if _EXPORT_AT <= address < _EXPORT_AT + _EXPORT_REGISTERS:
            return _part(self._hall.status(), address - _EXPORT_AT, count)
        if address == _CHALLENGE_AT and count == _CHALLENGE_REGISTERS:
            return self._orders.challenge()
        return None

    def _sunspec_image(self):
        sunspec = self._sunspec
        if sunspec is None:
            from meter.sunspec import SunSpec  # a meter nobody reads so need not hold it

            self._sunspec = sunspec = SunSpec(self._log, self._public, self._disclosed)
        return sunspec.image()

    def write(self, address, data):
        """Take 2*n bytes for registers from `address` on. Return whether they may be written; None
        where they may, but not now."""
        if address == _COLLECTED_AT and len(data) == 4:
            # Whatever is said here, no record is lost or changed by it.
            self._log.collected = int.from_bytes(data, "big")
            return True
        if address == _DESK_AT:
            return self._hall.put(data)
        if address != _ORDER_AT or len(data) != _ORDER_BYTES:
            return False
        return self._orders.take(data)

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
        ) + b"".join(
            [
                number.to_bytes(2, "big")
                for number in (public.status(), self._orders.result, public.self_test)
            ]
        )

    def file_record(self, file, address, count):
        """Return 2*count bytes inside one record's slot, None where there is no such record; b""
        for a chunk that is being made."""
        index, offset = divmod(address, _SLOT_REGISTERS)
        if file == 0 or count == 0 or index >= _FILE_SLOTS:
            return None
        if file > _CHUNK_FILES:
            chunk = self._hall.chunk((file - _CHUNK_FILES - 1) * _FILE_SLOTS + index)
            return _part(_slot(chunk), offset, count) if chunk else chunk
        sealed = self._log.read((file - 1) * _FILE_SLOTS + index)
        return _part(_slot(sealed), offset, count) if sealed else None


def _slot(sealed):
    data = len(sealed).to_bytes(2, "big") + sealed
    return data + bytes(2 * _SLOT_REGISTERS - len(data))


def _part(block, offset, count):
    """Return `count` registers of a block from a register offset, None outside of it."""
    data = block[2 * offset : 2 * (offset + count)]
    return data if len(data) == 2 * count else None
