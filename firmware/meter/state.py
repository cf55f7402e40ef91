"""The checkpoint: registers, what of them is sealed, and flags not sealed yet.

78 bytes in one file, which is one LittleFS metadata commit: at a checkpoint a minute about 0.03
erases each, spread over the whole flash by LittleFS.
"""

from binascii import crc32

from micropython import const

from meter.storage import LIVE

_VERSION = const(1)
_NAME = "live/state"
_LENGTH = const(78)


class State:
    """What survives a power cut beside the log; `storage` is where.

    next_seq      the log's count when this was saved: later records are not in `sealed_units`
    interval_s    the chain's interval (the ORIGIN event's), 0 before it
    registers_uj  [import, export] in microjoules
    sealed_units  [import, export] in the chain's unit
    hidden_flags, quality_flags   gathered since the last sealed record
    """

    def __init__(self, storage):
        self._storage = storage
        storage.folder(LIVE)
        self.next_seq = 0
        self.interval_s = 0
        self.registers_uj = [0, 0]
        self.sealed_units = [0, 0]
        self.hidden_flags = 0
        self.quality_flags = 0

    def load(self):
        """Take the checkpoint from flash. Return False, leaving all zero, without a good one."""
        data = self._storage.read(_NAME)
        if len(data) != _LENGTH or data[0] != _VERSION:
            return False
        if crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
            return False
        self.hidden_flags = data[1]
        self.quality_flags = data[2]
        self.next_seq = int.from_bytes(data[4:8], "big")
        self.interval_s = int.from_bytes(data[8:12], "big")
        for i in range(2):
            at = 12 + 16 * i
            self.registers_uj[i] = int.from_bytes(data[at : at + 16], "big")
            at = 44 + 15 * i
            self.sealed_units[i] = int.from_bytes(data[at : at + 15], "big")
        return True

    def save(self):
        """Make the checkpoint durable; OSError. Written even where nothing changed: whether the
        flash is at work, and whether it took the last write, shall not tell of consumption."""
        data = bytes([_VERSION, self.hidden_flags, self.quality_flags, 0])
        data += self.next_seq.to_bytes(4, "big") + self.interval_s.to_bytes(4, "big")
        for register_uj in self.registers_uj:
            data += register_uj.to_bytes(16, "big")
        for units in self.sealed_units:
            data += units.to_bytes(15, "big")
        self._storage.replace(_NAME, data + crc32(data).to_bytes(4, "big"))
