"""The sealed record: its bytes (SPEC.md section 3).

One byte string per record: every decoder refuses what its encoder would not have written.
"""

from wattseal.commitment import CIPHERTEXT_BYTES
from wattseal.ecdsa import SIGNATURE_BYTES, is_low_s
from wattseal.errors import Malformed, Misuse
from wattseal.hashing import sha256
from wattseal.keytree import METER_ID_BYTES
from wattseal.labels import GENESIS, METER_ID, RECORD
from wattseal.p256 import POINT_BYTES, N

VERSION = 1
DIGEST_BYTES = 32

INTERVAL = 1
OUTAGE = 2
EVENT = 3

# Quality flags: what anybody may know of a record's time.
POWER_LOST = 1
CLOCK_UNSET = 2
CLOCK_STEPPED = 4
LEAD_IN = 8
_QUALITY_MASK = 15

# Hidden flags: what depends on the reading, and so travels in the ciphertext alone.
SATURATED = 1
SENSOR_MISSING = 2

IMPORT = 1
EXPORT = 2
CHANNEL_SETS = (IMPORT, IMPORT | EXPORT)

# Event codes; what their payloads say is in events.py.
ORIGIN = 1
PAIRED = 2
BOOT = 3
CLOCK_SET = 4
TAMPER = 5
CALIBRATED = 6
ROTATED = 7
CLOSED = 8
CONSENT = 9
APPLET = 10
_PAYLOAD_BYTES = {
    ORIGIN: 39, PAIRED: 36, BOOT: 33, CLOCK_SET: 12, TAMPER: 5, CALIBRATED: 32, ROTATED: 4,
    CLOSED: 4, CONSENT: 5, APPLET: 33,
}
# Payloads that begin with a choice: from 1 to this.
_CHOICES = {BOOT: 3, TAMPER: 2, CONSENT: 2, APPLET: 2}

_HEADER_BYTES = 41
_COMMITMENT_BYTES = POINT_BYTES
_CHANNEL_BYTES = _COMMITMENT_BYTES + CIPHERTEXT_BYTES
_U32 = 1 << 32

MAX_BODY_BYTES = _HEADER_BYTES + 2 * _CHANNEL_BYTES + DIGEST_BYTES
MAX_SEALED_BYTES = MAX_BODY_BYTES + SIGNATURE_BYTES


def meter_id(public_key):
    """Return the 16-byte name of a meter from its 33-byte public key."""
    return sha256(METER_ID, public_key)[:METER_ID_BYTES]


def genesis(public_key):
    """Return the 32-byte digest that stands before a meter's first record."""
    return sha256(GENESIS, public_key)


def body_digest(body):
    """Return the 32-byte digest of a body: what is signed, and what the next record holds."""
    return sha256(RECORD, body)


class Record:
    """A decoded record. `signature` is None where only the body is known.

    channels: tuple of (commitment 33 bytes, ciphertext 5 bytes), import first; () in events.
    event, payload: 0 and b"" but in events.
    """

    __slots__ = (
        "body",
        "boot",
        "channel_set",
        "channels",
        "epoch",
        "event",
        "exponent",
        "flags",
        "kind",
        "length_s",
        "meter",
        "payload",
        "previous",
        "seq",
        "signature",
        "start_s",
    )

    def __init__(self):
        self.kind = 0
        self.meter = b""
        self.epoch = 0
        self.boot = 0
        self.seq = 0
        self.start_s = 0
        self.length_s = 0
        self.flags = 0
        self.exponent = 0
        self.channel_set = 0
        self.channels = ()  # type: tuple[tuple[bytes, bytes], ...]
        self.event = 0
        self.payload = b""
        self.previous = b""
        self.body = b""
        self.signature = None  # type: bytes | None

    @property
    def end_s(self):
        """The first second after the record."""
        return self.start_s + self.length_s

    @property
    def digest(self):
        """The 32-byte digest of the body (computed at each call)."""
        return body_digest(self.body)

    @property
    def sealed(self):
        """Body and signature; Misuse `unsigned-record` where the signature is not known."""
        if self.signature is None:
            raise Misuse("unsigned-record")
        return self.body + self.signature


def _header(kind, meter, epoch, boot, seq, start_s, length_s, flags, exponent, channel_set):
    if len(meter) != METER_ID_BYTES or not -128 <= exponent < 128 or flags & ~_QUALITY_MASK:
        raise Misuse("record-field")
    for field in (epoch, boot, seq, start_s, length_s, start_s + length_s):
        if not 0 <= field < _U32:
            raise Misuse("record-field")
    return (
        bytes([VERSION, kind])
        + meter
        + epoch.to_bytes(4, "big")
        + boot.to_bytes(4, "big")
        + seq.to_bytes(4, "big")
        + start_s.to_bytes(4, "big")
        + length_s.to_bytes(4, "big")
        + bytes([flags, exponent & 0xFF, channel_set])
    )


def encode_reading(
    kind, meter, epoch, boot, seq, start_s, length_s, flags, exponent, channels, previous
):
    """Return the body of an interval or outage record.

    channels: one or two (commitment 33 bytes, ciphertext 5 bytes), import first.
    Misuse `record-field` for what the decoder would refuse.
    """
    body = _header(
        kind, meter, epoch, boot, seq, start_s, length_s, flags, exponent,
        IMPORT if len(channels) == 1 else IMPORT | EXPORT,
    )
    for commitment, ciphertext in channels:
        if len(commitment) != _COMMITMENT_BYTES or len(ciphertext) != CIPHERTEXT_BYTES:
            raise Misuse("record-field")
        body += commitment + ciphertext
    return _checked(body, previous)


