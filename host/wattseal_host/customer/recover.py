"""Every reading of a ledger from the epoch secrets alone: the meter need not exist any more."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.commitment import HIDDEN_LIMIT
from wattseal.errors import Misuse, Refused
from wattseal.record import (
    CLOCK_STEPPED,
    CLOCK_UNSET,
    LEAD_IN,
    POWER_LOST,
    SATURATED,
    SENSOR_MISSING,
    Record,
    decode_sealed,
)

from wattseal_host.customer.openings import Opening
from wattseal_host.customer.store import Secrets
from wattseal_host.ledger import Ledger
from wattseal_host.stretch import Stretch
from wattseal_host.units import CHANNELS, Unit

RECORDS_AT_ONCE = 2048
COLUMNS = ("start", "end", "channel", "value", "unit", "flags")
_QUALITY = {
    POWER_LOST: "power-lost",
    CLOCK_UNSET: "clock-unset",
    CLOCK_STEPPED: "clock-stepped",
    LEAD_IN: "lead-in",
}
_HIDDEN = {SATURATED: "saturated", SENSOR_MISSING: "sensor-missing"}


@dataclass(frozen=True)
class Reading:
    """One channel of one record. value: in the unit's own measure (the exponent is applied);
    flags: by name, the record's and the hidden ones."""

    seq: int
    epoch: int
    start_s: int
    end_s: int
    channel: str
    value: Decimal
    unit: str
    flags: tuple[str, ...]


@dataclass
class Unknown:
    """Consecutive records of an epoch whose secret is not held."""

    epoch: int
    from_seq: int
    to_seq: int
    from_s: int
    to_s: int


@dataclass
class Recovered:
    """readings: oldest first, import before export; unknown: what could not be opened."""

    readings: list[Reading] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)


def recover(
    ledger: Ledger,
    secrets: Secrets,
    from_s: int,
    to_s: int,
    progress: Callable[[float, float], None],
) -> Recovered:
    """Open every record that begins within from_s <= t < to_s and whose epoch's secret is held.

    Each opening is checked against its commitment, in batches. Raises Misuse `meter-unknown`;
    Refused `epoch-secret` or `opening-false` (with the record): the secret is not the meter's,
    or the meter did not seal what it encrypted, and then nothing may be used.
    """
    unit = _unit_of(ledger, secrets)
    opener = secrets.opener()
    result = Recovered()
    for stretch in _parts(ledger, secrets.meter, from_s, to_s, progress):
        # A pairing's event is of the epoch before, and says whether the secret is the right one.
        ours = [
            i for i, r in enumerate(stretch.records) if not r.channels or r.epoch in secrets.epochs
        ]
        chosen = stretch.pick(ours)
        result.readings += readings_of(chosen, opener.open_stretch(chosen), unit)
        for record in stretch.records:
            if record.channels and record.epoch not in secrets.epochs:
                _note_unknown(result.unknown, record)
    return result


def readings_of(stretch: Stretch, openings: Iterable[Opening], unit: Unit) -> list[Reading]:
    """The checked openings of a stretch, with what the records say of their time."""
    by_seq = {record.seq: record for record in stretch.records}
    found = []
    for opening in openings:
        record = by_seq[opening.seq]
        found.append(
            Reading(
                opening.seq,
                record.epoch,
                record.start_s,
                record.end_s,
                CHANNELS[opening.channel],
                Decimal(opening.value).scaleb(unit.exponent),
                unit.name,
                _flags(record.flags, opening.hidden_flags),
            )
        )
    return found


def to_csv(readings: list[Reading]) -> bytes:
    """A table with a heading: COLUMNS, times in UTC, values exact, flags apart by spaces."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for reading in readings:
        writer.writerow(row_of(reading).values())
    return text.getvalue().encode("ascii")


def row_of(reading: Reading) -> dict[str, str]:
    """A reading as text, by the names of COLUMNS."""
    cells = (
        utc_text(reading.start_s),
        utc_text(reading.end_s),
        reading.channel,
        f"{reading.value:f}",
        reading.unit,
        " ".join(reading.flags),
    )
    return dict(zip(COLUMNS, cells, strict=True))


def utc_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unit_of(ledger: Ledger, secrets: Secrets) -> Unit:
    for meter in ledger.meters():
        if meter.meter == secrets.meter:
            if meter.key != secrets.key:
                raise Refused("meter-pinned", secrets.meter.hex())
            return meter.unit
    raise Misuse("meter-unknown", secrets.meter.hex())


def _parts(
    ledger: Ledger,
    meter: bytes,
    from_s: int,
    to_s: int,
    progress: Callable[[float, float], None],
) -> Iterator[Stretch]:
    """The period in parts of some thousand records, so that memory and the bar keep step."""
    first, last = ledger.sealed_at(meter, 0), ledger.last(meter)
    (interval_s,) = (m.interval_s for m in ledger.meters() if m.meter == meter)
    if first is None or last is None:
        return
    start_s = max(from_s, decode_sealed(first).start_s)
    end_s = min(to_s, last.end_s + 1)
    step_s = RECORDS_AT_ONCE * interval_s
    for at_s in range(start_s, end_s, step_s):
        yield ledger.between(meter, at_s, min(at_s + step_s, end_s))
        progress(min(at_s + step_s, end_s) - start_s, end_s - start_s)


def _flags(quality: int, hidden: int) -> tuple[str, ...]:
    names = [name for bit, name in _QUALITY.items() if quality & bit]
    names += [name for bit, name in _HIDDEN.items() if hidden & bit]
    # SPEC.md 4.4: no meter may set another, and a reader should say so where one does.
    return (*names, "unknown") if hidden >= HIDDEN_LIMIT else tuple(names)


def _note_unknown(unknown: list[Unknown], record: Record) -> None:
    newest = unknown[-1] if unknown else None
    if newest is not None and newest.epoch == record.epoch:
        newest.to_seq, newest.to_s = record.seq, record.end_s
    else:
        unknown.append(Unknown(record.epoch, record.seq, record.seq, record.start_s, record.end_s))
