"""The reply lines of the customer port: from their text to what they say. No I/O.

Every field has one spelling. All errors are PortError `port-answer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wattseal.errors import Malformed
from wattseal.orders import CHALLENGE_BYTES
from wattseal.p256 import N

from wattseal_host.collect.itself import MeterSelf
from wattseal_host.documents import Enrolment
from wattseal_host.encoding import from_decimal, malformed
from wattseal_host.errors import PortError
from wattseal_host.fields import Fields
from wattseal_host.strict_json import loads
from wattseal_host.units import Unit, channels_of

_SELF = {"meter", "key", "interval_s", "unit_exponent", "channel_set", "next_seq"}
_MAX_U32 = 2**32 - 1


@dataclass(frozen=True)
class Pairing:
    """What the meter hands over once: the epoch that will begin, and its 32-byte secret."""

    meter: bytes
    key: bytes
    epoch: int
    secret: bytes


@dataclass(frozen=True)
class PortOpening:
    """One opening as the meter tells it: not checked against the commitment yet."""

    seq: int
    channel: int
    value: int
    hidden_flags: int
    blinding: int


@dataclass(frozen=True)
class MeterBill:
    """What a meter computed over its own log, up to the record before next_seq: Σ w·v, Σ w·r mod
    n, the digest before the first record and that of the last (b"" where there is none)."""

    next_seq: int
    fee: int
    blinding: int
    before: bytes
    last: bytes


@dataclass(frozen=True)
class PriceListState:
    """The display's price list: bytes of a new one so far; first 8 bytes of the digest (b"": there
    is none) and the period of the one at work; a challenge, where one was asked for."""

    sent_bytes: int
    tag: bytes
    from_s: int
    until_s: int
    challenge: bytes


def read_bill(text: str) -> MeterBill:
    try:
        value = loads(text.encode("ascii"), max_bytes=4096, max_depth=2)
        fields = Fields(value, "bill", {"next", "fee", "blinding", "before", "last"})
        blinding = int.from_bytes(fields.hexadecimal("blinding", 32), "big")
        if blinding >= N:
            raise malformed("bill.blinding")
        before, last = (
            b"" if fields.raw(name) == "" else fields.hexadecimal(name, 32)
            for name in ("before", "last")
        )
        number = fields.integer("next", 0, _MAX_U32)
        return MeterBill(number, fields.decimal("fee"), blinding, before, last)
    except (Malformed, UnicodeEncodeError) as error:
        raise PortError("port-answer", "bill") from error


def read_consent(text: str) -> tuple[bool, bytes]:
    """(whether consent is given, the 16 bytes of the challenge)."""
    try:
        value = loads(text.encode("ascii"), max_bytes=4096, max_depth=2)
        fields = Fields(value, "consent", {"given", "challenge"})
        given = fields.raw("given")
        if type(given) is not bool:
            raise malformed("consent.given")
        return given, fields.hexadecimal("challenge", CHALLENGE_BYTES)
    except Malformed as error:
        raise PortError("port-answer", f"consent: {error.detail}") from error


@dataclass(frozen=True)
class PortApplet:
    """An applet as the meter tells it: not checked yet."""

    digest: bytes
    approved: bool
    manifest: bytes
    signature: bytes


def read_applet(text: str) -> PortApplet:
    try:
        value = loads(text.encode("ascii"), max_bytes=4096, max_depth=2)
        fields = Fields(value, "applet", {"digest", "approved", "manifest", "signature"})
        approved, manifest = fields.raw("approved"), fields.raw("manifest")
        if type(approved) is not bool or type(manifest) is not str:
            raise malformed("applet")
        return PortApplet(
            fields.hexadecimal("digest", 32),
            approved,
            fields.hexadecimal("manifest", len(manifest) // 2),
            fields.hexadecimal("signature", 64),
        )
    except Malformed as error:
        raise PortError("port-answer", f"applet: {error.detail}") from error


def read_prices(text: str) -> PriceListState:
    try:
        value = loads(text.encode("ascii"), max_bytes=4096, max_depth=2)
        fields = Fields(value, "prices", {"bytes", "tag", "from_s", "until_s", "challenge"})
        tag, challenge = (
            b"" if fields.raw(name) == "" else fields.hexadecimal(name, length)
            for name, length in (("tag", 8), ("challenge", CHALLENGE_BYTES))
        )
        sent_bytes = fields.integer("bytes", 0, _MAX_U32)
        times = fields.integer("from_s", 0, _MAX_U32), fields.integer("until_s", 0, _MAX_U32)
        return PriceListState(sent_bytes, tag, *times, challenge)
    except (Malformed, UnicodeEncodeError) as error:
        raise PortError("port-answer", "prices") from error


def read_status(text: str) -> dict[str, Any]:
    """What the meter says of itself, as it says it (integers, strings, booleans)."""
    try:
        value = loads(text.encode("ascii"), max_bytes=4096, max_depth=2)
    except Malformed as error:
        raise PortError("port-answer", f"status: {error.code}") from error
    if type(value) is not dict:
        raise PortError("port-answer", "status")
    return value


def read_self(value: dict[str, Any]) -> MeterSelf:
    """Who the meter is and how far its log goes, out of a status; the id is checked."""
    try:
        fields = Fields(value, "status", set(_SELF), set(value) - _SELF)
        described = Enrolment(
            meter=fields.hexadecimal("meter", 16),
            key=fields.hexadecimal("key", 33),
            unit=Unit("Wh", fields.integer("unit_exponent")),
            interval_s=fields.integer("interval_s"),
            channels=channels_of(fields.integer("channel_set")),
        )
        return MeterSelf(
            Enrolment.read(described.write()),
            fields.integer("next_seq", 0, _MAX_U32),
            fields.integer("oldest_seq", 0, _MAX_U32) if fields.has("oldest_seq") else 0,
            fields.integer("boot", 0, _MAX_U32) if fields.has("boot") else None,
        )
    except Malformed as error:
        raise PortError("port-answer", f"status: {error.detail}") from error


def read_pairing_share(text: str) -> tuple[bytes, bytes, bytes]:
    """(meter id, public key, share) of the first answer to a pairing."""
    fields = _pairing(text, {"meter", "key", "share"})
    try:
        return (
            fields.hexadecimal("meter", 16),
            fields.hexadecimal("key", 33),
            fields.hexadecimal("share", 65),
        )
    except Malformed as error:
        raise PortError("port-answer", f"pairing: {error.code}") from error


def read_pairing_end(text: str) -> tuple[int, bytes, bytes]:
    """(epoch, confirmation, the meter's random bytes) of the second."""
    fields = _pairing(text, {"epoch", "confirmation", "random"})
    try:
        return (
            fields.integer("epoch", 1, _MAX_U32),
            fields.hexadecimal("confirmation", 32),
            fields.hexadecimal("random", 32),
        )
    except Malformed as error:
        raise PortError("port-answer", f"pairing: {error.code}") from error


def _pairing(text: str, names: set[str]) -> Fields:
    try:
        return Fields(loads(text.encode("ascii"), max_bytes=4096, max_depth=2), "pair", names)
    except (Malformed, UnicodeEncodeError) as error:
        raise PortError("port-answer", "pairing") from error


def read_record(text: str) -> tuple[int, bytes]:
    """(sequence number, sealed record's bytes, unverified) of a record line."""
    seq, data = _split(text, 2)
    return _integer(seq), _bytes(data)


def read_opening(text: str) -> PortOpening:
    seq, channel, value, flags, blinding = _split(text, 5)
    opening = PortOpening(
        _integer(seq),
        _integer(channel),
        _integer(value),
        _integer(flags),
        int.from_bytes(_bytes(blinding, 32), "big"),
    )
    if opening.blinding >= N:
        raise PortError("port-answer", "opening out of range")
    return opening


def _split(line: str, count: int) -> list[str]:
    parts = line.split(" ")
    if len(parts) != count:
        raise PortError("port-answer", "reply fields")
    return parts


def _integer(text: str) -> int:
    try:
        value = from_decimal(text, "reply")
        if not 0 <= value <= _MAX_U32:
            raise malformed("reply")
    except Malformed as error:
        raise PortError("port-answer", "reply number") from error
    return value


def _bytes(text: str, length: int | None = None) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise PortError("port-answer", "reply bytes") from error
    if data.hex() != text.lower() or (length is not None and len(data) != length):
        raise PortError("port-answer", "reply bytes")
    return data
