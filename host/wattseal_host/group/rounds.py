"""The papers of a run: deal, roster, share, closing, reveal. Each names the one it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Refused
from wattseal.p256 import SCALAR_BYTES, N
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host import jws
from wattseal_host.encoding import from_base64url, malformed, to_base64url
from wattseal_host.fields import Fields
from wattseal_host.group.founding import MOST_MEMBERS, MOST_SLOTS, GroupSet, Plan, _read_token
from wattseal_host.group.masks import SEALED_BYTES
from wattseal_host.keys import PUBLIC_KEY_BYTES, openssl_key

DEAL = "wattseal-group-deal/1"
ROSTER = "wattseal-group-roster/1"
SHARE = "wattseal-group-share/1"
CLOSING = "wattseal-group-closing/1"
REVEAL = "wattseal-group-reveal/1"
KINDS = ("self", "pair")


@dataclass(frozen=True)
class Deal:
    """A member's entry into a run. mask_key: 33 bytes; self_digest: SHA-256 of its self seed;
    sealed: for each member in the set's order two shares, of the self secret and of the mask
    key's, that only this member can read (its own place: its own)."""

    plan: bytes
    meter: bytes
    mask_key: bytes
    self_digest: bytes
    sealed: tuple[bytes, ...]
    digest: bytes = b""
    token: str = ""

    @classmethod
    def open(cls, token: str, plan: Plan, group: GroupSet) -> Deal:
        signed = jws.parse(token, DEAL)
        fields = Fields(
            signed.payload, "deal", {"plan", "meter", "mask_key", "self_digest", "sealed"}
        )
        result = cls(
            fields.hexadecimal("plan", DIGEST_BYTES),
            fields.hexadecimal("meter", METER_ID_BYTES),
            fields.hexadecimal("mask_key", PUBLIC_KEY_BYTES),
            fields.hexadecimal("self_digest", DIGEST_BYTES),
            tuple(fields.each("sealed", MOST_MEMBERS, _read_sealed)),
            signed.digest,
            token,
        )
        jws.check_signature(signed, [group.member(result.meter).key])
        openssl_key(result.mask_key)
        if result.plan != plan.digest:
            raise Refused("group-plan", "a deal of another run")
        if len(result.sealed) != len(group.members):
            raise Malformed("group-members", "a share for each member")
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        payload = {
            "plan": self.plan.hex(),
            "meter": self.meter.hex(),
            "mask_key": self.mask_key.hex(),
            "self_digest": self.self_digest.hex(),
            "sealed": [to_base64url(data) for data in self.sealed],
        }
        return jws.sign(DEAL, payload, key)


@dataclass(frozen=True)
class Roster:
    """Who takes part in a run: their deals, ascending by meter."""

    deals: tuple[Deal, ...]
    digest: bytes = b""

    @classmethod
    def open(cls, token: str, plan: Plan, group: GroupSet, trusted: Iterable[bytes]) -> Roster:
        """Refused `group-void` below the threshold."""
        signed = jws.parse(token, ROSTER)
        jws.check_signature(signed, trusted)
        fields = Fields(signed.payload, "roster", {"deals"})
        tokens = fields.each("deals", MOST_MEMBERS, _read_token)
        result = cls(tuple(Deal.open(one, plan, group) for one in tokens), signed.digest)
        meters = [deal.meter for deal in result.deals]
        if sorted(set(meters)) != meters:
            raise Malformed("group-members")
        check_enough(len(meters), group)
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        return jws.sign(ROSTER, {"deals": [deal.token for deal in self.deals]}, key)

    def deal(self, meter: bytes) -> Deal:
        """Refused `group-absent` for one who did not deal."""
        for deal in self.deals:
            if deal.meter == meter:
                return deal
        raise Refused("group-absent", meter.hex())


@dataclass(frozen=True)
class Share:
    """A member's masked readings and blindings, slot by slot, all modulo n."""

    roster: bytes
    meter: bytes
    values: tuple[int, ...]
    blindings: tuple[int, ...]
    digest: bytes = b""

    @classmethod
    def open(cls, token: str, roster: Roster, group: GroupSet, slots: int) -> Share:
        signed = jws.parse(token, SHARE)
        fields = Fields(signed.payload, "share", {"roster", "meter", "values", "blindings"})
        result = cls(
            fields.hexadecimal("roster", DIGEST_BYTES),
            fields.hexadecimal("meter", METER_ID_BYTES),
            _read_scalars(fields, "values", slots),
            _read_scalars(fields, "blindings", slots),
            signed.digest,
        )
        jws.check_signature(signed, [group.member(result.meter).key])
        roster.deal(result.meter)
        if result.roster != roster.digest:
            raise Refused("group-roster", "a share for another roster")
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        payload = {
            "roster": self.roster.hex(),
            "meter": self.meter.hex(),
            "values": _write_scalars(self.values),
            "blindings": _write_scalars(self.blindings),
        }
        return jws.sign(SHARE, payload, key)


