"""What the last months would have cost under other tariffs. Computed at home; nothing leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

from wattseal.errors import Misuse, Refused
from wattseal.record import Record

from wattseal_host.customer.openings import Opening
from wattseal_host.customer.shares import Columns
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Enrolment
from wattseal_host.ledger import Ledger
from wattseal_host.localstamps import find_zone
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import weigh

COLOURS = ("#1f5a99", "#d95f0e", "#2f8f5b", "#8a4fa3", "#a33d3d", "#5b6770")
WIDTH, HEIGHT, LEFT, TOP, BASE = 960, 380, 70, 20, 300


@dataclass(frozen=True)
class Month:
    """A calendar month of local time: name "2026-01", UTC seconds, and the amount payable under
    each tariff in minor units; None where the tariff does not hold for all of it."""

    name: str
    from_s: int
    to_s: int
    amounts: tuple[int | None, ...]


def compare(
    ledger: Ledger, secrets: Secrets, tariffs: Sequence[Tariff], months: int
) -> list[Month]:
    """The last whole months the ledger has, oldest first, by the first tariff's zone.

    Every opening is checked before it counts. Raises Misuse `compare-currency` (two currencies),
    `meter-unknown`; Refused `period-incomplete` where the ledger has no whole month,
    `epoch-unknown`, `opening-false`, and what a tariff refuses (`tariff-*`).
    """
    if len({tariff.currency for tariff in tariffs}) != 1:
        raise Misuse("compare-currency", "tariffs in one currency can be compared")
    enrolment = next((m for m in ledger.meters() if m.meter == secrets.meter), None)
    first, last = ledger.sealed_at(secrets.meter, 0), ledger.last(secrets.meter)
    if enrolment is None or first is None or last is None:
        raise Misuse("meter-unknown", secrets.meter.hex())
    zone = find_zone(tariffs[0].zone.name)
    opener = secrets.opener()
    found: list[Month] = []
    end = datetime.fromtimestamp(last.end_s, UTC).astimezone(zone)
    year, month = end.year, end.month
    while len(found) < months:
        to_s = _begin_s(year, month, zone)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        from_s = _begin_s(year, month, zone)
        try:
            stretch = ledger.period(secrets.meter, from_s, to_s)
        except Refused as error:
            if error.code != "period-incomplete":
                raise
            break
        openings = opener.open_stretch(stretch)
        amounts: list[int | None] = []
        for tariff in tariffs:
            if from_s < tariff.from_s or to_s > tariff.to_s:
                amounts.append(None)
            else:
                amounts.append(amount_of(tariff, enrolment, stretch.records, openings))
        found.append(Month(f"{year}-{month:02d}", from_s, to_s, tuple(amounts)))
    if not found:
        raise Refused("period-incomplete", "no whole month in the ledger")
    return found[::-1]


def amount_of(
    tariff: Tariff,
    enrolment: Enrolment,
    records: Sequence[Record],
    openings: Sequence[Opening],
) -> int:
    """What these records cost under a tariff, in minor units, rounded as it says."""
    columns = Columns.of(records, openings, enrolment.channels)
    weights = weigh(tariff, records, enrolment.channels)
    fee = sum(w * one.value for w, one in zip(weights, openings, strict=True))
    scene = tariff.scene(enrolment, columns.spans, 32, columns.values)
    return tariff.rounding.apply(tariff.exact_minor(fee, scene))


def totals(months: Sequence[Month]) -> list[int | None]:
    """Of each tariff over all months; None where one lacks."""
    sums: list[int | None] = []
    for column in zip(*(month.amounts for month in months), strict=True):
        known = [amount for amount in column if amount is not None]
        sums.append(sum(known) if len(known) == len(column) else None)
    return sums


def plot(months: Sequence[Month], tariffs: Sequence[Tariff]) -> str:
    """An SVG drawing: a group of bars for each month, one for each tariff; credits hang down."""
    currency = tariffs[0].currency
    known = [a for month in months for a in month.amounts if a is not None] or [0]
    high, low = max(*known, 1, 0), min(*known, 0, 0)
    unit = (BASE - TOP) / (high - low)
    zero = TOP + high * unit
    group = (WIDTH - LEFT - 10) / len(months)
    bar = group * 0.8 / len(tariffs)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="13">',
        "<title>Months under other tariffs</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for at, month in enumerate(months):
        left = LEFT + at * group + group * 0.1
        for number, amount in enumerate(month.amounts):
            if amount is None:
                continue
            top = zero - max(amount, 0) * unit
            colour = COLOURS[number % len(COLOURS)]
            parts.append(
                f'<rect x="{left + number * bar:.1f}" y="{top:.1f}" width="{bar * 0.9:.1f}" '
                f'height="{abs(amount) * unit:.1f}" fill="{colour}">'
                f"<title>{currency.major(amount)} {currency.code}</title></rect>"
            )
        middle = LEFT + (at + 0.5) * group
        parts.append(
            f'<text x="{middle:.1f}" y="{BASE + 18}" text-anchor="middle">{month.name}</text>'
        )
    parts.append(f'<path d="M{LEFT},{zero:.1f}H{WIDTH - 10}" stroke="#444444"/>')
    for value in (high, low) if low else (high,):
        y = zero - value * unit + 5
        text = f"{currency.major(value)} {currency.code}"
        parts.append(f'<text x="{LEFT - 6}" y="{y:.1f}" text-anchor="end">{text}</text>')
    for number, tariff in enumerate(tariffs):
        x, y = LEFT + number % 3 * 290, BASE + 44 + number // 3 * 20
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{y}">{escape(tariff.name[:40])}</text>')
    return "\n".join([*parts, "</svg>\n"])


def page(months: Sequence[Month], tariffs: Sequence[Tariff]) -> str:
    """The drawing and the table, as a page of its own."""
    head = "".join(f"<th>{escape(tariff.name)}</th>" for tariff in tariffs)
    rows = [
        "<tr><td>" + "</td><td>".join([m.name, *cells(m.amounts, tariffs)]) + "</td></tr>"
        for m in months
    ]
    sums = "</td><td>".join(["together", *cells(totals(months), tariffs)])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tariffs compared</title>'
        "<style>body{font-family:sans-serif;max-width:60rem;margin:2rem auto}td,th{padding:.3rem "
        "1rem;text-align:right}</style><h1>Your months under other tariffs</h1>"
        f"{plot(months, tariffs)}<table><tr><th>month</th>{head}</tr>{''.join(rows)}"
        f"<tr><td>{sums}</td></tr></table></html>\n"
    )


def cells(amounts: Sequence[int | None], tariffs: Sequence[Tariff]) -> list[str]:
    return [
        "not valid" if amount is None else f"{t.currency.major(amount)} {t.currency.code}"
        for amount, t in zip(amounts, tariffs, strict=True)
    ]


def _begin_s(year: int, month: int, zone: ZoneInfo) -> int:
    return int(datetime(year, month, 1, tzinfo=zone).timestamp())
