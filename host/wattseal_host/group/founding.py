"""What is fixed before any share: who is in the group, and over which time a sum goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Refused
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host import jws
from wattseal_host.documents import MAX_INTERVAL_S
from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.keys import PUBLIC_KEY_BYTES, openssl_key
from wattseal_host.units import CHANNELS, Unit

JOIN = "wattseal-group-join/1"
SET = "wattseal-group-set/1"
PLAN = "wattseal-group-plan/1"
LEAST_MEMBERS = 10
MOST_MEMBERS = 150
MOST_SLOTS = 2000


def threshold(members: int) -> int:
    """How many must answer: over two thirds, and never fewer than ten.

    For both secrets of a peer t shares of each are needed, and an honest member gives one of the
    two; with 2t > n + c that is out of reach for c members in league with the aggregator.
    """
    return max(LEAST_MEMBERS, 2 * members // 3 + 1)


@dataclass(frozen=True)
class Join:
    """A customer's wish to belong to groups. meter: 16 bytes; key: signs this member's papers;
    channel_key: others seal shares for it (33 bytes each)."""

    meter: bytes
    key: bytes
    channel_key: bytes

    @classmethod
    def open(cls, token: str) -> tuple[Join, jws.Signed]:
        """Read one and check that it is signed by the key it names. Malformed, Refused."""
        signed = jws.parse(token, JOIN)
        fields = Fields(signed.payload, "join", {"meter", "key", "channel_key"})
        result = cls(
            fields.hexadecimal("meter", METER_ID_BYTES),
            fields.hexadecimal("key", PUBLIC_KEY_BYTES),
            fields.hexadecimal("channel_key", PUBLIC_KEY_BYTES),
        )
        openssl_key(result.channel_key)
        jws.check_signature(signed, [result.key])
        return result, signed

    def sign(self, key: ECKey) -> jws.Signed:
        payload = {
            "meter": self.meter.hex(),
            "key": self.key.hex(),
            "channel_key": self.channel_key.hex(),
        }
        return jws.sign(JOIN, payload, key)


@dataclass(frozen=True)
class GroupSet:
    """The group: members ascending by meter; digest: what every later paper rests on."""

    name: str
    channel: str
    unit: Unit
    interval_s: int
    members: tuple[Join, ...]
    joins: tuple[str, ...]
    digest: bytes = b""

    @classmethod
    def open(cls, token: str, trusted: Iterable[bytes]) -> GroupSet:
        """Refused `group-small` under ten members; Malformed `group-members` where two share a
        meter or a key, or they are not in order."""
        signed = jws.parse(token, SET)
        jws.check_signature(signed, trusted)
        names = {"name", "channel", "unit", "interval_s", "members"}
        fields = Fields(signed.payload, "set", names)
        joins = tuple(fields.each("members", MOST_MEMBERS, _read_token))
        result = cls(
            fields.text("name", 120),
            fields.choice("channel", CHANNELS),
            Unit.read(fields.raw("unit"), fields.where("unit")),
            fields.integer("interval_s", 1, MAX_INTERVAL_S),
            tuple(Join.open(join)[0] for join in joins),
            joins,
            signed.digest,
        )
        check_members(result.members)
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        check_members(self.members)
        payload = {
            "name": self.name,
            "channel": self.channel,
            "unit": self.unit.write(),
            "interval_s": self.interval_s,
            "members": list(self.joins),
        }
        return jws.sign(SET, payload, key)

    @property
    def threshold(self) -> int:
        return threshold(len(self.members))

    def place(self, meter: bytes) -> int:
        """A member's place, from 0. Refused `group-stranger`."""
        for place, member in enumerate(self.members):
            if member.meter == meter:
                return place
        raise Refused("group-stranger", meter.hex())

    def member(self, meter: bytes) -> Join:
        return self.members[self.place(meter)]


def check_members(members: Sequence[Join]) -> None:
    """Refused `group-small`, Malformed `group-members`."""
    if len(members) < LEAST_MEMBERS:
        raise Refused("group-small", f"{len(members)} members, {LEAST_MEMBERS} are the least")
    meters = [member.meter for member in members]
    everything = [key for member in members for key in (member.key, member.channel_key)]
    if sorted(set(meters)) != meters or len(set(everything)) != len(everything):
        raise Malformed("group-members")


@dataclass(frozen=True)
class Plan:
    """One run: sums of every interval of from_s <= t < to_s over one set. digest: of the paper."""

    group: bytes
    from_s: int
    to_s: int
    digest: bytes = b""

    @classmethod
    def open(cls, token: str, group: GroupSet, trusted: Iterable[bytes]) -> Plan:
        """Refused `group-set` when it is for another set; Malformed `group-slots` when the time
        is no whole number of intervals, 1 to 2000."""
        signed = jws.parse(token, PLAN)
        jws.check_signature(signed, trusted)
        fields = Fields(signed.payload, "plan", {"set", "from_s", "to_s"})
        result = cls(
            fields.hexadecimal("set", DIGEST_BYTES),
            fields.time_s("from_s"),
            fields.time_s("to_s"),
            signed.digest,
        )
        if result.group != group.digest:
            raise Refused("group-set", "the plan is for another set of meters")
        result.slots(group.interval_s)
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        payload = {"set": self.group.hex(), "from_s": self.from_s, "to_s": self.to_s}
        return jws.sign(PLAN, payload, key)

    def slots(self, interval_s: int) -> range:
        """The beginnings of the intervals."""
        starts = range(self.from_s, self.to_s, interval_s)
        whole = self.from_s % interval_s == 0 and self.to_s % interval_s == 0
        if not whole or not 1 <= len(starts) <= MOST_SLOTS:
            raise Malformed("group-slots")
        return starts


def _read_token(value: Any, where: str) -> str:
    if type(value) is not str or not value.isascii():
        raise malformed(where)
    return value
