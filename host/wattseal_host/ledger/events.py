"""What a meter's events have said so far, out of the ledger."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from wattseal.record import EVENT
from wattseal.standing import Standing

from wattseal_host.ledger.cells import record_of
from wattseal_host.ledger.tables import MeterRow, RecordRow


def standing(session: Session, row: MeterRow) -> Standing:
    """The state of all of a meter's events in the ledger, which holds its chain from the start."""
    query = (
        select(RecordRow.sealed)
        .where(RecordRow.meter_id == row.id, RecordRow.kind == EVENT)
        .order_by(RecordRow.seq)
    )
    state = Standing(True)
    for sealed in session.scalars(query):
        state.take(record_of(sealed))
    return state
