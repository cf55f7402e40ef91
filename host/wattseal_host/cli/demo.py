"""`wattseal demo`: a month of a household through the emulated meter into a verified bill."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from wattseal_host.cli import output


def command(
    load: Annotated[
        Path | None, typer.Option(help="CSV start,kwh; default: a standard profile.")
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="CSV: first column a slot's start, last a price per kWh; a header."),
    ] = None,
    tariff: Annotated[
        Path | None,
        typer.Option(help="A tariff document (JSON) instead, signed by the demo's provider."),
    ] = None,
    minor_units: Annotated[
        bool, typer.Option("--minor-units", help="The prices are in pence, cents, …")
    ] = False,
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the prices.")] = "EUR",
    zone: Annotated[str, typer.Option(help="IANA zone of the local times in both files.")] = "UTC",
    start: Annotated[
        str | None, typer.Option(help="Date from which the load runs instead of its own.")
    ] = None,
    interval: Annotated[int, typer.Option(help="Length of a record in seconds.")] = 1800,
    days: Annotated[int, typer.Option(help="Days to run and bill.")] = 30,
    out: Annotated[Path, typer.Option(help="Where the files go.")] = Path("demo-out"),
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same sealed bytes.")] = 1,
    consent: Annotated[
        bool, typer.Option("--consent", help="Bill whatever the spy test finds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run the meter's firmware on an emulated board, collect from both ports, bill, verify.

    Clamp and converter of the board have the faults of real ones, and are calibrated first.

    The board runs in virtual time with one sampling burst, one telegram and one checkpoint a
    minute (a real meter: every second, every second, every minute); nothing else differs.
    """
    if minor_units and prices is None:
        raise typer.BadParameter("--minor-units says how to read --prices, which is not given")
    if tariff is not None and prices is not None:
        raise typer.BadParameter("give one of --prices and --tariff")
    from wattseal_host.cli.demo_run import Demo, run_demo

    demo = Demo(
        load,
        interval,
        days,
        out,
        seed,
        prices,
        minor_units,
        currency,
        zone,
        start,
        consent,
        tariff,
    )
    result = run_demo(demo)
    output.emit(result, _lines(result), as_json)
    if result["verdict"] != "accepted":
        raise typer.Exit(1)


def _lines(result: dict[str, Any]) -> list[str]:
    error = result["energy_wh"] - result["load_wh"]
    relative = f" ({100 * error / result['load_wh']:+.3f} %)" if result["load_wh"] else ""
    stages = ", ".join(f"{name} {spent:.2f}" for name, spent in result["seconds"].items())
    return [
        f"meter    {result['meter']}, {result['records']} records sealed on "
        f"{_named(str(result['vm']))}",
        "         one burst, telegram and checkpoint a minute, in virtual time",
        f"period   {result['from']} to {result['to']}",
        f"energy   {result['energy_wh']} Wh metered, {result['load_wh']:.1f} Wh drawn{relative}",
        f"register {result['register']['register_wh']} Wh, sealed "
        f"{result['register']['sealed_wh']} Wh",
        f"ports    {result['telegrams']} telegrams; both ports gave the same records",
        f"fee      {result['fee']} {result['currency']}, proven in {result['proof_bytes']} bytes",
        f"verdict  {result['verdict']}",
        f"seconds  {stages}",
        f"files    {', '.join(result['files'])}",
    ]


def _named(vm: str) -> str:
    """sys.implementation, as people say it."""
    told = re.search(r"version=\((\d+), (\d+), (\d+)", vm)
    return f"MicroPython {'.'.join(told.groups())}" if told else vm
