"""From an epoch secret to the blinding and the pad of every reading (SPEC.md section 4).

epoch secret -> block key (32 records each) -> blinding and pad of a (boot, record, channel).
Who holds a block key opens that block and nothing else. The boot counter is part of every
derivation, so a record that was sealed and lost in a power cut shares nothing with its successor.
"""

from wattseal.errors import Misuse
from wattseal.hashing import hmac_sha256
from wattseal.labels import BLINDING, BLOCK_KEY, EPOCH_ID, PAD
from wattseal.p256 import N

SECRET_BYTES = 32
BLOCK_RECORDS = 32
PAD_BYTES = 5
METER_ID_BYTES = 16
CHANNELS = (0, 1)  # import, export


def epoch_id(epoch_secret, meter, epoch):
    """Return the public 32-byte name of an epoch secret, which stands in the PAIRED event."""
    _check(epoch_secret, SECRET_BYTES)
    return hmac_sha256(epoch_secret, EPOCH_ID, _meter(meter), _u32(epoch))


def block_key(epoch_secret, meter, epoch, block):
    """Return the 32-byte key of block `seq // BLOCK_RECORDS` of an epoch."""
    _check(epoch_secret, SECRET_BYTES)
    return hmac_sha256(epoch_secret, BLOCK_KEY, _meter(meter), _u32(epoch), _u32(block))


def blinding(key, meter, boot, seq, channel):
    """Return the blinding scalar in [0, N) of a reading: 48 bytes reduced, bias below 2^-128.

    `key` is the key of the record's block, `channel` 0 for import and 1 for export.
    """
    return _blinding(_keyed(key), _place(meter, boot, seq, channel))


def pad(key, meter, boot, seq, channel):
    """Return the 5 bytes that hide a reading's value and flags in its record."""
    return _pad(_keyed(key), _place(meter, boot, seq, channel))


def leaves(mac, meter, boot, seq, channel):
    """Return (blinding, pad) of a reading, where `mac` of parts is `hmac_sha256` of them under the
    block's key: whoever opens many records of a block may have it ready."""
    place = _place(meter, boot, seq, channel)
    return _blinding(mac, place), _pad(mac, place)


def _keyed(key):
    _check(key, SECRET_BYTES)
    return lambda *parts: hmac_sha256(key, *parts)


def _blinding(mac, place):
    wide = mac(BLINDING, place, b"\0") + mac(BLINDING, place, b"\1")[:16]
    return int.from_bytes(wide, "big") % N


def _pad(mac, place):
    return mac(PAD, place)[:PAD_BYTES]


def _place(meter, boot, seq, channel):
    if channel not in CHANNELS:
        raise Misuse("place-range")
    return _meter(meter) + _u32(boot) + _u32(seq) + bytes([channel])


# A place that were longer, or wrapped round, could be another reading's: pads must not repeat.
def _u32(number):
    if not 0 <= number < 1 << 32:
        raise Misuse("place-range")
    return number.to_bytes(4, "big")


def _meter(meter):
    if len(meter) != METER_ID_BYTES:
        raise Misuse("place-range")
    return meter


def _check(secret, length):
    if len(secret) != length:
        raise Misuse("secret-length")
