"""Prefix sums: beside each record, the sum of all its meter's commitments up to it.

The sum of a stretch is then one subtraction, and a bill touches the ledger where its price
changes and nowhere between. A record and its sums are written by one transaction, from points
that were checked on arrival, so the sums can be relied on as far as the records can.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session
from wattseal.record import CLOSED, DIGEST_BYTES, Record, genesis

from wattseal_host import stretch
from wattseal_host.documents import Enrolment
from wattseal_host.engine import Point, points_from_bytes, points_to_bytes, running_sums
from wattseal_host.ledger.cells import SUM_BYTES, damaged, record_of
from wattseal_host.ledger.tables import MeterRow, RecordRow


class Anchor(NamedTuple):
    """A meter's chain right before a moment: its last record that begins before it.

    seq: -1 before the first record; start_s, end_s: of the record, UTC seconds (before the
    first: both where that one begins, and -1 in an empty ledger); digest: of its body;
    readings: how many records up to it are no events; sums: of each channel's commitments up
    to it, 64 bytes each.
    """

    seq: int
    start_s: int
    end_s: int
    digest: bytes
    readings: int
    sums: bytes


class Course(NamedTuple):
    """Anchors one after another, by columns: of each the same as in an Anchor."""

    start_s: tuple[int, ...]
    end_s: tuple[int, ...]
    readings: tuple[int, ...]
    sums: tuple[bytes, ...]

    def pick(self, places: Sequence[int]) -> Course:
        """Some of the anchors, by their places here, in the order given."""
        return Course(
            tuple([self.start_s[at] for at in places]),
            tuple([self.end_s[at] for at in places]),
            tuple([self.readings[at] for at in places]),
            tuple([self.sums[at] for at in places]),
        )


def no_sums(channels: int) -> bytes:
    """The sums before the first record: identities."""
    return points_to_bytes([None] * channels)


def after(
    last: RecordRow | None, channels: int, records: Sequence[tuple[Record, bytes]]
) -> list[tuple[int, bytes]]:
    """(readings, sums) for each of the records, given with its hints, that follow `last`."""
    readings = 0 if last is None else last.readings
    starts = points_from_bytes(no_sums(channels) if last is None else last.sums)
    nothing: list[Point | None] = [None] * channels
    points = [[*stretch.points_of(record, hints)] or nothing for record, hints in records]
    columns = [running_sums(start, [p[c] for p in points]) for c, start in enumerate(starts)]
    result = []
    for row, (record, _) in enumerate(records):
        readings += bool(record.channels)
        result.append((readings, points_to_bytes([column[row] for column in columns])))
    return result


# For each time the last record that begins before it; the inner query reads the index alone.
_BEFORE = text(
    """
    SELECT r.seq, r.start_s, r.start_s + r.length_s, r.digest, r.readings, r.sums
    FROM json_each(:times) AS t LEFT JOIN records AS r ON r.rowid = (
        SELECT rowid FROM records WHERE meter_id = :meter AND start_s < t.value
        ORDER BY start_s DESC, seq DESC LIMIT 1
    ) ORDER BY t.key
    """
)
_BETWEEN = text(
    """
    SELECT start_s, start_s + length_s, readings, sums FROM records
    WHERE meter_id = :meter AND seq > :after AND seq <= :last ORDER BY seq
    """
)


class View:
    """One meter in one transaction: what it is, and its chain at any moments."""

    def __init__(self, session: Session, row: MeterRow, enrolment: Enrolment) -> None:
        self._session, self._row = session, row
        self.enrolment = enrolment

    def anchors(self, times: Sequence[int]) -> list[Anchor]:
        """The anchor of each time, UTC seconds, in the order given."""
        asked = {"times": json.dumps(list(times)), "meter": self._row.id}
        return self._checked(self._session.execute(_BEFORE, asked).all())

    def course(self, first: Anchor, last: Anchor) -> Course:
        """`first` and every record after it up to `last`."""
        asked = {"meter": self._row.id, "after": first.seq, "last": last.seq}
        found = self._session.execute(_BETWEEN, asked).all()
        columns: list[Any] = list(zip(*found, strict=True)) or [()] * len(Course._fields)
        self._check(dict(zip(Course._fields, columns, strict=True)))
        mine = (first.start_s, first.end_s, first.readings, first.sums)
        course = Course(*((one, *rest) for one, rest in zip(mine, columns, strict=True)))
        if list(course.start_s) != sorted(course.start_s):
            raise damaged("records out of their order in time")
        return course

    def is_closed(self, anchor: Anchor) -> bool:
        """Whether an anchor's record is the one that ends the chain."""
        row = self._session.get(RecordRow, (self._row.id, anchor.seq))
        return row is not None and record_of(row.sealed).event == CLOSED

    def _checked(self, found: Sequence[Any]) -> list[Anchor]:
        anchors = [self._beginning() if row[0] is None else Anchor._make(row) for row in found]
        self._check(dict(zip(Anchor._fields, zip(*anchors, strict=True), strict=False)))
        return anchors

    def _check(self, columns: dict[str, Any]) -> None:
        # There may be thousands of rows: their shapes column by column, instead of cell by cell.
        sizes = {"digest": DIGEST_BYTES, "sums": SUM_BYTES * self._row.channel_set.bit_count()}
        for name, cells in columns.items():
            size = sizes.get(name)
            if set(map(type, cells)) - {int if size is None else bytes} or (
                size is not None and set(map(len, cells)) - {size}
            ):
                raise damaged("an anchor that cannot be")

    def _beginning(self) -> Anchor:
        row = self._row
        first = self._session.get(RecordRow, (row.id, 0))
        at_s = -1 if first is None else first.start_s
        return Anchor(-1, at_s, at_s, genesis(row.key), 0, no_sums(row.channel_set.bit_count()))
