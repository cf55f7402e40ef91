"""What the chain has told of the meter's state, and what it has still to tell, in one small file.

A byte each: version, budget spent, case, consent; seven numbers of 32 bits; the digest of the
calibration; the digests of the approved applets, at most four; a CRC-32.
"""

from binascii import crc32

from micropython import const
from wattseal.events import SHUT, WITHDRAWN

VERSION = const(2)
NAME = "live/told"
NUMBERS = ("order", "day", "oldest", "clock_boot", "counter", "before_s", "after_s")
DIGEST_AT = const(32)
APPLETS_AT = const(64)
DIGEST_BYTES = const(32)


class Told:
    """The news, to be kept on a storage; `told_load.load` takes them from there.

    order       the newest order's counter; day, spent_s: the clock's budget
    oldest      the first record kept; case, consent, calibration: as told
    applets     a tuple of the digests of those approved
    clock_boot  the boot in which the clock was last known to be set by an order
    unsaved     the file may lack some of it: no further record may be sealed before it is saved
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
        self.applets = ()
        self.unsaved = False

    def save(self):
        """Make it durable. Return whether the flash took it."""
        data = bytes([VERSION, self.spent_s, self.case, self.consent])
        for name in NUMBERS:
            data += getattr(self, name).to_bytes(4, "big")
        data += self.calibration + bytes(DIGEST_BYTES - len(self.calibration))
        data += b"".join(self.applets)
        self.unsaved = True
        try:
            self._storage.replace(NAME, data + crc32(data).to_bytes(4, "big"))
        except OSError:
            return False
        self.unsaved = False
        return True
