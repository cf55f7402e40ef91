"""The price list the display goes by: what the customer's side made of the signed tariff.

The file `prices`: a tag of 8 bytes and the epoch it goes with, u32; then the list, integers
big-endian: version u8 = 1; prices in an entry u8, 1 or 2 (import, export); currency, 3 letters;
scale u8; from u32, until u32; standing charge a local day, i48; count of offsets u8, of entries
u16; the offsets: since u32, minutes ahead of UTC i16; the entries: since u32, prices of a unit of
the records i32 each. Amounts are in 10^-scale of the currency; times are UTC seconds, rising; the
first ones are not after `from`.
Loaded when it is needed, see `once`.
"""

from micropython import const

from meter.local_time import LocalTime

NAME = "prices"
TAG_BYTES = const(8)
_BEFORE = const(12)  # the list, in the file
HEAD = const(23)


class PriceList:
    """A list `at` bytes into a file. `from_s` <= time < `until_s` is its time; `tag` tells it from
    others."""

    def __init__(self, storage, name, at, head):
        self._storage = storage
        self._name = name
        self.tag = b""
        self.version = head[0]
        self.ways = head[1]
        self.currency = "".join([chr(byte) for byte in head[2:5]])
        self.scale = head[5]
        self.from_s = int.from_bytes(head[6:10], "big")
        self.until_s = int.from_bytes(head[10:14], "big")
        self.standing = _signed(head[14:20])
        self.offsets = head[20]
        self.count = int.from_bytes(head[21:23], "big")
        self._entries = at + HEAD + 6 * self.offsets
        self.length = self._entries - at + self.count * (4 + 4 * self.ways)
        self._zone = storage.read_at(name, at + HEAD, 6 * self.offsets)

    def offset_s(self, utc_s):
        """Return how far local time is ahead of UTC then."""
        minutes = 0
        for at in range(0, len(self._zone), 6):
            if at and int.from_bytes(self._zone[at : at + 4], "big") > utc_s:
                break
            minutes = _signed(self._zone[at + 4 : at + 6])
        return 60 * minutes

    def entry(self, number):
        """Return (since when, [import price, and the export price if there is one])."""
        size = 4 + 4 * self.ways
        data = self._storage.read_at(self._name, self._entries + number * size, size)
        prices = [_signed(data[at : at + 4]) for at in range(4, size, 4)]
        return int.from_bytes(data[:4], "big"), prices


def load(storage, epoch):
    """Return the PriceList at work, None if there is none of this epoch."""
    try:
        head = storage.read_at(NAME, 0, _BEFORE + HEAD)
    except OSError:
        return None
    if len(head) < _BEFORE + HEAD or int.from_bytes(head[TAG_BYTES:_BEFORE], "big") != epoch:
        return None
    prices = PriceList(storage, NAME, _BEFORE, head[_BEFORE:])
    prices.tag = head[:TAG_BYTES]
    return prices


def offset_s(storage, epoch, utc_s):
    """Return how far local time is ahead of UTC then: as the list at work has it, or, without one,
    the telegrams."""
    prices = load(storage, epoch)
    if prices:
        return prices.offset_s(utc_s)
    return 7200 if LocalTime().stamp(utc_s)[-1] == "S" else 3600


def _signed(data):
    value = int.from_bytes(data, "big")
    return value - (1 << 8 * len(data)) if data[0] & 0x80 else value
