"""A second implementation of SPEC.md, for the vectors: plain, slow, and sharing no code with it.

Curve and signatures come from the `ecdsa` package, hashing from the standard library. Nothing of
`wattseal` is imported, so the vectors say what the specification says, not what the code does.
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path

import ecdsa
from ecdsa.ellipticcurve import INFINITY, Point
from ecdsa.util import sigencode_string_canonize

CURVE = ecdsa.NIST256p.curve
P = CURVE.p()
N = ecdsa.NIST256p.order
G = Point(CURVE, int(ecdsa.NIST256p.generator.x()), int(ecdsa.NIST256p.generator.y()))
H = Point(
    CURVE,
    0x1D92444B399FDFB82F6C1A7E614196E2567ACA8F6DBBA7A60F70354AF67553C4,
    0x70A3383B29707CE058BC11098B15A4B27DAEE3CC8876BD8EB61FB8CB6ED1E263,
)
IDENTITY = INFINITY


def label(name: str) -> bytes:
    """Return a domain label (section 1.3)."""
    return b"wattseal/1/" + name.encode() + b"\0"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def seeded(name: str, length: int = 32) -> bytes:
    """Return bytes that look random and are the same on every machine: test data from a name."""
    out = b""
    while len(out) < length:
        out += sha256(b"vector " + name.encode() + b" " + str(len(out)).encode())
    return out[:length]


def scalar(name: str) -> int:
    return int.from_bytes(seeded(name), "big") % N


def xy(point) -> str:
    """Return a point as the vectors write it: 64 bytes x||y in hexadecimal, nothing for 0."""
    if point == INFINITY:
        return ""
    return f"{int(point.x()):064x}{int(point.y()):064x}"


def compressed(point) -> bytes:
    return bytes([2 + int(point.y()) % 2]) + int(point.x()).to_bytes(32, "big")


# --- keys, readings (section 4) ----------------------------------------------------------------


class Device:
    """A meter's signing key, its name and the digest before its first record."""

    def __init__(self, name: str):
        self.secret = scalar(name) or 1
        self.signer = ecdsa.SigningKey.from_secret_exponent(self.secret, ecdsa.NIST256p)
        self.public = compressed(G * self.secret)
        self.meter = sha256(label("meter-id") + self.public)[:16]
        self.genesis = sha256(label("genesis") + self.public)

    def sign(self, body: bytes) -> bytes:
        """Return the low-s signature of RFC 6979 of a body's digest."""
        return self.signer.sign_digest_deterministic(
            record_digest(body), hashfunc=hashlib.sha256, sigencode=sigencode_string_canonize
        )


def record_digest(body: bytes) -> bytes:
    return sha256(label("record") + body)


def epoch_id(secret: bytes, meter: bytes, epoch: int) -> bytes:
    return mac(secret, label("epoch-id") + meter + struct.pack(">I", epoch))


def block_key(secret: bytes, meter: bytes, epoch: int, block: int) -> bytes:
    return mac(secret, label("block-key") + meter + struct.pack(">II", epoch, block))


