"""Known answers at boot, and whether the log's end is this meter's own."""

from wattseal.commitment import commit
from wattseal.ecdsa import sign
from wattseal.errors import WattsealError
from wattseal.hashing import sha256
from wattseal.p256 import encode_point
from wattseal.record import body_digest, decode_sealed

HASH = 1
CURVE = 2
SIGNATURE = 4
LOG = 8

# First bytes of: SHA-256 of "abc" (FIPS 180-4); the commitment to 0x89abcdef under that digest;
# the signature of the digest of "sample" under the key of RFC 6979, A.2.5, with its low s.
_HASH = b"\xba\x78\x16\xbf\x8f\x01\xcf\xea"
_COMMITMENT = b"\x02\xa6\xa3\x00\x1f\x97\x20\xbb"
_SIGNATURE = b"\xef\xd4\x8b\x2a\xac\xb6\xa8\xfd"
_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721


def self_test(log, keys):
    """Return the bits of what passed."""
    digest = sha256(b"abc")
    passed = HASH if digest[:8] == _HASH else 0
    blinding = int.from_bytes(digest, "big")
    if encode_point(commit(0x89ABCDEF, blinding))[:8] == _COMMITMENT:
        passed |= CURVE
    if sign(_KEY, sha256(b"sample"))[:8] == _SIGNATURE:
        passed |= SIGNATURE
    return passed | (LOG if _tail_is_ours(log, keys) else 0)


def _tail_is_ours(log, keys):
    """Tell whether the newest record is signed by this key and follows the one before it.

    Signatures are deterministic, so to sign once more is to verify.
    """
    if not log.count:
        return True
    try:
        newest = decode_sealed(log.newest)
        before = log.body(newest.seq - 1) if newest.seq else b""
        if before and body_digest(before) != newest.previous:
            return False
    except WattsealError:
        return False
    return newest.seq == log.count - 1 and sign(keys.secret, newest.digest) == newest.signature
