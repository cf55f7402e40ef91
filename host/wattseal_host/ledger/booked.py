"""The bills a provider accepted, beside the records they are about: billed periods of a meter
never overlap, and one contract follows another only knowingly."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session
from wattseal.errors import Refused

from wattseal_host.ledger.meters import row_of
from wattseal_host.ledger.tables import BillRow, MeterRow, RecordRow
from wattseal_host.statement import AnyStatement, Metered
from wattseal_host.strict_json import dumps


def book(session: Session, said: AnyStatement, now_s: int, new_contract: bool) -> tuple[str, ...]:
    """Note a bill that verified, for each of its meters or for none; what people should know of it.
    The same statement again is the same bill. Raises Refused `period-overlap`, `contract-other`
    (unless `new_contract`)."""
    digest = sha256(dumps(said.write())).digest()
    notes: list[str] = []
    rows = []
    for one in said.stretches:
        row = row_of(session, one.meter)
        found = _check(session, row, one, digest, new_contract)
        if found is None:
            return ("this very bill was accepted before",)
        notes += found
        rows.append(
            BillRow(
                meter_id=row.id,
                from_s=one.from_s,
                to_s=one.to_s,
                contract=one.contract,
                statement=digest,
                accepted_s=now_s,
            )
        )
    session.add_all(rows)
    session.flush()
    return tuple(notes)


def _check(
    session: Session, row: MeterRow, said: Metered, digest: bytes, new_contract: bool
) -> list[str] | None:
    """What to know of one meter's part of a bill; None if the bill is noted already."""
    mine = select(BillRow).where(BillRow.meter_id == row.id)
    others = session.scalars(
        mine.where(BillRow.from_s < said.to_s, BillRow.to_s > said.from_s).order_by(BillRow.from_s)
    ).all()
    for other in others:
        if other.statement == digest:
            return None
        raise Refused("period-overlap", f"with bill {_named(other)}")
    before = session.scalar(
        mine.where(BillRow.to_s <= said.from_s).order_by(BillRow.from_s.desc()).limit(1)
    )
    beside = before or session.scalar(mine.order_by(BillRow.from_s).limit(1))
    if beside is not None and beside.contract != said.contract and not new_contract:
        raise Refused(
            "contract-other", f"{beside.contract.hex()} is the contract of bill {_named(beside)}"
        )
    first = session.get(RecordRow, (row.id, 0))
    # Of a meter never billed before, what it sealed from its very first record on is nobody's yet.
    end_s = before.to_s if before else first.start_s if first else said.from_s
    if end_s < said.from_s or (before and end_s != said.from_s):
        return [f"not billed: {_utc(end_s)} to {_utc(said.from_s)}"]
    return []


def _named(bill: BillRow) -> str:
    return f"{bill.statement.hex()} of {_utc(bill.from_s)} to {_utc(bill.to_s)}"


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
