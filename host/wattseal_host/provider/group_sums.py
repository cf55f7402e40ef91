"""The aggregator's side of a group sum: fix the set, plan a run, gather, and certify the sums.

It learns the sums of those whose shares came, and nothing of a single one: as long as fewer than
a third of the members are in league with it, and as many as it says are real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from joserfc.jwk import ECKey
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.p256 import N

from wattseal_host.group import masks
from wattseal_host.group.founding import GroupSet, Join, Plan
from wattseal_host.group.rounds import (
    Closing,
    Deal,
    Reveal,
    Roster,
    Share,
    check_enough,
    kinds_of,
)
from wattseal_host.group.total import Total, certify
from wattseal_host.keys import public_bytes
from wattseal_host.ledger import Ledger


def found(name: str, channel: str, joins: Sequence[str], ledger: Ledger, key: ECKey) -> str:
    """Fix the set of members, all of them meters of the ledger, measured alike.

    Raises Misuse `meter-unknown`, `group-unlike`; Refused `group-small`.
    """
    members = sorted(((Join.open(token)[0], token) for token in joins), key=lambda m: m[0].meter)
    known = {meter.meter: meter for meter in ledger.meters()}
    measured = set()
    for member, _ in members:
        if member.meter not in known:
            raise Misuse("meter-unknown", member.meter.hex())
        enrolled = known[member.meter]
        if channel not in enrolled.channels:
            raise Misuse("group-unlike", f"meter {member.meter.hex()} has no {channel}")
        measured.add((enrolled.unit, enrolled.interval_s))
    if len(measured) > 1:
        raise Misuse("group-unlike", "the meters' units or intervals differ")
    if not measured:
        raise Refused("group-small", "no members")
    unit, interval_s = measured.pop()
    return (
        GroupSet(
            name,
            channel,
            unit,
            interval_s,
            tuple(member for member, _ in members),
            tuple(token for _, token in members),
        )
        .sign(key)
        .token
    )


def plan(group: GroupSet, from_s: int, to_s: int, key: ECKey) -> str:
    """Plan a run over from_s <= t < to_s. Raises Malformed `group-slots`."""
    paper = Plan(group.digest, from_s, to_s)
    paper.slots(group.interval_s)
    return paper.sign(key).token


def roster(group: GroupSet, planned: Plan, deals: Sequence[str], key: ECKey) -> str:
    """Who dealt takes part. Raises Refused `group-void` below the threshold."""
    found = sorted((Deal.open(t, planned, group) for t in deals), key=lambda d: d.meter)
    _single([deal.meter for deal in found])
    check_enough(len(found), group)
    return Roster(tuple(found)).sign(key).token


def close(group: GroupSet, planned: Plan, listed: Roster, shares: Sequence[str], key: ECKey) -> str:
    """Whose shares came is in the sum. Raises Refused `group-void` below the threshold."""
    slots = len(planned.slots(group.interval_s))
    came = sorted(
        (s.meter, s.digest) for s in (Share.open(t, listed, group, slots) for t in shares)
    )
    _single([meter for meter, _ in came])
    check_enough(len(came), group)
    return Closing(listed.digest, tuple(came)).sign(key).token


def total(
    group: GroupSet,
    planned: Plan,
    listed: Roster,
    closing: Closing,
    shares: Sequence[str],
    reveals: Sequence[str],
    ledger: Ledger,
    key: ECKey,
) -> tuple[Total, str]:
    """Unmask the sums and certify them against the ledger's commitments.

    Raises Refused `group-void` (too few reveals), `group-share` (a share of the closing lacks),
    `group-reconstruct` (naming whose masks the revealed shares do not give), `group-record`,
    `group-sum`.
    """
    slots = planned.slots(group.interval_s)
    opened = [Share.open(token, listed, group, len(slots)) for token in shares]
    by_digest = {(share.meter, share.digest): share for share in opened}
    sums = [0] * (2 * len(slots))
    for meter, digest in closing.came:
        share = by_digest.get((meter, digest))
        if share is None:
            raise Refused("group-share", f"of meter {meter.hex()}")
        both = share.values + share.blindings
        sums = [(a + b) % N for a, b in zip(sums, both, strict=True)]
    answers = [Reveal.open(token, closing, listed, group) for token in reveals]
    _single([answer.meter for answer in answers])
    check_enough(len(answers), group)
    for at, kind in enumerate(kinds_of(closing, listed)):
        peer = listed.deals[at]
        parts = {group.place(a.meter) + 1: a.shares[at] for a in answers}
        secret = masks.join(dict(list(parts.items())[: group.threshold]))
        for sign, seed in _seeds(kind, secret, peer, planned, listed, closing):
            mask = masks.mask(seed, len(sums))
            sums = [(x - sign * m) % N for x, m in zip(sums, mask, strict=True)]
    half = len(slots)
    result = Total(
        group.digest, closing.meters, planned.from_s, tuple(sums[:half]), tuple(sums[half:])
    )
    certify(result, group, ledger)
    return result, result.sign(key).token


def _seeds(
    kind: str, secret: int, peer: Deal, planned: Plan, listed: Roster, closing: Closing
) -> list[tuple[int, bytes]]:
    """Which masks of a peer are in the sum of shares, with their signs there."""
    if kind == "self":
        seed = masks.self_seed(secret, planned.digest, peer.meter)
        if hashlib.sha256(seed).digest() != peer.self_digest:
            raise Refused("group-reconstruct", f"self mask of meter {peer.meter.hex()}")
        return [(1, seed)]
    if not secret or public_bytes(masks.signing_key(secret)) != peer.mask_key:
        raise Refused("group-reconstruct", f"pair masks of meter {peer.meter.hex()}")
    found = []
    for meter in closing.meters:
        seed = masks.pair_seed(
            secret, listed.deal(meter).mask_key, planned.digest, peer.meter, meter
        )
        found.append((1 if meter < peer.meter else -1, seed))
    return found


def _single(meters: Sequence[bytes]) -> None:
    if len(set(meters)) != len(meters):
        raise Malformed("group-members", "two papers of one member")
