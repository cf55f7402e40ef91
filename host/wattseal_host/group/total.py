"""The sums of a run, and the check of them against the sealed records' commitments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey
from wattseal.commitment import VALUE_LIMIT
from wattseal.errors import Refused
from wattseal.p256 import SCALAR_BYTES, N
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host import jws
from wattseal_host.encoding import from_hex, malformed
from wattseal_host.engine import Point, check_openings, weighted_sum
from wattseal_host.fields import Fields
from wattseal_host.group.founding import MOST_MEMBERS, MOST_SLOTS, GroupSet
from wattseal_host.ledger import Ledger
from wattseal_host.stretch import points_of
from wattseal_host.units import CHANNELS

TOTAL = "wattseal-group-sum/1"


@dataclass(frozen=True)
class Total:
    """values[i], blindings[i]: what the members' commitments of interval i sum up to together.

    group: digest of the set; members: those whose readings are in it, ascending.
    """

    group: bytes
    members: tuple[bytes, ...]
    from_s: int
    values: tuple[int, ...]
    blindings: tuple[int, ...]

    @classmethod
    def open(cls, token: str, group: GroupSet, trusted: Iterable[bytes]) -> Total:
        """Refused `group-set`, `group-stranger`, `group-void`."""
        signed = jws.parse(token, TOTAL)
        jws.check_signature(signed, trusted)
        fields = Fields(signed.payload, "sum", {"set", "members", "from_s", "sums"})
        sums = fields.each("sums", MOST_SLOTS, _read_sum, least=1)
        result = cls(
            fields.hexadecimal("set", DIGEST_BYTES),
            tuple(fields.each("members", MOST_MEMBERS, _read_meter)),
            fields.time_s("from_s"),
            tuple(value for value, _ in sums),
            tuple(blinding for _, blinding in sums),
        )
        if result.group != group.digest:
            raise Refused("group-set", "the sum of another set of meters")
        if sorted(set(result.members)) != list(result.members):
            raise malformed(fields.where("members"))
        for meter in result.members:
            group.place(meter)
        if len(result.members) < group.threshold:
            raise Refused("group-void", f"{len(result.members)} members")
        return result

    def sign(self, key: ECKey) -> jws.Signed:
        both = zip(self.values, self.blindings, strict=True)
        payload = {
            "set": self.group.hex(),
            "members": [meter.hex() for meter in self.members],
            "from_s": self.from_s,
            "sums": [
                {"value": str(value), "blinding": blinding.to_bytes(SCALAR_BYTES, "big").hex()}
                for value, blinding in both
            ],
        }
        return jws.sign(TOTAL, payload, key)


def certify(total: Total, group: GroupSet, ledger: Ledger) -> None:
    """Every sum opens the sum of the members' commitments in the ledger's sealed records.

    Raises Refused `group-record` where a member has no regular record for an interval, and
    `group-sum` naming the first interval whose sum is false.
    """
    if any(not 0 <= value < VALUE_LIMIT * len(total.members) for value in total.values):
        raise Refused("group-sum", "no readings add up to that")
    points = [
        commitments(ledger, meter, group, total.from_s, len(total.values))
        for meter in total.members
    ]
    ones = [1] * len(points)
    sums = [weighted_sum(column, ones) for column in zip(*points, strict=True)]
    try:
        check_openings(_affine(sums), total.values, total.blindings)
    except Refused as error:
        for at, (point, value, blinding) in enumerate(
            zip(sums, total.values, total.blindings, strict=True)
        ):
            try:
                check_openings(_affine([point]), [value], [blinding])
            except Refused:
                raise Refused("group-sum", f"interval {at}") from error
        raise


def commitments(
    ledger: Ledger, meter: bytes, group: GroupSet, from_s: int, count: int
) -> list[Point]:
    """A member's commitment of each of `count` intervals. Refused `group-record`."""
    to_s = from_s + count * group.interval_s
    stretch = ledger.between(meter, from_s, to_s)
    channel = CHANNELS.index(group.channel)
    found: list[Point] = []
    for record, hints in zip(stretch.records, stretch.hints, strict=True):
        if not record.channels:
            continue
        regular = record.start_s == from_s + len(found) * group.interval_s
        if not regular or record.length_s != group.interval_s or len(record.channels) <= channel:
            break
        found.append(points_of(record, hints)[channel])
    if len(found) != count:
        raise Refused("group-record", f"meter {meter.hex()}, interval {len(found)}")
    return found


def _affine(points: Sequence[Point | None]) -> list[Point]:
    found = [point for point in points if point is not None]
    if len(found) != len(points):
        raise Refused("group-sum", "the commitments cancel out")
    return found


def _read_meter(value: Any, where: str) -> bytes:
    if type(value) is not str:
        raise malformed(where)
    return from_hex(value, METER_ID_BYTES, where)


def _read_sum(value: Any, where: str) -> tuple[int, int]:
    fields = Fields(value, where, {"value", "blinding"})
    blinding = int.from_bytes(fields.hexadecimal("blinding", SCALAR_BYTES), "big")
    if blinding >= N:
        raise malformed(fields.where("blinding"))
    return fields.decimal("value"), blinding
