"""The meters' rows, and what is enrolled by them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session
from wattseal.errors import Malformed, Misuse, Refused

from wattseal_host.documents import Enrolment
from wattseal_host.keys import openssl_key
from wattseal_host.ledger import apart
from wattseal_host.ledger.cells import damaged
from wattseal_host.ledger.tables import MeterRow
from wattseal_host.units import Unit, channels_of


def row_of(session: Session, meter: bytes) -> MeterRow:
    """Misuse `meter-unknown`."""
    row = session.scalar(select(MeterRow).where(MeterRow.meter == meter))
    if row is None:
        raise Misuse("meter-unknown", meter.hex())
    return row


def enrolment_of(row: MeterRow) -> Enrolment:
    """What a row says of its meter. Unusable `ledger-damaged`."""
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


def add(session: Session, meter: Enrolment, enrolment_jws: str | None) -> None:
    """Register a meter, or attach its signed enrolment. Refused `meter-differs`."""
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
    elif enrolment_of(row) != meter:
        raise Refused("meter-differs", meter.meter.hex())
    if enrolment_jws is not None:
        row.enrolment = enrolment_jws


def as_enrolled(session: Session, meter: Enrolment) -> Enrolment:
    """A meter as it answers at a port, with the name of its unit as the ledger has it: a record
    says the power of ten, and no port says of what."""
    row = session.scalar(select(MeterRow).where(MeterRow.meter == meter.meter))
    if row is None:
        return meter
    return replace(meter, unit=replace(meter.unit, name=row.unit_name))


def check_arrival(session: Session, place: str, meter: Enrolment, accept_new: bool) -> None:
    """Refused `meter-replaced` if another meter answered at this port before and this one was
    never seen, unless `accept_new`."""
    before = apart.meter_at(session, place)
    known = session.scalar(select(MeterRow.id).where(MeterRow.meter == meter.meter))
    if before is not None and known is None and not accept_new:
        was = before.meter.hex()
        raise Refused("meter-replaced", f"{meter.meter.hex()} where {was} was before")
