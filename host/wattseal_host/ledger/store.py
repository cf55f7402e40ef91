"""The ledger's operations on SQLite.

A record enters only after it was verified as the next of its meter's chain, signature included,
and a batch is one transaction: at every moment the ledger holds a complete stretch of each
meter's chain, from its first record on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError, NoResultFound
from sqlalchemy.orm import Session
from wattseal.chain import Chain, Config
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.record import PAIRED, Record, decode_paired, decode_sealed

from wattseal_host.documents import Enrolment
from wattseal_host.errors import Unusable
from wattseal_host.evidence import Evidence
from wattseal_host.keys import openssl_key
from wattseal_host.ledger import apart, booked, events, sums
from wattseal_host.ledger.apart import Reject
from wattseal_host.ledger.arrival import Arrival, Taken
from wattseal_host.ledger.cells import damaged, record_of
from wattseal_host.ledger.sums import View
from wattseal_host.ledger.tables import Base, CursorRow, MeterRow, RecordRow
from wattseal_host.statement import Statement
from wattseal_host.stretch import Stretch
from wattseal_host.units import Unit, channels_of

_WRITE = "wattseal_write"
TURN_TIMEOUT_S = 60
PART = 2048  # records checked at once
_COUNT = "SELECT count(*) FROM records WHERE meter_id = :meter"
# As they are: a check is about to judge each cell.
_WHOLE = "SELECT * FROM records WHERE meter_id = :meter ORDER BY seq LIMIT :most OFFSET :at"


class Ledger:
    """A ledger file. Use as a context manager. Any number of threads and processes may have it
    open, each with a Ledger of its own: writers take turns."""

    def __init__(
        self, path: str | os.PathLike[str], clock: Callable[[], float] = time.time
    ) -> None:
        """Open or create. Raises Unusable `ledger-file` for a file that is something else.

        clock: UTC seconds, for what is noted beside the records.
        """
        self._clock = clock
        self._engine = create_engine(
            f"sqlite:///{os.fspath(path)}", connect_args={"timeout": TURN_TIMEOUT_S}
        )
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        try:
            # Two that make the ledger at the same time must not both make its tables.
            with self._transaction(write=not _has_tables(self._engine)) as session:
                Base.metadata.create_all(session.connection())
        except Unusable as error:
            self._engine.dispose()
            raise Unusable("ledger-file", f"{path} cannot be opened as a ledger") from error

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engine.dispose()

    @classmethod
    def existing(cls, path: str | os.PathLike[str]) -> Ledger:
        """Open for what only looks: a mistyped name makes no ledger. Raises Unusable
        `file-missing`, or `ledger-file` as opening does."""
        if not os.path.exists(path):
            raise Unusable("file-missing", os.fspath(path))
        return cls(path)

    @contextmanager
    def _transaction(self, write: bool = False) -> Iterator[Session]:
        """One transaction; one that writes locks the file from its beginning, so that nobody
        else's records come between what it reads and what it writes."""
        try:
            with Session(self._engine) as session, session.begin():
                session.connection(execution_options={_WRITE: write})
                yield session
        except DatabaseError as error:
            raise Unusable("ledger-file", str(error.orig)) from error
        except NoResultFound as error:
            raise damaged("a row is missing") from error
        except UnicodeDecodeError as error:
            # SQLite's own words on what is damaged, with the damage in them.
            raise damaged("its tables are none any more") from error

    def add_meter(self, meter: Enrolment, enrolment_jws: str | None = None) -> None:
        """Register a meter; or attach its signed enrolment to one already known.

        Raises Refused `meter-differs` if the ledger knows it with another configuration.
        """
        with self._transaction(write=True) as session:
            row = session.scalar(select(MeterRow).where(MeterRow.meter == meter.meter))
            if row is None:
                row = MeterRow(
                    meter=meter.meter,
                    key=meter.key,
                    unit_name=meter.unit.name,
                    unit_exponent=meter.unit.exponent,
                    interval_s=meter.interval_s,
                    channel_set=meter.channel_set,
                )
                session.add(row)
            elif _enrolment_of(row) != meter:
                raise Refused("meter-differs", meter.meter.hex())
            if enrolment_jws is not None:
                row.enrolment = enrolment_jws

    def meters(self) -> list[Enrolment]:
        """Every meter the ledger knows, in the order they came."""
        with self._transaction() as session:
            return [_enrolment_of(row) for row in session.scalars(select(MeterRow))]

    def enrolment_jws(self, meter: bytes) -> str | None:
        """The signed enrolment that `add_meter` was given."""
        with self._transaction() as session:
            return _meter_row(session, meter).enrolment

    def next_seq(self, meter: bytes) -> int:
        """The sequence number the ledger waits for: where collecting goes on."""
        with self._transaction() as session:
            return _next_seq(session, _meter_row(session, meter))

    def append(self, meter: bytes, sealed: Sequence[bytes], source: str) -> int:
        """Verify and store the next records of a meter; how many were new.

        source: where they were read ("utility", "customer"), for the cursor and the rejects.
        Records the ledger has must be the same bytes again: else Refused `meter-forked` or
        `meter-wiped` if the meter signed both (see `forks`), `record-differs` if not. The first
        record that does not verify is kept among the rejects, those before it are stored, and
        its Refused or Malformed is raised.
        """
        failure: Malformed | Refused | None = None
        with self._transaction(write=True) as session:
            row = _meter_row(session, meter)
            known = _next_seq(session, row)
            now_s = int(self._clock())
            arrival = Arrival(_chain_after(session, row, known))
            fresh: list[Taken] = []
            for data in sealed:
                try:
                    held = _known(session, row, data, known)
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
                session.execute(insert(RecordRow), _rows(session, row, known, fresh))
            cursor = CursorRow(meter_id=row.id, source=source, read_s=now_s)
            cursor.next_seq = known + len(fresh)
            session.merge(cursor)
        if failure is not None:
            raise failure
        return len(fresh)

    def sealed(self, meter: bytes, from_seq: int = 0) -> list[bytes]:
        """Sealed records from a sequence number on."""
        with self._transaction() as session:
            row = _meter_row(session, meter)
            query = (
                select(RecordRow.sealed)
                .where(RecordRow.meter_id == row.id, RecordRow.seq >= from_seq)
                .order_by(RecordRow.seq)
            )
            return list(session.scalars(query))

    def check(self, meter: bytes) -> Iterator[tuple[int, int]]:
        """Verify every record of a meter from its sealed bytes alone, and that each row's other
        columns are what follows from them; (records done, of all) after each part.

        Raises what `Arrival.take` does, or Unusable `ledger-damaged`, naming the record.
        """
        with self._transaction() as session:
            row = _meter_row(session, meter)
            mine = text(_WHOLE)
            total = session.execute(text(_COUNT), {"meter": row.id}).scalar_one()
            arrival = Arrival(_chain_after(session, row, 0))
            last: RecordRow | None = None
            done = 0
            while done < total:
                found = session.execute(mine, {"meter": row.id, "at": done, "most": PART}).all()
                taken = []
                for at, held in enumerate(found, done):
                    if type(held.sealed) is not bytes:
                        raise damaged(f"record {at}: sealed")
                    taken.append(arrival.take(held.sealed))
                follow = _rows_after(row, last, taken)
                for at, (held, right) in enumerate(zip(found, follow, strict=True), done):
                    for name, value in right.items():
                        if getattr(held, name) != value:
                            raise damaged(f"record {at}: {name}")
                last = RecordRow(**follow[-1])
                done += len(found)
                yield done, total

    def sealed_at(self, meter: bytes, seq: int) -> bytes | None:
        """The sealed record of one place, None if the ledger has none there."""
        with self._transaction() as session:
            record = session.get(RecordRow, (_meter_row(session, meter).id, seq))
            return None if record is None else record.sealed

    def last(self, meter: bytes) -> Record | None:
        """The newest record; None before the first."""
        with self._transaction() as session:
            row = _meter_row(session, meter)
            known = _next_seq(session, row)
            if known == 0:
                return None
            return record_of(session.get_one(RecordRow, (row.id, known - 1)).sealed)

    def period(self, meter: bytes, from_s: int, to_s: int) -> Stretch:
        """The stretch of a period (see `Stretch.period`); Refused `period-incomplete`."""
        return self.between(meter, from_s, to_s).period(from_s, to_s)

    def between(self, meter: bytes, from_s: int, to_s: int) -> Stretch:
        """Whatever records begin within from_s <= t < to_s."""
        with self._transaction() as session:
            row = _meter_row(session, meter)
            query = (
                select(RecordRow.sealed, RecordRow.hints)
                .where(RecordRow.meter_id == row.id)
                .where(RecordRow.start_s >= from_s, RecordRow.start_s < to_s)
                .order_by(RecordRow.seq)
            )
            rows = session.execute(query).all()
        records = tuple(record_of(sealed) for sealed, _ in rows)
        return Stretch(records, tuple(hints for _, hints in rows))

    @contextmanager
    def view(self, meter: bytes) -> Iterator[View]:
        """Look at one meter's chain in one transaction. Misuse `meter-unknown`."""
        with self._transaction() as session:
            row = _meter_row(session, meter)
            yield View(session, row, _enrolment_of(row))

    def rejects(self, meter: bytes) -> list[Reject]:
        """What was turned away of a meter, oldest first."""
        with self._transaction() as session:
            return apart.rejects_of(session, _meter_row(session, meter))

    def forks(self, meter: bytes) -> list[Evidence]:
        """Evidence of every place for which the meter was found to have signed two records."""
        with self._transaction() as session:
            return apart.forks_of(session, _meter_row(session, meter))

    def book(
        self, bills: Sequence[Statement], new_contract: bool = False
    ) -> list[tuple[str, ...] | Refused]:
        """Note bills that verified as accepted, in one transaction; for each what people should
        know, or why it is refused: `period-overlap` with a bill accepted before, `contract-other`
        than that of the meter's bill before it (unless `new_contract`)."""
        result: list[tuple[str, ...] | Refused] = []
        with self._transaction(write=True) as session:
            now_s = int(self._clock())
            for said in bills:
                row = _meter_row(session, said.meter)
                try:
                    result.append(booked.book(session, row, said, now_s, new_contract))
                except Refused as error:
                    result.append(error)
        return result

    def arrive(self, place: str, meter: Enrolment, accept_new: bool = False) -> None:
        """Note that a meter answers at a port, and register it if the ledger does not know it.

        Raises Refused `meter-differs` as `add_meter` does, and `meter-replaced` if another
        meter answered there before and this one was never seen, unless `accept_new`.
        """
        with self._transaction() as session:
            before = apart.meter_at(session, place)
            known = session.scalar(select(MeterRow.id).where(MeterRow.meter == meter.meter))
            if before is not None and known is None and not accept_new:
                was = before.meter.hex()
                raise Refused("meter-replaced", f"{meter.meter.hex()} where {was} was before")
        self.add_meter(meter)
        with self._transaction(write=True) as session:
            row = _meter_row(session, meter.meter)
            apart.note_place(session, place, row, int(self._clock()))