def encode_event(
    meter, epoch, boot, seq, at_s, exponent, channel_set, event, payload, previous
):
    """Return the body of an event record. Misuse `record-field` for what is not canonical."""
    header = _header(EVENT, meter, epoch, boot, seq, at_s, 0, 0, exponent, channel_set)
    if _PAYLOAD_BYTES.get(event) != len(payload):
        raise Misuse("record-field")
    return _checked(header + bytes([event, len(payload)]) + payload, previous)


def _checked(front, previous):
    if len(previous) != DIGEST_BYTES:
        raise Misuse("record-field")
    body = front + previous
    try:
        decode_body(body)
    except Malformed as error:
        raise Misuse("record-field", error.code) from None
    return body


def origin_payload(interval_s, exponent, channel_set, public_key):
    """Return the payload of an ORIGIN event: the meter's fixed settings and its key."""
    return (
        interval_s.to_bytes(4, "big") + bytes([exponent & 0xFF, channel_set]) + bytes(public_key)
    )


def decode_origin(payload):
    """Return (interval_s, exponent, channel_set, public key) of an ORIGIN payload."""
    return int.from_bytes(payload[:4], "big"), _signed(payload[4]), payload[5], payload[6:]


def paired_payload(epoch, epoch_id):
    """Return the payload of a PAIRED event: the epoch that begins, the name of its secret."""
    return epoch.to_bytes(4, "big") + epoch_id


def decode_paired(payload):
    """Return (epoch, epoch_id) of a PAIRED payload."""
    return int.from_bytes(payload[:4], "big"), payload[4:]


def _signed(byte):
    return byte - 256 if byte & 0x80 else byte


def decode_sealed(data):
    """Return the Record of body || signature; Malformed `record-…` or `signature-…`.

    The signature's form is checked (64 bytes, in range, low s), not the signature itself.
    """
    if len(data) <= SIGNATURE_BYTES:
        raise Malformed("record-length")
    record = decode_body(data[:-SIGNATURE_BYTES])
    record.signature = check_signature_form(data[-SIGNATURE_BYTES:])
    return record


def check_signature_form(signature):
    """Return the 64 bytes of a signature in the one form a sealed record may have.

    Malformed `signature-length`, `signature-range` (r or s not in [1, N)) or `signature-high-s`.
    """
    signature = bytes(signature)
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("signature-length")
    for at in (0, 32):
        if not 0 < int.from_bytes(signature[at : at + 32], "big") < N:
            raise Malformed("signature-range")
    if not is_low_s(signature):
        raise Malformed("signature-high-s")
    return signature


def decode_body(data):
    """Return the Record of exactly one body, `signature` None; Malformed `record-…` otherwise.

    Points are not decoded here: who computes with a commitment decodes it.
    """
    body = bytes(data)
    if len(body) < _HEADER_BYTES + DIGEST_BYTES:
        raise Malformed("record-length")
    if body[0] != VERSION:
        raise Malformed("record-version")
    record = Record()
    record.kind = kind = body[1]
    record.meter = body[2:18]
    record.epoch = int.from_bytes(body[18:22], "big")
    record.boot = int.from_bytes(body[22:26], "big")
    record.seq = int.from_bytes(body[26:30], "big")
    record.start_s = int.from_bytes(body[30:34], "big")
    record.length_s = length_s = int.from_bytes(body[34:38], "big")
    record.flags = flags = body[38]
    record.exponent = _signed(body[39])
    record.channel_set = channel_set = body[40]
    record.body = body
    if channel_set not in CHANNEL_SETS:
        raise Malformed("record-channels")
    if flags & ~_QUALITY_MASK:
        raise Malformed("record-flags")
    if record.start_s + length_s >= _U32:
        raise Malformed("record-time")
    if kind == EVENT:
        end = _decode_event(record, body)
    elif kind in (INTERVAL, OUTAGE):
        end = _decode_channels(record, body)
    else:
        raise Malformed("record-kind")
    if len(body) != end + DIGEST_BYTES:
        raise Malformed("record-length")
    record.previous = body[end:]
    return record


def _decode_channels(record, body):
    if record.length_s == 0:
        raise Malformed("record-time")
    if record.kind == INTERVAL:
        if record.flags & ~POWER_LOST:
            raise Malformed("record-flags")
    elif record.flags == 0:
        raise Malformed("record-flags")
    count = 1 if record.channel_set == IMPORT else 2
    end = _HEADER_BYTES + count * _CHANNEL_BYTES
    if len(body) < end:
        raise Malformed("record-length")
    record.channels = tuple(
        [
            (body[at : at + _COMMITMENT_BYTES], body[at + _COMMITMENT_BYTES : at + _CHANNEL_BYTES])
            for at in range(_HEADER_BYTES, end, _CHANNEL_BYTES)
        ]
    )
    return end


def _decode_event(record, body):
    if record.length_s or record.flags:
        raise Malformed("record-time" if record.length_s else "record-flags")
    record.event = event = body[_HEADER_BYTES]
    length = body[_HEADER_BYTES + 1]
    if _PAYLOAD_BYTES.get(event) != length:
        raise Malformed("record-event")
    end = _HEADER_BYTES + 2 + length
    record.payload = body[_HEADER_BYTES + 2 : end]
    if event in _CHOICES and not 1 <= record.payload[0] <= _CHOICES[event]:
        raise Malformed("record-event")
    if (event == ORIGIN) != (record.seq == 0):
        raise Malformed("record-event")
    return end
