"""`wattseal provider tariff …`: sign tariffs, and show them as a customer would read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattseal_host.cli import output, tariff_import

if TYPE_CHECKING:
    from wattseal_host.provider.tariffs import Draft

app = typer.Typer(no_args_is_help=True, help="Tariffs.")
app.command("import")(tariff_import.command)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def sign(
    directory: Annotated[Path, typer.Option("--dir", help="The provider's directory.")],
    out: Annotated[Path, typer.Option(help="Where the signed tariff goes (.jws).")],
    file: Annotated[Path | None, typer.Option(help="The tariff as JSON, whole.")] = None,
    name: Annotated[str, typer.Option(help="The tariff's name.")] = "tariff",
    flat: Annotated[str | None, typer.Option(help="One price per kWh, major units.")] = None,
    band: Annotated[
        list[str] | None, typer.Option(help="NAME=PRICE per kWh; give one for each band.")
    ] = None,
    switches: Annotated[
        str | None, typer.Option(help='Local times, e.g. "00:00 night, 07:00 day".')
    ] = None,
    weekend: Annotated[
        str | None, typer.Option(help="The same for Saturdays, Sundays and holidays.")
    ] = None,
    holiday: Annotated[list[str] | None, typer.Option(help="YYYY-MM-DD; repeatable.")] = None,
    prices: Annotated[
        Path | None, typer.Option(help="CSV: first column a slot's start, last a price per kWh.")
    ] = None,
    minor_units: Annotated[
        bool, typer.Option("--minor-units", help="The CSV's prices are in pence, cents, …")
    ] = False,
    export: Annotated[
        str | None, typer.Option(help="Price per exported kWh; negative: a credit.")
    ] = None,
    standing: Annotated[
        list[str] | None, typer.Option(help="AMOUNT/day, /month, /year (pro rata) or /period.")
    ] = None,
    tax: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=PERCENT on all before it, or NAME=PERCENT:PART+PART; in order. Parts: "
            "energy, export, standing (standing-2, …) and taxes before."
        ),
    ] = None,
    long_records: Annotated[
        str, typer.Option(help="A record over several prices costs their lowest, highest or mean.")
    ] = "lowest",
    rounding: Annotated[str, typer.Option(help="Mode of the one rounding.")] = "half-even",
    unit: Annotated[
        str, typer.Option(help="What is counted, Wh or m: prices are for 1000 of it.")
    ] = "Wh",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "EUR",
    zone: Annotated[str, typer.Option(help="IANA zone of the local times.")] = "UTC",
    from_: Annotated[str | None, typer.Option("--from", help="Valid from, UTC.")] = None,
    to: Annotated[str | None, typer.Option(help="Valid until, UTC (excluded).")] = None,
    as_json: Json = False,
) -> None:
    """Sign a tariff: --file, or --flat, --band with --switches, or --prices, with --from, --to."""
    from wattseal.errors import Misuse

    from wattseal_host.decimals import read_decimal
    from wattseal_host.files import read_bounded, write_token
    from wattseal_host.provider.office import Office
    from wattseal_host.provider.price_csv import PriceList
    from wattseal_host.provider.tariffs import Draft, split
    from wattseal_host.strict_json import loads
    from wattseal_host.tariff import Tariff

    if sum((file is not None, flat is not None, bool(band), prices is not None)) != 1:
        raise Misuse("tariff", "give one of --file, --flat, --band, --prices")
    if file is not None:
        tariff = Tariff.read(loads(read_bounded(file)))
    else:
        if from_ is None or to is None:
            raise Misuse("tariff", "--from and --to are needed without --file")
        valid = output.utc_seconds(from_), output.utc_seconds(to)
        draft = Draft(name, currency, *valid, zone, holiday or [], unit=unit)
        draft.rounding["mode"] = rounding
        draft.long_records = {"rule": long_records}
        if long_records == "mean":
            draft.long_records["rounding"] = "half-even"
        if flat is not None:
            draft.flat("energy", read_decimal(flat))
        elif prices is not None:
            draft.series("energy", PriceList.load(prices, zone), minor_units)
        elif switches is None:
            raise Misuse("tariff", "--band wants --switches")
        else:
            pairs = [split(text, "=", "a band is written NAME=PRICE") for text in band or []]
            bands = [(label, read_decimal(price)) for label, price in pairs]
            draft.time_of_use("energy", bands, switches, weekend)
        add_charges(draft, export, standing or [], tax or [])
        tariff = draft.finish()
    signed = Office(directory).publish(tariff)
    write_token(out, signed.token)
    digest = signed.digest.hex()
    output.emit({"digest": digest, "file": str(out)}, [f"tariff {digest} in {out}"], as_json)


def add_charges(draft: Draft, export: str | None, standing: list[str], tax: list[str]) -> None:
    """Add what comes beside the prices, in the order of the bill."""
    from wattseal_host.decimals import read_decimal
    from wattseal_host.provider.tariffs import split

    if export is not None:
        draft.flat("export", read_decimal(export), "export")
    for number, text in enumerate(standing, 1):
        amount, per = split(text, "/", "a standing charge is written AMOUNT/day")
        name = f"standing-{number}" if number > 1 else "standing"
        draft.standing(name, read_decimal(amount), per)
    for text in tax:
        label, rate = split(text, "=", "a tax is written NAME=PERCENT")
        percent, _, base = rate.partition(":")
        names = [name.strip() for name in base.split("+")] if base else None
        draft.tax(label, read_decimal(percent.strip().removesuffix("%")), names)


@app.command()
def show(
    tariff: Annotated[Path, typer.Argument(help="A signed tariff (.jws), or one as JSON.")],
    as_json: Json = False,
) -> None:
    """Print a tariff as its customer would read it. The signature is not checked here."""
    from wattseal_host import jws
    from wattseal_host.files import read_bounded, read_token
    from wattseal_host.strict_json import loads
    from wattseal_host.tariff import Tariff
    from wattseal_host.tariff.describe import describe

    if read_bounded(tariff)[:1] == b"{":
        document = loads(read_bounded(tariff))
        unsigned = describe(Tariff.read(document))
        output.emit({"tariff": document, "text": unsigned}, [*unsigned, "  not signed"], as_json)
        return
    signed = jws.parse(read_token(tariff), jws.TARIFF)
    lines = describe(Tariff.read(signed.payload))
    lines.append(f"  digest {signed.digest.hex()}, key {signed.kid}")
    value = {"digest": signed.digest.hex(), "key": signed.kid, "tariff": signed.payload}
    value["text"] = lines
    output.emit(value, lines, as_json)
