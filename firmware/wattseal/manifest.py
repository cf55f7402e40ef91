"""Applets: signed manifests of who may ask the meter for what (SPEC.md section 3.7).

A manifest is data: the meter interprets it, and loads no code of anybody else.
"""

from wattseal.ecdsa import verify_steps
from wattseal.errors import Malformed, Misuse
from wattseal.hashing import hmac_sha256, sha256
from wattseal.labels import APPLET, APPLET_PROOF
from wattseal.p256 import POINT_BYTES, decode_point
from wattseal.record import EXPORT, IMPORT

VERSION = 1

# Kinds.
ONE_TIME = 1  # each export by a PIN on the display
STANDING = 2  # without, encrypted to the recipient's key, until it is withdrawn

SIGNATURE_BYTES = 64
_FIXED_BYTES = 4 + 2 * POINT_BYTES + 1 + 12
_NUMBERS = ("granularity_s", "reach_s", "every_s")
_TEXTS = ("name", "publisher", "origin")
_LONGEST = (24, 24, 40)  # so that a signed manifest fits one write of registers


class Manifest:
    """What an applet may do.

    kind           ONE_TIME or STANDING
    version        of the applet, u16
    publisher_key  33 bytes, who signs; recipient_key: 33 bytes where it is STANDING, else zeros
    reads          IMPORT, EXPORT or both
    granularity_s  the finest that may be asked for; 0: every reading
    reach_s        how long ago a period may begin; 0: as far back as the log goes
    every_s        the least time between two exports
    name, publisher, origin   printable ASCII (bytes), 1 to 24, 24 and 40 characters: the applet's,
                   its publisher's, and its recipient's (of a website "https://…"). No quotation
                   marks, and spaces one by one between words, in an origin none: a display must not
                   be made to break a text into what looks like rows of its own
    """

    def __init__(self):
        self.kind = ONE_TIME
        self.version = 0
        self.publisher_key = self.recipient_key = bytes(POINT_BYTES)
        self.reads = IMPORT
        self.granularity_s = self.reach_s = self.every_s = 0
        self.name = self.publisher = self.origin = b""

    def encode(self):
        """Return the bytes that are hashed and signed. Misuse `applet-field`."""
        numbers = [getattr(self, name) for name in _NUMBERS]
        texts = [getattr(self, name) for name in _TEXTS]
        body = bytes([VERSION, self.kind]) + self.version.to_bytes(2, "big")
        body += self.publisher_key + self.recipient_key + bytes([self.reads])
        for number in numbers:
            body += number.to_bytes(4, "big")
        for text in texts:
            body += bytes([len(text)]) + text
        try:
            decode(body)
        except Malformed as error:
            raise Misuse("applet-field", error.code) from error
        return body


def decode(body):
    """Return the Manifest of these bytes; they are its only form.

    Malformed `applet-length`, `applet-version`, `applet-kind`, `applet-reads`, `applet-text`, or
    as `p256.decode_point` of a key.
    """
    manifest = read(body)
    decode_point(manifest.publisher_key)
    if manifest.kind == STANDING:
        decode_point(manifest.recipient_key)
    elif manifest.recipient_key != bytes(POINT_BYTES):
        raise Malformed("applet-kind")
    return manifest


def read(body):
    """Return the Manifest of bytes that were decoded once: its keys are not looked at again.

    Malformed as `decode`, but for the keys.
    """
    if len(body) <= _FIXED_BYTES:
        raise Malformed("applet-length")
    if body[0] != VERSION:
        raise Malformed("applet-version")
    manifest = Manifest()
    manifest.kind = body[1]
    manifest.version = int.from_bytes(body[2:4], "big")
    manifest.publisher_key = body[4:37]
    manifest.recipient_key = body[37:70]
    manifest.reads = body[70]
    if manifest.kind not in (ONE_TIME, STANDING):
        raise Malformed("applet-kind")
    if manifest.reads not in (IMPORT, EXPORT, IMPORT | EXPORT):
        raise Malformed("applet-reads")
    at = 71
    for name in _NUMBERS:
        setattr(manifest, name, int.from_bytes(body[at : at + 4], "big"))
        at += 4
    for name, longest in zip(_TEXTS, _LONGEST):  # noqa: B905 (no strict= on the VM)
        length = body[at] if at < len(body) else 0
        text = body[at + 1 : at + 1 + length]
        if not 0 < length <= longest or len(text) != length:
            raise Malformed("applet-length")
        plain = min(text) >= 0x20 and max(text) <= 0x7E and b'"' not in text
        if not plain or text.strip() != text or (b" " if name == "origin" else b"  ") in text:
            raise Malformed("applet-text")
        setattr(manifest, name, text)
        at += 1 + length
    if at != len(body):
        raise Malformed("applet-length")
    return manifest


def digest(body):
    """Return the 32-byte digest that names an applet: what its publisher signs."""
    return sha256(APPLET, body)


def verify_signature_steps(manifest, body, signature):
    """Generate None between bounded pieces of work; return whether its publisher signed it."""
    return verify_steps(decode_point(manifest.publisher_key), digest(body), signature)


def proof(epoch_secret, meter, epoch, challenge, state, applet):
    """Return the 32 bytes that show that who holds an epoch's secret approves of an applet.

    state: GIVEN or WITHDRAWN. applet: its 32-byte digest. challenge: 16 bytes, of the meter.
    """
    place = meter + epoch.to_bytes(4, "big") + challenge + bytes([state])
    return hmac_sha256(epoch_secret, APPLET_PROOF, place, applet)
