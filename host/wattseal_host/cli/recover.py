"""`wattseal customer recover`: readings from a ledger with the epoch secrets alone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.customer.recover import Recovered, Unknown


def command(
    file: Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")],
    ledger: Annotated[Path, typer.Option(help="A ledger with the meter's records.")],
    from_: Annotated[str, typer.Option("--from", help="UTC, ISO 8601.")] = "1970-01-01",
    to: Annotated[str, typer.Option("--to", help="UTC, ISO 8601 (excluded).")] = "2106-01-01",
    out: Annotated[
        Path | None, typer.Option("--csv", help="Write a table there (mode 0600).")
    ] = None,
    meter: Annotated[
        str | None, typer.Option(help="The id of a meter that was replaced; else the newest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Recover every reading from the records and the epoch secrets, each checked against its
    commitment. Records of epochs whose secret is not held are named."""
    from wattseal_host.customer.recover import recover, to_csv
    from wattseal_host.customer.store import Secrets
    from wattseal_host.files import write_secret
    from wattseal_host.ledger import Ledger

    held = Secrets.load(file).of(meter)
    from_s, to_s = output.utc_seconds(from_), output.utc_seconds(to)
    with Ledger.existing(ledger) as opened, output.progress("recovering") as bar:
        recovered = recover(opened, held, from_s, to_s, bar)
    if out is not None:
        write_secret(out, to_csv(recovered.readings))
    _report(recovered, held.meter, out, as_json)


def _report(recovered: Recovered, meter: bytes, out: Path | None, as_json: bool) -> None:
    from wattseal_host.customer.recover import row_of

    value: dict[str, Any] = {
        "meter": meter.hex(),
        "count": len(recovered.readings),
        "unknown": [asdict(unknown) for unknown in recovered.unknown],
        "file": str(out) if out is not None else None,
    }
    if out is None:
        value["readings"] = [
            {**row_of(reading), "seq": reading.seq, "epoch": reading.epoch}
            for reading in recovered.readings
        ]
        lines = ["  ".join(row_of(reading).values()).rstrip() for reading in recovered.readings]
    else:
        lines = [f"{len(recovered.readings)} readings in {out}"]
    output.emit(value, lines + [_words(unknown) for unknown in recovered.unknown], as_json)


def _words(unknown: Unknown) -> str:
    times = f"{output.utc_text(unknown.from_s)} to {output.utc_text(unknown.to_s)}"
    places = f"records {unknown.from_seq} to {unknown.to_seq}"
    return f"not opened: {places}, {times}, of epoch {unknown.epoch}, whose secret is not held"
