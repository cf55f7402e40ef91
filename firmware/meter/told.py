"""What the chain has told of the meter's state, and what it has still to tell, in one small file.

The file is written right after each event, so at boot it may lack the newest record's news at
most; where it is lost it is made again from the log.
"""

from binascii import crc32

from micropython import const
from wattseal.events import SHUT, WITHDRAWN, decode_clock_set, decode_switch, spend
from wattseal.record import (
    CALIBRATED,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    PAIRED,
    ROTATED,
    TAMPER,
    decode_sealed,
)

_VERSION = const(1)
_NAME = "told"
_NUMBERS = ("order", "day", "oldest", "clock_boot", "counter", "before_s", "after_s")
_DIGEST_AT = const(32)
_LENGTH = const(68)


class Told:
    """The news on a storage, taken from there.

    order       the newest order's counter; day, spent_s: the clock's budget
    oldest      the first record kept; case, consent, calibration: as told
    clock_boot  the boot in which the clock was last known to be set by an order
    counter     of a clock setting the chain has not told yet, 0 if none; before_s, after_s: of it
    """

    def __init__(self, storage):
        self._storage = storage
        self.order = 0
        self.day = 0
        self.oldest = 0
        self.clock_boot = 0
        self.counter = 0
        self.before_s = 0
        self.after_s = 0
        self.spent_s = 0
        self.case = SHUT
        self.consent = WITHDRAWN
        self.calibration = b""

    def load(self, log):
        """Take the file, or make its content again from what the log still holds."""
        data = self._storage.read(_NAME)
        first = log.count - 1
        if len(data) == _LENGTH and data[0] == _VERSION and (
            crc32(data[:-4]) == int.from_bytes(data[-4:], "big")
        ):
            for i, name in enumerate(_NUMBERS):
                setattr(self, name, int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big"))
            self.spent_s, self.case, self.consent = data[1], data[2], data[3]
            self.calibration = data[_DIGEST_AT:-4]
        else:
            first = log.oldest
        for seq in range(max(first, 0), log.count):
            sealed = log.read(seq)
            if sealed:
                self._follow(decode_sealed(sealed))

    def _follow(self, record):
        event = record.event
        payload = record.payload
        if event == CLOCK_SET:
            counter, before_s, after_s = decode_clock_set(payload)
            if counter > self.order:
                self.order = counter
                if before_s:
                    spent = spend(self.day, self.spent_s, before_s, after_s)
                    self.day, self.spent_s = spent or (self.day, self.spent_s)
            if counter == self.counter:
                self.counter = 0
        elif event == TAMPER:
            self.case = decode_switch(payload)[0]
        elif event == CONSENT:
            self.consent = decode_switch(payload)[0]
        elif event == PAIRED:
            self.consent = WITHDRAWN
        elif event == CALIBRATED:
            self.calibration = payload
        elif event == ROTATED:
            self.oldest = int.from_bytes(payload, "big")
        elif event == CLOSED:
            self.order = int.from_bytes(payload, "big")

    def save(self):
        """Make it durable. Return whether the flash took it."""
        data = bytes([_VERSION, self.spent_s, self.case, self.consent])
        for name in _NUMBERS:
            data += getattr(self, name).to_bytes(4, "big")
        data += self.calibration + bytes(_DIGEST_AT - len(self.calibration))
        try:
            self._storage.replace(_NAME, data + crc32(data).to_bytes(4, "big"))
        except OSError:
            return False
        return True