@dataclass(frozen=True)
class Closing:
    """Whose shares came: (meter, digest of its share), ascending by meter. The rest dropped out."""

    roster: bytes
    came: tuple[tuple[bytes, bytes], ...]
    digest: bytes = b""

    @classmethod
    def open(cls, token: str, roster: Roster, group: GroupSet, trusted: Iterable[bytes]) -> Closing:
        """Refused `group-void` below the threshold."""
        signed = jws.parse(token, CLOSING)
        jws.check_signature(signed, trusted)
        fields = Fields(signed.payload, "closing", {"roster", "came"})
        result = cls(
            fields.hexadecimal("roster", DIGEST_BYTES),
            tuple(fields.each("came", MOST_MEMBERS, _read_came)),
            signed.digest,
        )
        if result.roster != roster.digest:
            raise Refused("group-roster", "the closing of another roster")
        if sorted(set(result.meters)) != list(result.meters):
            raise Malformed("group-members")
        for meter in result.meters:
            roster.deal(meter)
        check_enough(len(result.came), group)
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        came = [{"meter": meter.hex(), "share": share.hex()} for meter, share in self.came]
        return jws.sign(CLOSING, {"roster": self.roster.hex(), "came": came}, key)

    @property
    def meters(self) -> tuple[bytes, ...]:
        return tuple(meter for meter, _ in self.came)


@dataclass(frozen=True)
class Reveal:
    """A member's answer to a closing: for each of the roster one share, of the self secret of who
    answered or of the mask key of who dropped out. kinds[i] is which."""

    closing: bytes
    meter: bytes
    kinds: tuple[str, ...]
    shares: tuple[int, ...]

    @classmethod
    def open(cls, token: str, closing: Closing, roster: Roster, group: GroupSet) -> Reveal:
        signed = jws.parse(token, REVEAL)
        fields = Fields(signed.payload, "reveal", {"closing", "meter", "kinds", "shares"})
        kinds = tuple(fields.each("kinds", MOST_MEMBERS, _read_kind))
        result = cls(
            fields.hexadecimal("closing", DIGEST_BYTES),
            fields.hexadecimal("meter", METER_ID_BYTES),
            kinds,
            _read_scalars(fields, "shares", len(roster.deals)),
        )
        jws.check_signature(signed, [group.member(result.meter).key])
        if result.closing != closing.digest or result.kinds != kinds_of(closing, roster):
            raise Refused("group-closing", "answers another closing")
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        payload = {
            "closing": self.closing.hex(),
            "meter": self.meter.hex(),
            "kinds": list(self.kinds),
            "shares": _write_scalars(self.shares),
        }
        return jws.sign(REVEAL, payload, key)


def kinds_of(closing: Closing, roster: Roster) -> tuple[str, ...]:
    """What is revealed of each of the roster: never both."""
    came = set(closing.meters)
    return tuple("self" if deal.meter in came else "pair" for deal in roster.deals)


def check_enough(count: int, group: GroupSet) -> None:
    if count < group.threshold:
        wanted = f"{count} of {len(group.members)}, {group.threshold} are needed"
        raise Refused("group-void", wanted)


def _read_sealed(value: Any, where: str) -> bytes:
    if type(value) is not str:
        raise malformed(where)
    data = from_base64url(value, where)
    if len(data) != SEALED_BYTES:
        raise malformed(where)
    return data


def _read_came(value: Any, where: str) -> tuple[bytes, bytes]:
    fields = Fields(value, where, {"meter", "share"})
    meter = fields.hexadecimal("meter", METER_ID_BYTES)
    return meter, fields.hexadecimal("share", DIGEST_BYTES)


def _read_kind(value: Any, where: str) -> str:
    if type(value) is not str or value not in KINDS:
        raise malformed(where)
    return value


def _write_scalars(numbers: Iterable[int]) -> str:
    return to_base64url(b"".join(number.to_bytes(SCALAR_BYTES, "big") for number in numbers))


def _read_scalars(fields: Fields, name: str, count: int) -> tuple[int, ...]:
    data = fields.base64url(name, SCALAR_BYTES * MOST_SLOTS * 2)
    starts = range(0, len(data), SCALAR_BYTES)
    numbers = tuple(int.from_bytes(data[at : at + SCALAR_BYTES], "big") for at in starts)
    if len(data) != SCALAR_BYTES * count or any(number >= N for number in numbers):
        raise malformed(fields.where(name))
    return numbers
