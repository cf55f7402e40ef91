"""`wattseal customer save …`: readings in files that other programs read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from wattseal_host.customer.formats.gather import Gathered

app = typer.Typer(no_args_is_help=True, help="Readings in files that other programs read.")

SecretFile = Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")]
LedgerFile = Annotated[Path | None, typer.Option(help="A ledger with the meter's records.")]
Port = Annotated[str | None, typer.Option(help="Or the meter's customer port.")]
From = Annotated[str, typer.Option("--from", help="UTC, ISO 8601.")]
To = Annotated[str, typer.Option("--to", help="UTC, ISO 8601 (excluded).")]
Zone = Annotated[str, typer.Option(help="Local time, an IANA name: Europe/Berlin.")]
Out = Annotated[Path, typer.Option(help="Where to write it (mode 0600).")]
Writer: TypeAlias = "Callable[[Gathered, ZoneInfo], bytes]"
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _command(name: str, about: str, writer: Callable[[], Writer]) -> None:
    """A command that writes readings in one of the formats; `writer` imports what does."""

    def command(
        file: SecretFile,
        out: Out,
        ledger: LedgerFile = None,
        port: Port = None,
        from_: From = "1970-01-01",
        to: To = "2106-01-01",
        zone: Zone = "UTC",
        as_json: Json = False,
    ) -> None:
        _write(file, out, ledger, port, from_, to, zone, writer(), as_json)

    app.command(name, help=about)(command)


def _table() -> Writer:
    from wattseal_host.customer.formats.table import to_table

    return to_table


def _green_button() -> Writer:
    from wattseal_host.customer.formats.green_button import to_green_button

    return to_green_button


_command(
    "csv",
    "A table for spreadsheets: a row for each record, in UTC and local time, in kWh.",
    _table,
)
_command(
    "green-button",
    "Green Button XML (ESPI), which energy programs and advisers read.",
    _green_button,
)


@app.command()
def ocmf(
    disclosure: Annotated[Path, typer.Argument(help="Written by `wattseal customer disclose`.")],
    trust: Annotated[Path, typer.Option(help="Keys you trust (wattseal-trust/1).")],
    key: Annotated[Path, typer.Option(help="Your signing key for such files (PEM, 0600).")],
    out: Annotated[Path, typer.Option(help="Where to write it.")],
    query: Annotated[str, typer.Option(help="Which of its sums.")] = "sum(import)",
    new_key: Annotated[bool, typer.Option("--new-key", help="Make the key first.")] = False,
    as_json: Json = False,
) -> None:
    """A sum you disclosed as OCMF, signed by a key of yours: readable by what reads charging
    stations. The signature is yours, not the meter's; the disclosure is the proof."""
    from wattseal_host.customer.formats.ocmf import to_ocmf
    from wattseal_host.disclosure.document import MAX_BYTES
    from wattseal_host.files import read_bounded, write_atomic
    from wattseal_host.keys import generate_key, load_key, save_key
    from wattseal_host.trust import Trust

    data, trusted = read_bounded(disclosure, MAX_BYTES), Trust.load(trust)
    signing = generate_key() if new_key else load_key(key)
    made = to_ocmf(data, trusted, query, signing)
    if new_key:
        save_key(key, signing)
    write_atomic(out, made.text.encode("ascii") + b"\n")
    begin, end = output.utc_text(made.from_s), output.utc_text(made.to_s)
    value = {"file": str(out), "kwh": f"{made.value:f}", "from": begin, "to": end}
    output.emit(
        {**value, "public_key": made.key},
        [
            f"{made.value:f} kWh, {begin} to {end}, in {out}",
            f"  public key {made.key}",
        ],
        as_json,
    )


def _write(
    file: Path,
    out: Path,
    ledger: Path | None,
    port: str | None,
    from_: str,
    to: str,
    zone: str,
    write: Writer,
    as_json: bool,
) -> None:
    from wattseal.errors import Misuse

    from wattseal_host.customer.formats import gather
    from wattseal_host.customer.store import Secrets
    from wattseal_host.files import write_secret
    from wattseal_host.localstamps import find_zone

    held = Secrets.load(file)
    if (ledger is None) == (port is None):
        raise Misuse("source", "give either --ledger or --port")
    from_s, to_s, local = output.utc_seconds(from_), output.utc_seconds(to), find_zone(zone)
    if ledger is not None:
        from wattseal_host.ledger import Ledger

        with Ledger.existing(ledger) as opened, output.progress("opening") as bar:
            gathered = gather.from_ledger(opened, held, from_s, to_s, bar)
    else:
        from wattseal_host.collect.customer import CustomerPort

        with CustomerPort(str(port)) as customer, output.progress("asking the meter") as bar:
            gathered = gather.from_port(customer, held, from_s, to_s, bar)
    write_secret(out, write(gathered, local))
    rows = sum(1 for _ in gathered.records())
    begin = output.utc_text(gathered.readings[0].start_s)
    end = output.utc_text(gathered.readings[-1].end_s)
    value = {"meter": held.meter.hex(), "records": rows, "from": begin, "to": end}
    lines = [f"{rows} records, {begin} to {end}, in {out}"]
    lines += [
        f"not opened: records {one.from_seq} to {one.to_seq}, of epoch {one.epoch}"
        ", whose secret is not held"
        for one in gathered.unknown
    ]
    output.emit({**value, "unknown": len(gathered.unknown), "file": str(out)}, lines, as_json)
