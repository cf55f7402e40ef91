"""`wattseal customer …`: pair, recover openings, bill, and see what was released."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from wattseal.pairing_customer import PIN_DIGITS

from wattseal_host.cli import (
    consents,
    customer_bill,
    customer_display,
    customer_release,
    disclose,
    export,
    output,
)

app = typer.Typer(no_args_is_help=True, help="The customer's side: openings and bills, at home.")
app.add_typer(customer_release.tariff_app, name="tariff")
customer_release.tariff_app.command("display")(customer_display.command)
app.command("releases")(customer_release.releases)
app.command("disclose")(disclose.command)
app.command("consents")(consents.consents)
app.command("revoke")(consents.revoke)
app.command("export")(export.command)
app.command("bill")(customer_bill.command)

SecretFile = Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Port = Annotated[str, typer.Option(help="The meter's customer port.")]
From = Annotated[str, typer.Option("--from", help="UTC date or time, ISO 8601.")]
To = Annotated[str, typer.Option("--to", help="UTC date or time, ISO 8601 (excluded).")]


@app.command()
def status(port: Port, as_json: Json = False) -> None:
    """What the meter says of itself on the customer port."""
    from wattseal_host.collect.customer import CustomerPort

    with CustomerPort(port) as customer:
        value = customer.status()
    output.emit(value, [f"{name:16} {value[name]}" for name in value], as_json)


@app.command()
def pair(
    port: Port,
    file: SecretFile,
    pin: Annotated[
        str, typer.Option(help="The six digits on the meter's display; asked for without it.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="It is in the place of the meter paired before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Pair with the meter: press its button, and type the PIN it shows within a minute.

    One press is good for one try.
    """
    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer.store import Secrets
    from wattseal_host.errors import Unusable
    from wattseal_host.keys import fingerprint

    if not file.absolute().parent.is_dir():
        raise Unusable("file-missing", f"{file.parent} is no directory")
    before = Secrets.load(file) if file.exists() else None
    with CustomerPort(port) as customer:
        pairing = customer.pair(asked_pin(pin))
    paired = Secrets.paired(pairing, before, replace)
    paired.save(file)
    name = fingerprint(paired.key)
    output.emit(
        {"meter": paired.meter.hex(), "epoch": pairing.epoch, "fingerprint": name},
        [
            f"paired with meter {paired.meter.hex()}, key {name}",
            f"epoch {pairing.epoch} begins with the next interval; its secret is in {file}",
        ],
        as_json,
    )


def asked_pin(pin: str) -> str:
    """Six digits, from the option or from whoever sits at the terminal."""
    from wattseal.errors import Misuse

    if not pin and sys.stdin.isatty():
        pin = typer.prompt("PIN on the meter's display", err=True)
    if not (len(pin) == PIN_DIGITS and pin.isascii() and pin.isdigit()):
        raise Misuse("pin", "the six digits on the meter's display; give them with --pin")
    return pin


@app.command()
def consent(
    port: Port,
    file: SecretFile,
    give: Annotated[bool, typer.Option("--give/--withdraw", help="Show it, or cease to.")],
    as_json: Json = False,
) -> None:
    """Let the utility port show live consumption (SunSpec model 201), or forbid it again."""
    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer import consent as consents
    from wattseal_host.customer.store import Secrets

    secrets = Secrets.load(file)
    with CustomerPort(port) as customer:
        epoch = consents.decide(customer, secrets, give)
    output.emit(
        {"meter": secrets.meter.hex(), "epoch": epoch, "given": give},
        [f"consent {'given' if give else 'withdrawn'} in epoch {epoch}"],
        as_json,
    )


@app.command()
def openings(
    file: SecretFile,
    ledger: Annotated[Path | None, typer.Option(help="Open a ledger's ciphertexts.")] = None,
    port: Annotated[str | None, typer.Option(help="Or ask the meter.")] = None,
    from_: From = "1970-01-01",
    to: To = "2106-01-01",
    as_json: Json = False,
) -> None:
    """Readings, each checked against its commitment. With --ledger: from the secret alone."""
    from wattseal.errors import Misuse

    from wattseal_host.customer.readings import from_ledger, from_port
    from wattseal_host.customer.store import Secrets

    held = Secrets.load(file)
    if (ledger is None) == (port is None):
        raise Misuse("source", "give either --ledger or --port")
    from_s, to_s = output.utc_seconds(from_), output.utc_seconds(to)
    if ledger is not None:
        from wattseal_host.ledger import Ledger

        with Ledger.existing(ledger) as opened:
            met = {meter.meter for meter in opened.meters()} | {held.meter}
            mine = [one for one in held.meters if one.meter in met]
            found = [o for one in mine for o in from_ledger(opened, one, from_s, to_s)]
    else:
        from wattseal_host.collect.customer import CustomerPort

        with CustomerPort(str(port)) as customer, output.progress("reading") as bar:
            found = from_port(customer, held, from_s, to_s, bar)
    rows = [
        {
            "seq": opening.seq,
            "channel": opening.channel,
            "start": output.utc_text(opening.start_s),
            "length_s": opening.length_s,
            "value": opening.value,
            "hidden_flags": opening.hidden_flags,
        }
        for opening in found
    ]
    lines = [
        f"{row['start']}  {row['length_s']:>6} s  channel {row['channel']}  {row['value']:>10}"
        for row in rows
    ]
    output.emit({"meter": held.meter.hex(), "openings": rows}, lines, as_json)