def leaf(secret: bytes, meter: bytes, epoch: int, boot: int, seq: int, channel: int):
    """Return (block key, blinding, pad) of a reading."""
    key = block_key(secret, meter, epoch, seq // 32)
    place = meter + struct.pack(">IIB", boot, seq, channel)
    wide = mac(key, label("blinding") + place + b"\0")
    wide += mac(key, label("blinding") + place + b"\1")[:16]
    return key, int.from_bytes(wide, "big") % N, mac(key, label("pad") + place)[:5]


def commit(value: int, blinding: int):
    return G * value + H * blinding


def mask(value: int, flags: int, pad: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(struct.pack(">IB", value, flags), pad, strict=True))


# --- records (section 3) -----------------------------------------------------------------------


def header(kind, meter, epoch, boot, seq, start_s, length_s, flags=0, exponent=0, channel_set=1):
    return struct.pack(
        ">BB16sIIIIIBbB",
        1, kind, meter, epoch, boot, seq, start_s, length_s, flags, exponent, channel_set,
    )  # fmt: skip


def origin(device, interval_s=1800, exponent=0, channel_set=1):
    payload = struct.pack(">IbB", interval_s, exponent, channel_set) + device.public
    return bytes([1, len(payload)]) + payload


def paired(epoch, name):
    return bytes([2, 36]) + struct.pack(">I", epoch) + name


class Meter:
    """Writes a chain as a meter would; every part of a record can be set wrong by name."""

    def __init__(self, name="meter", start_s=1_700_000_000, exponent=0, channel_set=1):
        self.device = Device(name)
        self.secrets = [seeded(name + " epoch 0")]
        self.exponent = exponent
        self.channel_set = channel_set
        self.seq = 0
        self.boot = 1
        self.time_s = start_s
        self.previous = self.device.genesis
        self.bodies: list[bytes] = []

    @property
    def epoch(self):
        return len(self.secrets) - 1

    def channels(self, values):
        out = b""
        for channel, value in enumerate(values):
            _, blinding, pad = leaf(
                self.secrets[-1], self.device.meter, self.epoch, self.boot, self.seq, channel
            )
            out += compressed(commit(value, blinding)) + mask(value, 0, pad)
        return out

    def _append(self, kind, length_s, flags, middle, wrong):
        fields = {
            "kind": kind, "meter": self.device.meter, "epoch": self.epoch, "boot": self.boot,
            "seq": self.seq, "start_s": self.time_s, "length_s": length_s, "flags": flags,
            "exponent": self.exponent, "channel_set": self.channel_set,
        }  # fmt: skip
        previous = wrong.pop("previous", self.previous)
        body = header(**(fields | wrong)) + middle + previous
        self.bodies.append(body)
        self.previous = record_digest(body)
        self.seq += 1
        self.time_s += length_s
        return body

    def origin(self, interval_s=1800, payload=None, **wrong):
        if payload is None:
            payload = origin(self.device, interval_s, self.exponent, self.channel_set)
        return self._append(3, 0, 0, payload, wrong)

    def reading(self, length_s=1800, values=(100,), kind=1, flags=0, **wrong):
        return self._append(kind, length_s, flags, self.channels(values), wrong)

    def outage(self, length_s, values=(100,), flags=1, **wrong):
        return self.reading(length_s, values, 2, flags, **wrong)

    def pair(self, payload_epoch=None, **wrong):
        secret = seeded(f"{self.device.public.hex()} epoch {self.epoch + 1}")
        epoch = self.epoch + 1 if payload_epoch is None else payload_epoch
        body = self._append(
            3, 0, 0, paired(epoch, epoch_id(secret, self.device.meter, epoch)), wrong
        )
        self.secrets.append(secret)
        return body

    def event(self, code, payload, **wrong):
        return self._append(3, 0, 0, bytes([code, len(payload)]) + payload, wrong)

    def reboot(self, boots=1, cause=1, firmware=b"firmware", **wrong):
        self.boot += boots
        return self.event(3, bytes([cause]) + sha256(label("firmware") + firmware), **wrong)

    def set_clock(self, counter, before_s, after_s, **wrong):
        return self.event(4, struct.pack(">III", counter, before_s, after_s), **wrong)

    def switch(self, code, state, at_s=1_700_000_123, **wrong):
        """Append a TAMPER (5) or CONSENT (9) event."""
        return self.event(code, struct.pack(">BI", state, at_s), **wrong)

    def applet(self, state, name="applet", **wrong):
        """Append an APPLET (10) event."""
        return self.event(10, bytes([state]) + seeded(name), **wrong)

    def calibrated(self, constants=b"constants", **wrong):
        return self.event(6, sha256(label("calibration") + constants), **wrong)

    def number(self, code, number, **wrong):
        """Append a ROTATED (7) or CLOSED (8) event."""
        return self.event(code, struct.pack(">I", number), **wrong)

    def sign(self):
        return self.device.sign(self.bodies[-1])


# --- files -------------------------------------------------------------------------------------


class Family:
    """A folder of cases; `main` writes it below the directory given on the command line."""

    def __init__(self, name: str):
        self.name = name
        self.cases: dict[str, dict] = {}

    def add(self, case, op, inputs, expect=None, failure=None, about="", source=""):
        """Add one case: `expect` a dict, or `failure` as "Class code"."""
        assert case not in self.cases and (expect is None) != (failure is None), case
        document = {"op": op, "input": inputs}
        if about:
            document["about"] = about
        if source:
            document["source"] = source
        if failure:
            kind, code = failure.split()
            document["failure"] = {"class": kind, "code": code}
        else:
            document["expect"] = expect
        self.cases[case] = document

    def write(self, directory: Path) -> None:
        folder = directory / self.name
        folder.mkdir(parents=True, exist_ok=True)
        for case, document in self.cases.items():
            text = json.dumps(document, indent=1, ensure_ascii=True)
            (folder / f"{case}.json").write_text(text + "\n")


def main(argv: list[str], *families: Family) -> None:
    directory = Path(argv[1]) if len(argv) > 1 else Path(__file__).resolve().parent
    for family in families:
        family.write(directory)
        print(f"{family.name}: {len(family.cases)} cases")
