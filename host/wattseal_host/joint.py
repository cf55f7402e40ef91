"""Meters in each other's place within one bill: what must be so for their records to be one course.

The provider's documents say which meter followed which, and where the billing of the next one
begins: with its ORIGIN, or at a later time they name (`replacement`). Nothing else may lie between
two meters of a bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from wattseal.errors import Refused

from wattseal_host.case import Part
from wattseal_host.documents import Contract, Enrolment
from wattseal_host.replacement import Replacement


def check_papers(
    meters: Sequence[tuple[Enrolment, Contract]], links: Sequence[Replacement]
) -> None:
    """Refuse papers that are not of one customer's meters, each in the place of the one before.

    Refused `stretch-repeated` (a meter twice), `replacement-count`, `replacement-meter` (a document
    about others), `stretch-config` (they measure differently), `contract-number`.
    """
    if len({enrolment.meter for enrolment, _ in meters}) != len(meters):
        raise Refused("stretch-repeated", "a meter comes back")
    if len(links) != len(meters) - 1:
        raise Refused("replacement-count", f"{len(links)} for {len(meters)} meters")
    for link, ((old, _), (new, _)) in zip(links, pairwise(meters), strict=True):
        if (link.meter, link.successor) != (old.meter, new.meter):
            raise Refused("replacement-meter", f"{link.meter.hex()} to {link.successor.hex()}")
    first, agreed = meters[0]
    for enrolment, contract in meters[1:]:
        if (enrolment.unit, enrolment.interval_s, enrolment.channels) != (
            first.unit,
            first.interval_s,
            first.channels,
        ):
            raise Refused("stretch-config", f"{enrolment.meter.hex()} measures otherwise")
        if contract.number != agreed.number:
            raise Refused("contract-number", f"{agreed.number} and {contract.number}")


def check_course(parts: Sequence[Part], links: Sequence[Replacement]) -> tuple[str, ...]:
    """Refuse stretches that do not follow each other as the documents say; for people, when nobody
    measured.

    Refused `stretch-open` (a meter before the last one whose chain is not closed), `stretch-empty`,
    `replacement-last`, `replacement-time` (the document says another end), `stretch-overlap` or
    `stretch-begin` (the next meter's records do not begin where the document says).
    """
    notes = []
    for part in parts:
        if not part.readings.spans():
            raise Refused("stretch-empty", part.enrolment.meter.hex())
    for link, (old, new) in zip(links, pairwise(parts), strict=True):
        ended, begun = old.readings, new.readings
        if not ended.closed:
            raise Refused("stretch-open", f"the chain of {old.enrolment.meter.hex()} goes on")
        if ended.last != link.last:
            raise Refused("replacement-last", old.enrolment.meter.hex())
        if ended.to_s != link.at_s:
            raise Refused("replacement-time", f"{link.at_s} is not {ended.to_s}")
        if begun.from_s < ended.to_s:
            raise Refused("stretch-overlap", f"{begun.from_s} is before {ended.to_s}")
        if begun.first_seq if link.from_s is None else begun.from_s != link.from_s:
            raise Refused("stretch-begin", f"not with record {begun.first_seq}")
        if begun.from_s > ended.to_s:
            notes.append(f"not metered: {_utc(ended.to_s)} to {_utc(begun.from_s)}")
    return tuple(notes)


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
