"""The ledger's tables. Times are UTC seconds; digests, keys and records are raw bytes. Every cell
is checked when it is read (see `cells`)."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from wattseal_host.ledger.cells import (
    Blob,
    Digest,
    Exponent,
    Hints,
    Key,
    MaybeWords,
    MeterId,
    Moment,
    RowId,
    Sums,
    Whole,
    Words,
)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {int: Whole(), bytes: Blob(), str: Words()}


class MeterRow(Base):
    """A meter by its key. enrolment: the provider's signed document, once there is one."""

    __tablename__ = "meters"
    id: Mapped[RowId] = mapped_column(primary_key=True)
    meter: Mapped[MeterId] = mapped_column(unique=True)
    key: Mapped[Key]
    unit_name: Mapped[str]
    unit_exponent: Mapped[Exponent]
    interval_s: Mapped[int]
    channel_set: Mapped[int]
    enrolment: Mapped[MaybeWords]


class RecordRow(Base):
    """sealed: the bytes as they came; digest: of the body; hints: y of each commitment; readings
    and sums: how many records up to this one are no events, and each channel's sum of the
    commitments up to here (see `sums`)."""

    __tablename__ = "records"
    __table_args__ = (Index("records_by_time", "meter_id", "start_s", "seq"),)
    meter_id: Mapped[RowId] = mapped_column(ForeignKey("meters.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    start_s: Mapped[int]
    length_s: Mapped[int]
    kind: Mapped[int]
    epoch: Mapped[int]
    boot: Mapped[int]
    digest: Mapped[Digest]
    sealed: Mapped[bytes]
    hints: Mapped[Hints]
    readings: Mapped[int]
    sums: Mapped[Sums]


class RejectRow(Base):
    """What a meter said that did not verify: kept for people, never read by the ledger."""

    __tablename__ = "rejects"
    id: Mapped[RowId] = mapped_column(primary_key=True)
    meter_id: Mapped[RowId] = mapped_column(ForeignKey("meters.id"))
    received_s: Mapped[Moment]
    source: Mapped[str]
    code: Mapped[str]
    detail: Mapped[str]
    sealed: Mapped[bytes]


class ForkRow(Base):
    """Another record the meter signed for a place the ledger holds: one side of the evidence,
    whose other side is in `records`."""

    __tablename__ = "forks"
    meter_id: Mapped[RowId] = mapped_column(ForeignKey("meters.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    received_s: Mapped[Moment]
    source: Mapped[str]
    sealed: Mapped[bytes]


class BillRow(Base):
    """A bill the provider accepted (see `booked`). contract: its digest; statement: SHA-256 of
    the statement in canonical JSON."""

    __tablename__ = "bills"
    meter_id: Mapped[RowId] = mapped_column(ForeignKey("meters.id"), primary_key=True)
    from_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_s: Mapped[int]
    contract: Mapped[Digest]
    statement: Mapped[Digest]
    accepted_s: Mapped[Moment]


class PlaceRow(Base):
    """Which meter answered at a port the last time: a port whose meter is another all of a
    sudden is worth a question."""

    __tablename__ = "places"
    place: Mapped[str] = mapped_column(primary_key=True)
    meter_id: Mapped[RowId] = mapped_column(ForeignKey("meters.id"))
    read_s: Mapped[Moment]


class CursorRow(Base):
    """When a source (a kind of port) was last read, and up to where (exclusive)."""

    __tablename__ = "cursors"
    meter_id: Mapped[RowId] = mapped_column(ForeignKey("meters.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    next_seq: Mapped[int]
    read_s: Mapped[Moment]
