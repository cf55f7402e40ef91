"""The price list the display goes by: what the customer's side made of the signed tariff.

The file `prices`: a tag of 8 bytes, then the list, integers big-endian: version u8 = 1; prices in
an entry u8, 1 or 2 (import, export); currency, 3 letters; scale u8; from u32, until u32; standing
charge a local day, i48; count of offsets u8, of entries u16; the offsets: since u32, minutes ahead
of UTC i16; the entries: since u32, prices of a unit of the records i32 each. Amounts are in
10^-scale of the currency; times are UTC seconds, rising; the first ones are not after `from`.
Loaded when it is needed, see `once`.
"""

from micropython import const
from wattseal.errors import Malformed

NAME = "prices"
NEW = "prices.new"
MOST_BYTES = const(16384)
TAG_BYTES = const(8)
_HEAD = const(31)


class PriceList:
    """A list on the flash. `tag` tells it from others; `from_s` <= time < `until_s` is its time."""

    def __init__(self, storage, name, head):
        self._storage = storage
        self._name = name
        self.tag = head[:TAG_BYTES]
        self.version = head[8]
        self.ways = head[9]
        self.currency = "".join([chr(byte) for byte in head[10:13]])
        self.scale = head[13]
        self.from_s = int.from_bytes(head[14:18], "big")
        self.until_s = int.from_bytes(head[18:22], "big")
        self.standing = _signed(head[22:28])
        self.offsets = head[28]
        self.count = int.from_bytes(head[29:31], "big")
        self._entries = _HEAD + 6 * self.offsets
        self.length = self._entries + self.count * (4 + 4 * self.ways)
        self._zone = storage.read_at(name, _HEAD, 6 * self.offsets)

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


def load(storage, name=NAME):
    """Return the PriceList on the flash, None if there is none."""
    try:
        head = storage.read_at(name, 0, _HEAD)
    except OSError:
        return None
    return PriceList(storage, name, head) if len(head) == _HEAD else None


def check(storage, name, size):
    """Malformed `price-list` unless a file of this size is a list the display can go by."""
    prices = load(storage, name)
    if not (
        prices and prices.version == 1 and prices.ways in (1, 2) and prices.scale <= 18
        and prices.length == size and prices.offsets and prices.count
        and prices.from_s < prices.until_s
        and all([32 < ord(letter) < 127 for letter in prices.currency])
    ):
        raise Malformed("price-list")
    before = -1
    for number in range(prices.count):
        since_s = prices.entry(number)[0]
        if since_s <= before or since_s >= prices.until_s or (
            not number and since_s > prices.from_s
        ):
            raise Malformed("price-list")
        before = since_s


def _signed(data):
    value = int.from_bytes(data, "big")
    return value - (1 << 8 * len(data)) if data[0] & 0x80 else value
