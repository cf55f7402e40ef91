"""Price tables as CSV: blocks by kWh or by percent of a baseline, and bands letter by letter.

    tier,from_pct_baseline,to_pct_baseline,usd_per_kwh    of a baseline in kWh a day
    from_kwh,to_kwh,eur_per_kwh                           a month, each block at its price
    regime,from_kwh,to_kwh,inr_per_kwh,fixed              a month; `telescopic` blocks, and above
                                                          them `nontelescopic`: all at one price
    date,bands48                                          a letter for each local half-hour

Lines that begin with # are for people: they come back as notes.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from wattseal.errors import Malformed, Misuse

from wattseal_host.decimals import read_decimal
from wattseal_host.localstamps import find_zone, local_text, moments
from wattseal_host.provider.tariff_import.reading import refuse, whole_thresholds
from wattseal_host.provider.tariffs import Draft

PRICE = re.compile(r"([a-z]{3})_per_kwh")
KILO, HALF_HOUR_S, DAY_SLOTS = 3, 1800, 48
MAX_BYTES = 4 * 1024 * 1024
Row = dict[str, str]


def add(
    draft: Draft, data: bytes, baseline: Decimal | None, letters: dict[str, Decimal]
) -> list[str]:
    """Add a table's parts to a draft; the file's comments.

    baseline: kWh a day; letters: price of each band's letter. Raises Malformed `import-table`,
    `import-field`; Misuse `import-baseline`, `import-validity` (another currency).
    """
    notes, rows = _read(data)
    columns = set(rows[0])
    if columns == {"date", "bands48"}:
        _letters(draft, rows, letters)
        return notes
    priced = [name for name in columns if PRICE.fullmatch(name)]
    if len(priced) != 1:
        raise Malformed("import-table", "one column such as eur_per_kwh is needed")
    currency = priced[0][:3].upper()
    if currency != draft.currency:
        raise Misuse("import-validity", f"prices are in {currency}")
    rest = columns - set(priced) - {"tier"}
    prices = [_number(row, priced[0], at) for at, row in enumerate(rows, 1)]
    if rest == {"from_pct_baseline", "to_pct_baseline"}:
        if baseline is None or baseline <= 0:
            raise Misuse("import-baseline", "the table is in percent of --baseline kWh a day")
        ends = [end * baseline / 100 for end in _ends(rows, "pct_baseline")]
        _blocks(draft, ends, prices, "day")
    elif rest == {"from_kwh", "to_kwh"}:
        _blocks(draft, _ends(rows, "kwh"), prices, "month")
    elif rest in ({"regime", "from_kwh", "to_kwh"}, {"regime", "from_kwh", "to_kwh", "fixed"}):
        _regimes(draft, rows, _ends(rows, "kwh"), prices)
    else:
        raise refuse(", ".join(sorted(rest)), "a table with these columns is not known")
    return notes


def _read(data: bytes) -> tuple[list[str], list[Row]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("import-table", "not UTF-8") from error
    if len(data) > MAX_BYTES:
        raise Malformed("import-table", f"over {MAX_BYTES} bytes")
    lines = text.splitlines()
    notes = [line.lstrip("# ").strip() for line in lines if line.startswith("#")]
    body = "\n".join(line for line in lines if line.strip() and not line.startswith("#"))
    try:
        reader = csv.DictReader(io.StringIO(body), strict=True)
        names = list(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise Malformed("import-table", str(error)) from error
    if not rows or len(set(names)) != len(names):
        raise Malformed("import-table", "a heading with names of its own, and rows, are needed")
    for at, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise Malformed("import-table", f"row {at}: cells lack or are too many")
    return notes, rows


def _number(row: Row, name: str, at: int) -> Decimal:
    try:
        return read_decimal(row[name])
    except Misuse as error:
        raise Malformed("import-table", f"row {at}, {name}: {error.detail}") from error


def _ends(rows: list[Row], name: str) -> list[Decimal]:
    """Upper ends of all blocks but the last, which has none; each begins where another ends."""
    ends: list[Decimal] = []
    for at, row in enumerate(rows, 1):
        if _number(row, f"from_{name}", at) != (ends[-1] if ends else 0):
            raise Malformed("import-table", f"row {at} does not begin where another ends")
        if at == len(rows):
            if row[f"to_{name}"].strip():
                raise Malformed("import-table", "the last row must have no end")
            break
        ends.append(_number(row, f"to_{name}", at))
        if ends[-1] <= (ends[-2] if at > 1 else 0):
            raise Malformed("import-table", f"row {at} ends where it begins")
    return ends


def _tiers(
    draft: Draft, name: str, mode: str, ends: list[Decimal], steps: list[dict[str, Any]], span: str
) -> None:
    exponent, uppers = whole_thresholds(ends, KILO)
    listed = [{"up_to": upper, **step} for upper, step in zip(uppers, steps, strict=False)]
    draft.parts.append(
        {
            "type": "tiers",
            "name": name,
            "channel": "import",
            "mode": mode,
            "unit_exponent": exponent,
            "tiers": [*listed, steps[-1]],
            "span": span,
        }
    )


def _blocks(draft: Draft, ends: list[Decimal], prices: list[Decimal], span: str) -> None:
    _tiers(draft, "energy", "cumulative", ends, [{"price": price} for price in prices], span)


def _regimes(draft: Draft, rows: list[Row], ends: list[Decimal], prices: list[Decimal]) -> None:
    """Telescopic blocks as one line each: price x total, and what the blocks below cost less."""
    steps: list[dict[str, Any]] = []
    below, low, whole = Decimal(0), Decimal(0), False
    for at, (row, price) in enumerate(zip(rows, prices, strict=True), 1):
        regime = row["regime"].strip()
        if regime not in ("telescopic", "nontelescopic") or (whole and regime == "telescopic"):
            raise Malformed("import-table", f"row {at}: telescopic rows come first")
        whole = regime == "nontelescopic"
        steps.append({"price": price, "fixed": Decimal(0) if whole else below - price * low})
        if at <= len(ends):
            below += price * (ends[at - 1] - low)
            low = ends[at - 1]
    _tiers(draft, "energy", "whole-use", ends, steps, "month")
    if "fixed" in rows[0]:
        fixed = [_number(row, "fixed", at) for at, row in enumerate(rows, 1)]
        charges = [{"price": Decimal(0), "fixed": amount} for amount in fixed]
        _tiers(draft, "fixed charge", "whole-use", ends, charges, "month")


def _letters(draft: Draft, rows: list[Row], letters: dict[str, Decimal]) -> None:
    zone = find_zone(draft.zone)
    stamps, prices = [], []
    for at, row in enumerate(rows, 1):
        try:
            day = date.fromisoformat(row["date"])
        except ValueError as error:
            raise Malformed("import-table", f"row {at}: a date is needed") from error
        if len(row["bands48"]) != DAY_SLOTS:
            raise Malformed("import-table", f"row {at}: {DAY_SLOTS} letters are needed")
        for slot, letter in enumerate(row["bands48"]):
            if letter not in letters:
                raise Misuse("import-price", f"no --price for {letter!r}")
            midnight = datetime.combine(day, datetime.min.time())
            stamps.append(midnight + timedelta(minutes=30 * slot))
            prices.append(letters[letter])
    table = {
        at_s: price
        for starts, price in zip(moments(stamps, zone), prices, strict=True)
        for at_s in starts
    }
    first_s = draft.from_s - draft.from_s % HALF_HOUR_S
    listed = []
    for at_s in range(first_s, draft.to_s, HALF_HOUR_S):
        if at_s not in table:
            raise Misuse("prices-gap", f"no price from {local_text(at_s, zone)} on")
        listed.append(table[at_s])
    draft.parts.append(
        {
            "type": "series",
            "name": "energy",
            "channel": "import",
            "start_s": first_s,
            "slot_s": HALF_HOUR_S,
            "prices": listed,
        }
    )
