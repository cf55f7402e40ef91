"""`wattseal provider tariff import`: a published price list as a tariff of our own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output


def command(
    file: Annotated[Path, typer.Argument(help="URDB JSON, a two-band JSON offer, or a CSV table.")],
    out: Annotated[Path, typer.Option(help="Where the unsigned tariff goes (.json).")],
    from_: Annotated[str, typer.Option("--from", help="Valid from, UTC.")],
    to: Annotated[str, typer.Option(help="Valid until, UTC (excluded).")],
    zone: Annotated[str, typer.Option(help="IANA zone of the local times.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    name: Annotated[
        str | None, typer.Option(help="The tariff's name; default: the file's.")
    ] = None,
    holiday: Annotated[list[str] | None, typer.Option(help="YYYY-MM-DD; repeatable.")] = None,
    interval_s: Annotated[
        int, typer.Option(min=1, help="The meters' interval, for demand.")
    ] = 1800,
    baseline: Annotated[
        str | None, typer.Option(help="Baseline in kWh a day, for tables in percent of it.")
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="LETTER=PRICE per kWh, for a table of letters.")
    ] = None,
    standing: Annotated[
        list[str] | None, typer.Option(help="AMOUNT/day, /month, /year or /period, beside it.")
    ] = None,
    minimum: Annotated[
        str | None, typer.Option(help="AMOUNT/day, /month, /year or /period: the least payable.")
    ] = None,
    tax: Annotated[
        list[str] | None, typer.Option(help="NAME=PERCENT, or NAME=PERCENT:PART+PART; in order.")
    ] = None,
    long_records: Annotated[
        str, typer.Option(help="A record over several prices costs their lowest or highest.")
    ] = "lowest",
    rounding: Annotated[str, typer.Option(help="Mode of the one rounding.")] = "half-even",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Carry a price list over whole, or refuse it with the field named. Sign it afterwards.

    What the file only says in words is printed: it is for you to add by --standing, --minimum,
    --tax, --holiday.
    """
    from wattseal_host.cli.provider_tariff import add_charges
    from wattseal_host.decimals import read_decimal
    from wattseal_host.files import read_bounded, write_atomic
    from wattseal_host.provider.tariff_import import bands, reading, tables, urdb
    from wattseal_host.provider.tariffs import Draft, split
    from wattseal_host.strict_json import dumps
    from wattseal_host.tariff.describe import describe

    data = read_bounded(file, reading.MAX_BYTES)
    valid = output.utc_seconds(from_), output.utc_seconds(to)
    draft = Draft(name or file.stem[:120], currency, *valid, zone, holiday or [])
    draft.rounding["mode"] = rounding
    draft.long_records = {"rule": long_records}
    notes: list[str] = []
    if data.lstrip()[:1] == b"{":
        value = reading.load(data)
        if {"meta", "tariff"} <= value.keys():
            bands.add(draft, value)
        else:
            urdb.add(draft, value, interval_s)
    else:
        pairs = [split(text, "=", "a price is written LETTER=PRICE") for text in price or []]
        letters: dict[str, Decimal] = {letter: read_decimal(text) for letter, text in pairs}
        base = read_decimal(baseline) if baseline is not None else None
        notes = tables.add(draft, data, base, letters)
    add_charges(draft, None, standing or [], [])
    if minimum is not None:
        amount, per = split(minimum, "/", "a minimum is written AMOUNT/day")
        least = {"amount": read_decimal(amount), "span": per}
        draft.parts.append({"type": "minimum", "name": "minimum", **least})
    add_charges(draft, None, [], tax or [])
    tariff = draft.finish()
    write_atomic(out, dumps(tariff.document) + b"\n")
    lines = [*describe(tariff), *(f"  said in words only: {note}" for note in notes)]
    output.emit({"file": str(out), "notes": notes, "tariff": tariff.document}, lines, as_json)
