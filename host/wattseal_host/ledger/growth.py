"""How a meter's records grow in the ledger: the next of its chain, and the rows they become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session
from wattseal.chain import Chain, Config
from wattseal.errors import Malformed, Refused
from wattseal.record import PAIRED, decode_paired, decode_sealed

from wattseal_host.ledger import apart, events, sums
from wattseal_host.ledger.apart import Reject
from wattseal_host.ledger.arrival import Arrival, Taken
from wattseal_host.ledger.cells import damaged, record_of
from wattseal_host.ledger.tables import CursorRow, MeterRow, RecordRow

PART = 2048  # records checked at once
_COUNT = "SELECT count(*) FROM records WHERE meter_id = :meter"
# As they are: a check is about to judge each cell.
_WHOLE = "SELECT * FROM records WHERE meter_id = :meter ORDER BY seq LIMIT :most OFFSET :at"


def append(
    session: Session, row: MeterRow, sealed: Sequence[bytes], source: str, now_s: int
) -> tuple[int, Malformed | Refused | None]:
    """Verify and store the next records; (how many were new, why the one after them was not).

    Nothing is raised: what was kept apart of a refused record is to be committed too.
    """
    failure: Malformed | Refused | None = None
    known = next_seq(session, row)
    arrival = Arrival(chain_after(session, row, known))
    fresh: list[Taken] = []
    for data in sealed:
        try:
            held = held_at(session, row, data, known)
            if held is None:
                fresh.append(arrival.take(data))
            elif held != data:
                raise apart.keep_fork(session, row, held, data, source, now_s)
        except (Malformed, Refused) as error:
            failure = error
            reject = Reject(now_s, source, error.code, error.detail, data)
            apart.keep_reject(session, row, reject)
            break
    if fresh:
        session.execute(insert(RecordRow), rows_of(session, row, known, fresh))
    cursor = CursorRow(meter_id=row.id, source=source, read_s=now_s)
    cursor.next_seq = known + len(fresh)
    session.merge(cursor)
    return len(fresh), failure


def check(session: Session, row: MeterRow) -> Iterator[tuple[int, int]]:
    """Verify every record from its sealed bytes, and the row's other columns by them; (records
    done, of all) after each part. Raises as `Ledger.check` does."""
    mine = text(_WHOLE)
    total = session.execute(text(_COUNT), {"meter": row.id}).scalar_one()
    arrival = Arrival(chain_after(session, row, 0))
    last: RecordRow | None = None
    done = 0
    while done < total:
        found = session.execute(mine, {"meter": row.id, "at": done, "most": PART}).all()
        taken = []
        for at, held in enumerate(found, done):
            if type(held.sealed) is not bytes:
                raise damaged(f"record {at}: sealed")
            taken.append(arrival.take(held.sealed))
        follow = rows_after(row, last, taken)
        for at, (held, right) in enumerate(zip(found, follow, strict=True), done):
            for name, value in right.items():
                if getattr(held, name) != value:
                    raise damaged(f"record {at}: {name}")
        last = RecordRow(**follow[-1])
        done += len(found)
        yield done, total


def next_seq(session: Session, row: MeterRow) -> int:
    """The sequence number that the ledger waits for."""
    query = select(RecordRow.seq).where(RecordRow.meter_id == row.id)
    last = session.scalar(query.order_by(RecordRow.seq.desc()).limit(1))
    return 0 if last is None else last + 1


def chain_after(session: Session, row: MeterRow, known: int) -> Chain:
    """The chain's state after the first `known` records."""
    config = Config(row.interval_s, row.unit_exponent, row.channel_set)
    if known == 0:
        return Chain(row.key, config)
    last = session.get_one(RecordRow, (row.id, known - 1))
    record = record_of(last.sealed)
    epoch = decode_paired(record.payload)[0] if record.event == PAIRED else record.epoch
    chain = Chain(row.key, config, last.digest, known, record.end_s, record.boot, epoch)
    chain.standing = events.standing(session, row)
    return chain


def held_at(session: Session, row: MeterRow, data: bytes, known: int) -> bytes | None:
    """The record the ledger holds in the place of this one, if it does."""
    seq = decode_sealed(data).seq
    return session.get_one(RecordRow, (row.id, seq)).sealed if seq < known else None


def rows_of(
    session: Session, row: MeterRow, known: int, fresh: Sequence[Taken]
) -> list[dict[str, Any]]:
    """Rows of fresh records after the `known` ones."""
    last = session.get_one(RecordRow, (row.id, known - 1)) if known else None
    return rows_after(row, last, fresh)


def rows_after(
    row: MeterRow, last: RecordRow | None, fresh: Sequence[Taken]
) -> list[dict[str, Any]]:
    """Rows of records that follow `last`, every column computed from the records."""
    channels = row.channel_set.bit_count()
    following = sums.after(last, channels, [(taken.record, taken.hints) for taken in fresh])
    return [
        {
            "meter_id": row.id,
            "seq": taken.record.seq,
            "start_s": taken.record.start_s,
            "length_s": taken.record.length_s,
            "kind": taken.record.kind,
            "epoch": taken.record.epoch,
            "boot": taken.record.boot,
            "digest": taken.digest,
            "sealed": taken.sealed,
            "hints": taken.hints,
            "readings": readings,
            "sums": summed,
        }
        for taken, (readings, summed) in zip(fresh, following, strict=True)
    ]
