"""What both ends of an export compute: its binding, key, items, encrypted chunks, transcript.

The binding is the additional data of the exchange that gives the key (`spake2`), so that a relay
that swaps recipient, period or granularity leaves the two ends without a common key. Chunks are
encrypted by an HMAC-SHA-256 key stream and then authenticated with their number: stock firmware
has no other primitive everywhere. One key serves one export. A chunk asked for again is encrypted
from the same immutable records and comes out as the same bytes.
"""

from wattseal.errors import Malformed, Misuse, Refused
from wattseal.hashing import hmac_sha256, sha256
from wattseal.hkdf import hkdf_sha256
from wattseal.keytree import BLOCK_RECORDS
from wattseal.labels import (
    EXPORT_CHUNK,
    EXPORT_KEYS,
    EXPORT_REQUEST,
    EXPORT_STANDING,
    EXPORT_STREAM,
    EXPORT_TAG,
    EXPORT_TRANSCRIPT,
)

SESSION_BYTES = 16
TAG_BYTES = 16
ITEM_BYTES = 48
CHUNK_ITEMS = 4
CHUNK_BYTES = 192
MAX_ORIGIN_BYTES = 255

# Kinds of items.
BLOCK = 1  # the key of a block of 32 records, which opens each of them
SUM = 2  # the opening of a sum of commitments: value and blinding
_BLOCK_BYTES = 32


def binding(origin, start_s, end_s, granularity_s, public_key, session):
    """Return the 32-byte digest of what an export is for.

    origin: the recipient's, 1 to 255 bytes; the period [start_s, end_s) and the granularity in
    seconds (u32; 0: every reading); public_key: the meter's, 33 bytes; session: 16 bytes,
    fresh for each export. Misuse `export-request` for anything else.
    """
    lengths = 0 < len(origin) <= MAX_ORIGIN_BYTES and len(public_key) == 33
    if not (lengths and len(session) == SESSION_BYTES):
        raise Misuse("export-request")
    if not (0 <= start_s < end_s < 1 << 32 and 0 <= granularity_s < 1 << 32):
        raise Misuse("export-request")
    return sha256(
        EXPORT_REQUEST,
        len(origin).to_bytes(1, "big"),
        origin,
        start_s.to_bytes(4, "big"),
        end_s.to_bytes(4, "big"),
        granularity_s.to_bytes(4, "big"),
        public_key,
        session,
    )


def standing_key(shared, ephemeral, recipient_key, bound):
    """Return the 16-byte key of a standing export.

    shared: the point that the meter's ephemeral scalar and the recipient's key give (65 bytes
    uncompressed, as `spake2.encode_share`); ephemeral: the meter's point, the same way;
    recipient_key: 33 bytes; bound: the export's binding.
    """
    return hkdf_sha256(shared[1:33], bound, EXPORT_STANDING + ephemeral + recipient_key, 16)


def item(kind, channel, count, seq, total, secret):
    """Return the 48 bytes of an item.

    kind BLOCK: the key (32 bytes) of the block of `count` = 32 records from `seq` on; channel and
    total are 0. kind SUM: the sum `total` (u64) of a channel over `count` records from `seq` on,
    and of their blindings, mod n (32 bytes).
    """
    return (
        bytes([kind, channel]) + count.to_bytes(2, "big") + seq.to_bytes(4, "big")
        + total.to_bytes(8, "big") + secret
    )


def decode_item(data):
    """Return (kind, channel, count, seq, total, secret) of 48 bytes. Malformed `export-item`."""
    if len(data) != ITEM_BYTES:
        raise Malformed("export-item")
    kind, channel = data[0], data[1]
    count = int.from_bytes(data[2:4], "big")
    total = int.from_bytes(data[8:16], "big")
    if kind not in (BLOCK, SUM) or channel > 1:
        raise Malformed("export-item")
    if kind == BLOCK and (channel or total or count != BLOCK_RECORDS):
        raise Malformed("export-item")
    return kind, channel, count, int.from_bytes(data[4:8], "big"), total, data[16:]


class Cipher:
    """Chunks of one export, under the 16-byte key of its exchange and its binding."""

    def __init__(self, key, bound):
        both = hkdf_sha256(key, bound, EXPORT_KEYS, 64)
        self._stream = both[:32]
        self._tag = both[32:]

    def seal(self, number, last, data):
        """Return the chunk: ciphertext of 1 to 192 bytes, then the tag.

        number: 0, 1, 2, ... (u32), each for one content; last: whether none follows.
        """
        if not 0 < len(data) <= CHUNK_BYTES:
            raise Misuse("export-chunk-length")
        hidden = self._mask(number, data)
        return hidden + self._tagged(number, last, hidden)

    def open(self, number, last, chunk):
        """Return the data of a chunk; Malformed `export-chunk-length`, Refused `export-chunk`."""
        if not TAG_BYTES < len(chunk) <= CHUNK_BYTES + TAG_BYTES:
            raise Malformed("export-chunk-length")
        hidden = chunk[:-TAG_BYTES]
        difference = 0
        expected = self._tagged(number, last, hidden)
        for i in range(TAG_BYTES):
            difference |= expected[i] ^ chunk[len(hidden) + i]
        if difference:
            raise Refused("export-chunk")
        return self._mask(number, hidden)

    def _mask(self, number, data):
        result = bytearray(data)
        head = EXPORT_STREAM + number.to_bytes(4, "big")
        for at in range(0, len(result), _BLOCK_BYTES):
            block = hmac_sha256(self._stream, head, (at // _BLOCK_BYTES).to_bytes(2, "big"))
            for i in range(min(_BLOCK_BYTES, len(result) - at)):
                result[at + i] ^= block[i]
        return bytes(result)

    def _tagged(self, number, last, hidden):
        head = number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")
        return hmac_sha256(self._tag, EXPORT_TAG, head, hidden)[:TAG_BYTES]


def absorb(running, chunk):
    """Return the running digest (32 bytes; 32 zero bytes before the first) after a chunk."""
    return sha256(EXPORT_CHUNK, running, chunk)


def transcript(bound, share_first, share_second, chunks, running):
    """Return the 32-byte digest that the meter signs when `chunks` chunks have been sent."""
    return sha256(
        EXPORT_TRANSCRIPT, bound, share_first, share_second, chunks.to_bytes(4, "big"), running
    )
