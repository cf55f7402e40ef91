"""What an export opened, as files for other programs (FORMATS.md 18)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from wattseal_host.documents import Enrolment
from wattseal_host.export.items import Opened

FORMAT = "wattseal-export/1"


def document(
    meter: Enrolment, recipient: str, opened: Sequence[Opened], every_s: int
) -> dict[str, Any]:
    """recipient: the applet's origin; every_s: the granularity, 0 for every reading."""
    return {
        "format": FORMAT,
        "meter": meter.meter.hex(),
        "key": meter.key.hex(),
        "recipient": recipient,
        "every_s": every_s,
        "unit": {"name": meter.unit.name, "exponent": meter.unit.exponent},
        "rows": [
            {
                "from": datetime.fromtimestamp(one.start_s, UTC).isoformat(),
                "to": datetime.fromtimestamp(one.end_s, UTC).isoformat(),
                "channel": meter.channels[one.channel],
                "value": one.value,
            }
            for one in opened
        ],
    }


def table(meter: Enrolment, opened: Sequence[Opened], reads: int) -> bytes:
    """CSV as RFC 4180 has it, a row for each time, in UTC and kWh, exact; of the channels whose
    bits are in `reads`. opened: in order of time and channel."""
    channels = [at for at in range(len(meter.channels)) if reads >> at & 1]
    text = io.StringIO()
    writer = csv.writer(text)
    names = [f"{meter.channels[at]}_kWh" for at in channels]
    writer.writerow(["start_utc", "end_utc", "seconds", *names])
    for _, group in groupby(opened, key=lambda one: (one.first, one.records)):
        row = list(group)
        start_s, end_s = row[0].start_s, row[0].end_s
        told = {one.channel: Decimal(one.value).scaleb(meter.unit.exponent - 3) for one in row}
        cells = [f"{told[at]:f}" if at in told else "" for at in channels]
        writer.writerow([_utc(start_s), _utc(end_s), end_s - start_s, *cells])
    return text.getvalue().encode("ascii")


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
