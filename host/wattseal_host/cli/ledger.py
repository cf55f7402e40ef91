"""`wattseal ledger …`: what a ledger holds, what it turned away, and whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.documents import Enrolment
    from wattseal_host.ledger import Ledger

app = typer.Typer(no_args_is_help=True, help="What a ledger holds and what it turned away.")

File = Annotated[Path, typer.Option("--ledger", help="The ledger (SQLite).")]
Meter = Annotated[str | None, typer.Option(help="One meter's id; default: all.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def check(ledger: File, meter: Meter = None, as_json: Json = False) -> None:
    """Verify every record again: form, chain, completeness, signature, and that what the ledger
    keeps beside it, sums of points above all, follows from it. Exit 1 if one fails."""
    rows = []
    with _open(ledger) as opened, output.progress("checking") as bar:
        for known in _meters(opened, meter):
            row = {"meter": known.meter.hex(), "records": 0, "code": "complete", "detail": ""}
            row.update(_check(opened, known, bar))
            rows.append(row)
    lines = [
        f"meter {row['meter']}: {row['records']} records, {row['code']}"
        + (f" ({row['detail']})" if row["detail"] else "")
        for row in rows
    ]
    output.emit({"meters": rows}, lines, as_json)
    if any(row["code"] != "complete" for row in rows):
        raise typer.Exit(1)


@app.command()
def rejects(ledger: File, meter: Meter = None, as_json: Json = False) -> None:
    """Records that were turned away: when, from where, and why."""
    rows = []
    with _open(ledger) as opened:
        for known in _meters(opened, meter):
            rows += [
                {
                    "meter": known.meter.hex(),
                    "received": output.utc_text(reject.received_s),
                    "source": reject.source,
                    "code": reject.code,
                    "detail": reject.detail,
                    "sealed": reject.sealed.hex(),
                }
                for reject in opened.rejects(known.meter)
            ]
    lines = [
        f"{row['received']}  {row['meter']}  {row['source']:8}  {row['code']}  {row['detail']}"
        for row in rows
    ]
    output.emit({"rejects": rows}, lines or ["none"], as_json)


@app.command()
def forks(
    ledger: File,
    out: Annotated[Path | None, typer.Option(help="Write evidence files there.")] = None,
    meter: Meter = None,
    as_json: Json = False,
) -> None:
    """Places for which a meter signed two records; with --out, as files for `wattseal verify`."""
    rows = []
    with _open(ledger) as opened:
        for known in _meters(opened, meter):
            names = write_forks(opened, known.meter, out) if out is not None else []
            for at, evidence in enumerate(opened.forks(known.meter)):
                row = {"meter": known.meter.hex(), "seq": evidence.seq}
                rows.append({**row, "file": names[at] if names else None})
    lines = [
        f"meter {row['meter']} signed two records {row['seq']}"
        + (f": {row['file']}" if row["file"] else "")
        for row in rows
    ]
    output.emit({"forks": rows}, lines or ["none"], as_json)


def write_forks(ledger: Ledger, meter: bytes, folder: Path) -> list[str]:
    """Write a meter's fork evidence into a folder, one file a place; their names."""
    from wattseal_host.files import write_atomic

    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for evidence in ledger.forks(meter):
        path = folder / f"fork-{meter.hex()}-{evidence.seq}.json"
        write_atomic(path, evidence.write())
        names.append(str(path))
    return names


def _check(ledger: Ledger, meter: Enrolment, bar: output.Advance) -> dict[str, int | str]:
    from wattseal.errors import Malformed, Refused

    done = 0
    try:
        for done, total in ledger.check(meter.meter):
            bar(done, total)
    except (Malformed, Refused) as error:
        return {"records": done, "code": error.code, "detail": error.detail}
    return {"records": done}


def _open(path: Path) -> Ledger:
    """An existing ledger: looking at one makes none."""
    from wattseal_host.ledger import Ledger

    return Ledger.existing(path)


def _meters(ledger: Ledger, wanted: str | None) -> list[Enrolment]:
    from wattseal.errors import Misuse

    known = [meter for meter in ledger.meters() if wanted in (None, meter.meter.hex())]
    if wanted is not None and not known:
        raise Misuse("meter-unknown", wanted[:40])
    return known
