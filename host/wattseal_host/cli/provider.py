"""`wattseal provider …`: keys, enrolment, tariffs, contracts, and the check of bills."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output, provider_bills, provider_orders, provider_tariff, relay

app = typer.Typer(no_args_is_help=True, help="The provider's side: sign documents, check bills.")
app.add_typer(provider_tariff.app, name="tariff")
app.command("verify")(provider_bills.command)
app.command("clock")(provider_orders.clock)
app.command("close")(provider_orders.close)
app.command("replace")(provider_orders.link)
app.command("relay")(relay.command)

Directory = Annotated[Path, typer.Option("--dir", help="The provider's directory.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
From = Annotated[str, typer.Option("--from", help="UTC date or time, ISO 8601.")]
To = Annotated[str, typer.Option("--to", help="UTC date or time, ISO 8601 (excluded).")]


@app.command()
def init(directory: Directory, as_json: Json = False) -> None:
    """Make the provider's signing key (mode 0600)."""
    from wattseal_host.keys import fingerprint
    from wattseal_host.provider.office import Office

    office = Office.create(directory)
    name = fingerprint(office.public)
    value = {"key": office.public.hex(), "fingerprint": name}
    output.emit(value, [f"provider key {name}"], as_json)


@app.command()
def enrol(
    directory: Directory,
    port: Annotated[str, typer.Option(help="The meter's utility port.")],
    ledger: Annotated[Path | None, typer.Option(help="Ledger to note it in.")] = None,
    unit: Annotated[
        str, typer.Option(help="What it counts: Wh, or m in a vehicle. The meter cannot say.")
    ] = "Wh",
    as_json: Json = False,
) -> None:
    """Read a meter's identity from its utility port and sign its enrolment."""
    from dataclasses import replace

    from wattseal_host.collect.utility import UtilityPort
    from wattseal_host.keys import fingerprint
    from wattseal_host.provider.office import Office

    office = Office(directory)
    with UtilityPort(port) as utility:
        meter = utility.identity()
    meter = replace(meter, unit=replace(meter.unit, name=unit))
    signed = office.enrol(meter)
    if ledger is not None:
        from wattseal_host.ledger import Ledger

        with Ledger(ledger) as opened:
            opened.add_meter(meter, signed.token)
    name = fingerprint(meter.key)
    output.emit(
        {**meter.write(), "fingerprint": name, "jws": signed.token},
        [f"meter {meter.meter.hex()} enrolled, key {name}"],
        as_json,
    )


@app.command()
def contract(
    directory: Directory,
    meter: Annotated[str, typer.Option(help="The meter's id (32 hexadecimal digits).")],
    tariff: Annotated[Path, typer.Option(help="The signed tariff (.jws).")],
    number: Annotated[str, typer.Option(help="The contract's number.")],
    from_: From,
    to: To,
    out: Annotated[Path, typer.Option(help="Where the signed contract goes (.jws).")],
    as_json: Json = False,
) -> None:
    """Sign a contract that binds a meter to a tariff for a time."""
    from wattseal.record import METER_ID_BYTES

    from wattseal_host.documents import Agreed, Contract
    from wattseal_host.encoding import from_hex
    from wattseal_host.files import read_token, write_token
    from wattseal_host.provider.office import Office
    from wattseal_host.tariff import open_tariff

    office = Office(directory)
    priced = open_tariff(read_token(tariff), [office.public])[1]
    agreed = Agreed(priced.digest, output.utc_seconds(from_), output.utc_seconds(to))
    bound = Contract(number, from_hex(meter, METER_ID_BYTES, "--meter"), (agreed,))
    signed = office.agree(bound)
    write_token(out, signed.token)
    digest = signed.digest.hex()
    output.emit({"digest": digest, "file": str(out)}, [f"contract {digest} in {out}"], as_json)


@app.command()
def trust(
    directory: Directory,
    out: Annotated[Path, typer.Option(help="Where the trust file goes.")],
    as_json: Json = False,
) -> None:
    """Write a trust file of this provider's key and its enrolled meters' keys."""
    from wattseal_host.files import write_atomic
    from wattseal_host.provider.office import Office

    trusted = Office(directory).trust()
    write_atomic(out, trusted.write())
    count = len(trusted.meters)
    output.emit({"file": str(out), "meters": count}, [f"{count} meters in {out}"], as_json)
