"""Feeder against group: what went into a line and what its customers' meters say came out.

The feeder's readings are a table as `wattseal customer recover --csv` writes it, so a sealed feeder
meter serves as well as any other that says time, value and unit.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from wattseal.errors import Misuse

from wattseal_host.decimals import read_decimal
from wattseal_host.files import read_bounded
from wattseal_host.group.founding import GroupSet
from wattseal_host.group.total import Total
from wattseal_host.localstamps import read_stamp

NEEDED = {"start", "end", "channel", "value", "unit"}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 360, 70, 40, 40


@dataclass(frozen=True)
class Loss:
    """One interval; fed, used: in the unit's name (Wh, m), exact."""

    start_s: int
    fed: Decimal
    used: Decimal

    @property
    def lost(self) -> Decimal:
        return self.fed - self.used


def read_feeder(path: Path, group: GroupSet) -> dict[int, Decimal]:
    """Start -> value of each interval of the group's length and channel. Misuse `feeder-csv`."""
    try:
        rows = csv.DictReader(io.StringIO(read_bounded(path).decode("utf-8-sig")), strict=True)
        if not set(rows.fieldnames or ()) >= NEEDED:
            raise Misuse("feeder-csv", f"{path}: columns {', '.join(sorted(NEEDED))} are needed")
        found: dict[int, Decimal] = {}
        for row in rows:
            where = f"{path} line {rows.line_num}"
            if None in row or any(row[name] is None for name in NEEDED):
                raise Misuse("feeder-csv", f"{where}: cells lack or are too many")
            start_s, end_s = _utc_s(row["start"]), _utc_s(row["end"])
            if row["unit"] != group.unit.name:
                raise Misuse("feeder-csv", f"{where}: {row['unit']}, not {group.unit.name}")
            if row["channel"] == group.channel and end_s - start_s == group.interval_s:
                if start_s in found:
                    raise Misuse("feeder-csv", f"{where}: an interval twice")
                found[start_s] = read_decimal(row["value"])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misuse("feeder-csv", f"{path}: {error}") from error
    except Misuse as error:
        if error.code == "feeder-csv":
            raise
        raise Misuse("feeder-csv", f"{where}: {error.detail}") from error
    return found


def compare(total: Total, group: GroupSet, feeder: dict[int, Decimal]) -> list[Loss]:
    """Misuse `feeder-gap` where the feeder has no value for an interval of the sum."""
    losses = []
    for at, value in enumerate(total.values):
        start_s = total.from_s + at * group.interval_s
        if start_s not in feeder:
            raise Misuse("feeder-gap", utc_text(start_s))
        used = Decimal(value).scaleb(group.unit.exponent)
        losses.append(Loss(start_s, feeder[start_s], used))
    return losses


def plot(losses: list[Loss], unit: str) -> str:
    """An SVG drawing: fed, used, and what is between them."""
    top = max([Decimal(1), *(max(loss.fed, loss.used) for loss in losses)])
    step = Decimal(WIDTH - LEFT - 10) / max(len(losses), 1)

    def line(values: list[Decimal]) -> str:
        points = []
        for at, value in enumerate(values):
            y = HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)
            points += [f"{LEFT + at * step:.1f},{y:.1f}", f"{LEFT + (at + 1) * step:.1f},{y:.1f}"]
        return " ".join(points)

    fed, used = [loss.fed for loss in losses], [loss.used for loss in losses]
    between = line(fed) + " " + " ".join(reversed(line(used).split()))
    base = HEIGHT - BOTTOM
    ends = f"{utc_text(losses[0].start_s)} to {utc_text(losses[-1].start_s)}, per interval"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="13">',
            "<title>Feeder and group</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<polygon points="{between}" fill="#d95f0e" fill-opacity="0.25"/>',
            f'<polyline points="{line(fed)}" fill="none" stroke="#d95f0e" stroke-width="1.5"/>',
            f'<polyline points="{line(used)}" fill="none" stroke="#1f5a99" stroke-width="1.5"/>',
            f'<path d="M{LEFT},{TOP}V{base}H{WIDTH - 10}" fill="none" stroke="#444444"/>',
            f'<text x="{LEFT - 6}" y="{TOP + 5}" text-anchor="end">{top:f}</text>',
            f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>',
            f'<text x="{LEFT}" y="{base + 22}">{ends}</text>',
            f'<text x="{LEFT}" y="22" fill="#d95f0e">feeder ({unit})</text>',
            f'<text x="{LEFT + 130}" y="22" fill="#1f5a99">members ({unit})</text>',
            "</svg>\n",
        ]
    )


def utc_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc_s(text: str) -> int:
    stamp = read_stamp(text)
    if stamp.tzinfo is None:
        raise Misuse("stamp", f"{text[:40]!r} has no UTC offset")
    return int(stamp.timestamp())