def _has_tables(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            return set(Base.metadata.tables) <= set(inspect(connection).get_table_names())
    except (DatabaseError, UnicodeDecodeError):
        return False


def _prepare(connection: Any, _: Any) -> None:
    # The driver's own idea of transactions begins them late; `_begin` does it when we say so.
    connection.isolation_level = None
    connection.text_factory = _text
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # One file, not three: a ledger is copied and handed over. A rollback journal with full
    # synchronisation survives a power cut just as well as a write-ahead log.
    cursor.execute("PRAGMA journal_mode = DELETE")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _meter_row(session: Session, meter: bytes) -> MeterRow:
    row = session.scalar(select(MeterRow).where(MeterRow.meter == meter))
    if row is None:
        raise Misuse("meter-unknown", meter.hex())
    return row


def _enrolment_of(row: MeterRow) -> Enrolment:
    return _enrolment(
        row.meter, row.key, row.unit_name, row.unit_exponent, row.interval_s, row.channel_set
    )


@lru_cache(4096)
def _enrolment(
    meter: bytes, key: bytes, name: str, exponent: int, interval_s: int, channel_set: int
) -> Enrolment:
    try:
        openssl_key(key)
        channels = channels_of(channel_set)
        found = Enrolment(meter, key, Unit(name, exponent), interval_s, channels)
        return Enrolment.read(found.write())
    except Malformed as error:
        raise damaged(f"meter {meter.hex()}: {error}") from error


def _next_seq(session: Session, row: MeterRow) -> int:
    query = select(RecordRow.seq).where(RecordRow.meter_id == row.id)
    last = session.scalar(query.order_by(RecordRow.seq.desc()).limit(1))
    return 0 if last is None else last + 1


def _chain_after(session: Session, row: MeterRow, known: int) -> Chain:
    config = Config(row.interval_s, row.unit_exponent, row.channel_set)
    if known == 0:
        return Chain(row.key, config)
    last = session.get_one(RecordRow, (row.id, known - 1))
    record = record_of(last.sealed)
    epoch = decode_paired(record.payload)[0] if record.event == PAIRED else record.epoch
    chain = Chain(row.key, config, last.digest, known, record.end_s, record.boot, epoch)
    chain.standing = events.standing(session, row)
    return chain


def _known(session: Session, row: MeterRow, data: bytes, known: int) -> bytes | None:
    """The record the ledger holds in the place of this one, if it does."""
    seq = decode_sealed(data).seq
    return session.get_one(RecordRow, (row.id, seq)).sealed if seq < known else None


def _rows(
    session: Session, row: MeterRow, known: int, fresh: Sequence[Taken]
) -> list[dict[str, Any]]:
    last = session.get_one(RecordRow, (row.id, known - 1)) if known else None
    return _rows_after(row, last, fresh)


def _rows_after(
    row: MeterRow, last: RecordRow | None, fresh: Sequence[Taken]
) -> list[dict[str, Any]]:
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
