"""A member's rounds in a group sum: deal, share, reveal. Each gives the member's file as it must
be saved before the paper leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from wattseal.errors import Refused
from wattseal.p256 import N

from wattseal_host.customer.group_store import Member, Run
from wattseal_host.customer.openings import Opening
from wattseal_host.group import masks
from wattseal_host.group.founding import GroupSet, Join, Plan
from wattseal_host.group.rounds import Closing, Deal, Reveal, Roster, Share, kinds_of
from wattseal_host.keys import public_bytes
from wattseal_host.units import CHANNELS


def join(member: Member) -> str:
    """The paper by which a member asks to be in a group."""
    key = masks.signing_key(member.key)
    channel = public_bytes(masks.signing_key(member.channel_key))
    return Join(member.meter, public_bytes(key), channel).sign(key).token


def deal(member: Member, group: GroupSet, plan: Plan) -> tuple[Member, str]:
    """Enter a run: fresh masks, and their secrets shared among the members. Dealing again gives
    the same paper. Raises Refused `group-key` when the set names another key for this meter,
    `group-share-again`."""
    known = member.run(plan.digest)
    if known is not None:
        return member, known.deal
    itself = group.member(member.meter)
    key = masks.signing_key(member.key)
    if itself != Join(member.meter, public_bytes(key), _public(member.channel_key)):
        raise Refused("group-key", "the set names other keys for this meter")
    run = Run(
        plan.digest,
        group.channel,
        plan.from_s,
        plan.to_s,
        masks.fresh_scalar(),
        masks.fresh_scalar(),
        "",
    )
    member.check_unshared(run)
    count = len(group.members)
    own = masks.split(run.self_secret, group.threshold, count)
    pair = masks.split(run.mask_secret, group.threshold, count)
    sealed = tuple(
        masks.seal(
            member.channel_key,
            peer.channel_key,
            plan.digest + member.meter + peer.meter,
            (own[at], pair[at]),
        )
        for at, peer in enumerate(group.members)
    )
    seed = masks.self_seed(run.self_secret, plan.digest, member.meter)
    paper = Deal(
        plan.digest,
        member.meter,
        _public(run.mask_secret),
        hashlib.sha256(seed).digest(),
        sealed,
    ).sign(key)
    return member.with_run(replace(run, deal=paper.token)), paper.token


def share(
    member: Member, group: GroupSet, plan: Plan, roster: Roster, openings: Sequence[Opening]
) -> tuple[Member, str]:
    """The masked readings of a run. openings: of the period's records, checked beforehand.

    Raises Refused `group-share-again` for a second roster of the run or an interval shared
    before, `group-record` unless there is one regular reading for each interval, `group-sealed`.
    """
    run = _entered(member, plan, roster)
    if run.roster not in (b"", roster.digest):
        raise Refused("group-share-again", "another roster of this run was answered")
    member.check_unshared(run)
    for peer in roster.deals:
        _unseal(member, group, plan, peer)
    channel = CHANNELS.index(group.channel)
    ours = [opening for opening in openings if opening.channel == channel]
    slots = plan.slots(group.interval_s)
    spans = [(opening.start_s, opening.length_s) for opening in ours]
    if spans != [(at_s, group.interval_s) for at_s in slots]:
        raise Refused("group-record", "no regular reading for each interval")
    numbers = [opening.value for opening in ours] + [opening.blinding for opening in ours]
    for sign, mask in _masks(run, plan, roster, member.meter, len(numbers)):
        numbers = [(x + sign * m) % N for x, m in zip(numbers, mask, strict=True)]
    half = len(ours)
    paper = Share(roster.digest, member.meter, tuple(numbers[:half]), tuple(numbers[half:]))
    signed = paper.sign(masks.signing_key(member.key))
    return member.with_run(replace(run, roster=roster.digest)), signed.token


def reveal(
    member: Member, group: GroupSet, plan: Plan, roster: Roster, closing: Closing
) -> tuple[Member, str]:
    """Answer a closing: of each peer one of its two secrets' shares.

    Raises Refused `group-both` for a second closing of the run: what one reveals of a peer would
    then be both its secrets, and `group-absent` where this member's own share is not in it.
    """
    run = _entered(member, plan, roster)
    if run.roster != roster.digest or member.meter not in closing.meters:
        raise Refused("group-absent", "this member's share is not in it")
    if run.closing not in (b"", closing.digest):
        raise Refused("group-both", "another closing of this run was answered")
    kinds = kinds_of(closing, roster)
    shares = []
    for peer, kind in zip(roster.deals, kinds, strict=True):
        own, pair = _unseal(member, group, plan, peer)
        shares.append(own if kind == "self" else pair)
    signed = Reveal(closing.digest, member.meter, kinds, tuple(shares)).sign(
        masks.signing_key(member.key)
    )
    return member.with_run(replace(run, closing=closing.digest)), signed.token


def _entered(member: Member, plan: Plan, roster: Roster) -> Run:
    run = member.run(plan.digest)
    if run is None or roster.deal(member.meter).token != run.deal:
        raise Refused("group-absent", "this member's deal is not in it")
    return run


def _unseal(member: Member, group: GroupSet, plan: Plan, peer: Deal) -> tuple[int, int]:
    place = group.place(member.meter)
    about = plan.digest + peer.meter + member.meter
    key = group.member(peer.meter).channel_key
    try:
        return masks.unseal(member.channel_key, key, about, peer.sealed[place])
    except Refused as error:
        raise Refused("group-sealed", f"by meter {peer.meter.hex()}") from error


def _masks(
    run: Run, plan: Plan, roster: Roster, meter: bytes, count: int
) -> list[tuple[int, list[int]]]:
    own = masks.self_seed(run.self_secret, plan.digest, meter)
    found = [(1, masks.mask(own, count))]
    for peer in roster.deals:
        if peer.meter != meter:
            seed = masks.pair_seed(run.mask_secret, peer.mask_key, plan.digest, meter, peer.meter)
            found.append((1 if meter < peer.meter else -1, masks.mask(seed, count)))
    return found


def _public(secret: int) -> bytes:
    return public_bytes(masks.signing_key(secret))
