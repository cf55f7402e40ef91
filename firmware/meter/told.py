"""What the chain has told of the meter's state, and what it has still to tell, in one small file.

A byte each: version, budget spent, case, consent; eight numbers of 32 bits; the digest of the
calibration; for each approved applet, at most four, its digest and up to when it may have begun
an export (UTC seconds, 0: never); a CRC-32.
"""

from binascii import crc32

from micropython import const
from wattseal.events import SHUT, WITHDRAWN, follow_applet

VERSION = const(3)
NAME = "live/told"
NUMBERS = ("order", "day", "oldest", "clock_boot", "counter", "before_s", "after_s", "leaving")
DIGEST_AT = const(36)
APPLETS_AT = const(68)
DIGEST_BYTES = const(32)


class Told:
    """The news, to be kept on a storage; `told_load.load` takes them from there.

    order       the newest order's counter; day, spent_s: the clock's budget
    oldest      the first record kept; case, consent, calibration: as told
    applets     a tuple of the digests of those approved
    served      up to when an applet may have begun an export, UTC seconds by digest
    leaving     1 from when the customer withdraws every applet until the chain has told of each
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
        self.applets = ()  # type: tuple[bytes, ...]
        self.served = {}  # type: dict[bytes, int]
        self.leaving = 0
        self.unsaved = False

    def follow(self, payload):
        """Take in what an APPLET event says."""
        after = follow_applet(self.applets, payload)
        if after is not None:
            self.applets = after
        if payload[0] == WITHDRAWN:
            self.served.pop(payload[1:], 0)
        if not self.applets:
            self.leaving = 0

    def forget_applets(self):
        """None is approved any more."""
        self.applets = ()
        self.served = {}
        self.leaving = 0

    def save(self):
        """Make it durable. Return whether the flash took it."""
        data = bytes([VERSION, self.spent_s, self.case, self.consent])
        for name in NUMBERS:
            data += getattr(self, name).to_bytes(4, "big")
        data += self.calibration + bytes(DIGEST_BYTES - len(self.calibration))
        for applet in self.applets:
            data += applet + self.served.get(applet, 0).to_bytes(4, "big")
        self.unsaved = True
        try:
            self._storage.replace(NAME, data + crc32(data).to_bytes(4, "big"))
        except OSError:
            return False
        self.unsaved = False
        return True
