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
from types import TracebackType

from sqlalchemy import select
from wattseal.errors import Refused
from wattseal.record import Record

from wattseal_host.documents import Enrolment
from wattseal_host.errors import Unusable
from wattseal_host.evidence import Evidence
from wattseal_host.ledger import apart, booked, growth, meters
from wattseal_host.ledger.apart import Reject
from wattseal_host.ledger.cells import record_of
from wattseal_host.ledger.database import Database
from wattseal_host.ledger.sums import View
from wattseal_host.ledger.tables import MeterRow, RecordRow
from wattseal_host.statement import AnyStatement
from wattseal_host.stretch import Stretch


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
        self._file = Database(path)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @classmethod
    def existing(cls, path: str | os.PathLike[str]) -> Ledger:
        """Open for what only looks: a mistyped name makes no ledger. Raises Unusable
        `file-missing`, or `ledger-file` as opening does."""
        if not os.path.exists(path):
            raise Unusable("file-missing", os.fspath(path))
        return cls(path)

    def add_meter(self, meter: Enrolment, enrolment_jws: str | None = None) -> None:
        """Register a meter; or attach its signed enrolment to one already known.

        Raises Refused `meter-differs` if the ledger knows it with another configuration.
        """
        with self._file.transaction(write=True) as session:
            meters.add(session, meter, enrolment_jws)

    def meters(self) -> list[Enrolment]:
        """Every meter the ledger knows, in the order they came."""
        with self._file.transaction() as session:
            return [meters.enrolment_of(row) for row in session.scalars(select(MeterRow))]

    def enrolment_jws(self, meter: bytes) -> str | None:
        """The signed enrolment that `add_meter` was given."""
        with self._file.transaction() as session:
            return meters.row_of(session, meter).enrolment

    def next_seq(self, meter: bytes) -> int:
        """The sequence number the ledger waits for: where collecting goes on."""
        with self._file.transaction() as session:
            return growth.next_seq(session, meters.row_of(session, meter))

    def append(self, meter: bytes, sealed: Sequence[bytes], source: str) -> int:
        """Verify and store the next records of a meter; how many were new.

        source: where they were read ("utility", "customer"), for the cursor and the rejects.
        Records the ledger has must be the same bytes again: else Refused `meter-forked` or
        `meter-wiped` if the meter signed both (see `forks`), `record-differs` if not. The first
        record that does not verify is kept among the rejects, those before it are stored, and
        its Refused or Malformed is raised.
        """
        with self._file.transaction(write=True) as session:
            row = meters.row_of(session, meter)
            count, failure = growth.append(session, row, sealed, source, int(self._clock()))
        if failure is not None:
            raise failure
        return count

    def sealed(self, meter: bytes, from_seq: int = 0) -> list[bytes]:
        """Sealed records from a sequence number on."""
        with self._file.transaction() as session:
            row = meters.row_of(session, meter)
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
        with self._file.transaction() as session:
            yield from growth.check(session, meters.row_of(session, meter))

    def sealed_at(self, meter: bytes, seq: int) -> bytes | None:
        """The sealed record of one place, None if the ledger has none there."""
        with self._file.transaction() as session:
            record = session.get(RecordRow, (meters.row_of(session, meter).id, seq))
            return None if record is None else record.sealed

    def last(self, meter: bytes) -> Record | None:
        """The newest record; None before the first."""
        with self._file.transaction() as session:
            row = meters.row_of(session, meter)
            known = growth.next_seq(session, row)
            if known == 0:
                return None
            return record_of(session.get_one(RecordRow, (row.id, known - 1)).sealed)

    def period(self, meter: bytes, from_s: int, to_s: int) -> Stretch:
        """The stretch of a period (see `Stretch.period`); Refused `period-incomplete`."""
        return self.between(meter, from_s, to_s).period(from_s, to_s)

    def between(self, meter: bytes, from_s: int, to_s: int) -> Stretch:
        """Whatever records begin within from_s <= t < to_s."""
        with self._file.transaction() as session:
            row = meters.row_of(session, meter)
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
        with self._file.transaction() as session:
            row = meters.row_of(session, meter)
            yield View(session, row, meters.enrolment_of(row))

    def rejects(self, meter: bytes) -> list[Reject]:
        """What was turned away of a meter, oldest first."""
        with self._file.transaction() as session:
            return apart.rejects_of(session, meters.row_of(session, meter))

    def forks(self, meter: bytes) -> list[Evidence]:
        """Evidence of every place for which the meter was found to have signed two records."""
        with self._file.transaction() as session:
            return apart.forks_of(session, meters.row_of(session, meter))

    def book(
        self, bills: Sequence[AnyStatement], new_contract: bool = False
    ) -> list[tuple[str, ...] | Refused]:
        """Note bills that verified as accepted, in one transaction; for each what people should
        know, or why it is refused: `period-overlap` with a bill accepted before, `contract-other`
        than that of the meter's bill before it (unless `new_contract`)."""
        result: list[tuple[str, ...] | Refused] = []
        with self._file.transaction(write=True) as session:
            now_s = int(self._clock())
            for said in bills:
                try:
                    result.append(booked.book(session, said, now_s, new_contract))
                except Refused as error:
                    result.append(error)
        return result

    def arrive(self, place: str, meter: Enrolment, accept_new: bool = False) -> None:
        """Note that a meter answers at a port, and register it if the ledger does not know it.

        Raises Refused `meter-differs` as `add_meter` does, and `meter-replaced` if another
        meter answered there before and this one was never seen, unless `accept_new`.
        """
        with self._file.transaction() as session:
            meters.check_arrival(session, place, meter, accept_new)
            meter = meters.as_enrolled(session, meter)
        self.add_meter(meter)
        with self._file.transaction(write=True) as session:
            row = meters.row_of(session, meter.meter)
            apart.note_place(session, place, row, int(self._clock()))
