"""What the ledger keeps apart from its records, in bounded room: rejects, forks, places.

A meter that talks nonsense for years fills no disk: a reject is kept once and cut to
MAX_REJECT_BYTES; of a meter's rejects the first KEEP_FIRST and the last KEEP_LAST stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from wattseal.errors import Malformed, Refused
from wattseal.fork import check_fork

from wattseal_host.evidence import Evidence
from wattseal_host.ledger.tables import ForkRow, MeterRow, PlaceRow, RecordRow, RejectRow

MAX_REJECT_BYTES = 512
KEEP_FIRST = 64
KEEP_LAST = 192
MAX_FORKS = 64


@dataclass(frozen=True)
class Reject:
    """A record that was turned away: when (UTC), from where, why, and its bytes (at most
    MAX_REJECT_BYTES of them)."""

    received_s: int
    source: str
    code: str
    detail: str
    sealed: bytes


def keep_reject(session: Session, row: MeterRow, reject: Reject) -> None:
    """Keep it, unless the same bytes were turned away for the same reason before."""
    sealed = reject.sealed[:MAX_REJECT_BYTES]
    mine = RejectRow.meter_id == row.id
    same = select(RejectRow.id).where(
        mine, RejectRow.code == reject.code, RejectRow.sealed == sealed
    )
    if session.scalar(same.limit(1)) is not None:
        return
    session.add(
        RejectRow(
            meter_id=row.id,
            received_s=reject.received_s,
            source=reject.source,
            code=reject.code,
            detail=reject.detail,
            sealed=sealed,
        )
    )
    session.flush()
    ids = select(RejectRow.id).where(mine)
    first = ids.order_by(RejectRow.id).limit(KEEP_FIRST)
    last = ids.order_by(RejectRow.id.desc()).limit(KEEP_LAST)
    session.execute(
        delete(RejectRow).where(mine, ~RejectRow.id.in_(first), ~RejectRow.id.in_(last))
    )


def rejects_of(session: Session, row: MeterRow) -> list[Reject]:
    query = select(RejectRow).where(RejectRow.meter_id == row.id).order_by(RejectRow.id)
    return [
        Reject(r.received_s, r.source, r.code, r.detail, r.sealed) for r in session.scalars(query)
    ]


def keep_fork(
    session: Session, row: MeterRow, known: bytes, other: bytes, source: str, received_s: int
) -> Refused:
    """The refusal of a record `other` where the ledger holds `known` of the same place.

    `meter-forked` (`meter-wiped` at the first place) if the meter signed both, and then `other`
    is kept as evidence, one for each place and MAX_FORKS in all; `record-differs` if it did not.
    """
    try:
        seq = check_fork(known, other, row.key)[0].seq
    except (Malformed, Refused) as error:
        return Refused("record-differs", f"and is no evidence: {error}")
    count = session.scalar(select(func.count()).where(ForkRow.meter_id == row.id)) or 0
    if count < MAX_FORKS and session.get(ForkRow, (row.id, seq)) is None:
        fork = ForkRow(meter_id=row.id, seq=seq, received_s=received_s, source=source)
        fork.sealed = other
        session.add(fork)
    # Two beginnings: not one step back, but all of the meter's memory but its key is gone.
    code = "meter-wiped" if seq == 0 else "meter-forked"
    return Refused(code, f"the meter signed two records {seq}")


def forks_of(session: Session, row: MeterRow) -> list[Evidence]:
    query = (
        select(RecordRow.sealed, ForkRow.sealed)
        .where(RecordRow.meter_id == ForkRow.meter_id, RecordRow.seq == ForkRow.seq)
        .where(ForkRow.meter_id == row.id)
        .order_by(ForkRow.seq)
    )
    return [Evidence.of(row.key, known, other) for known, other in session.execute(query)]


def meter_at(session: Session, place: str) -> MeterRow | None:
    """The meter that was read at a place (a port's name) the last time."""
    known = session.get(PlaceRow, place)
    return None if known is None else session.get_one(MeterRow, known.meter_id)


def note_place(session: Session, place: str, row: MeterRow, read_s: int) -> None:
    session.merge(PlaceRow(place=place, meter_id=row.id, read_s=read_s))
