"""`wattseal replay`: captured bytes of a port, through what live ones go through."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.replay import Outcome


def command(
    capture: Annotated[Path, typer.Argument(help="A capture, or bytes as a sniffer gives them.")],
    ledger: Annotated[
        Path | None, typer.Option(help="Goes on with this ledger; default: one for the moment.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="utility or customer, if raw bytes leave it in doubt.")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option(help="Meters' keys, for captures that name none.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replay a capture of either port. Exit 0: everything verified; 1: something did not, or
    no meter was heard; 2: no capture."""
    from wattseal.errors import Misuse

    from wattseal_host.ledger import Ledger
    from wattseal_host.replay import replay
    from wattseal_host.trust import Trust

    if port not in (None, "utility", "customer"):
        raise Misuse("port", "--port is utility or customer")
    trusted = Trust.load(trust) if trust is not None else None
    with tempfile.TemporaryDirectory(prefix="wattseal-replay-") as scratch:
        path = ledger if ledger is not None else Path(scratch) / "ledger.db"
        with output.progress("replaying") as bar:
            outcome = replay(capture, path, port, trusted, bar)
        with Ledger(path) as opened:
            last = {meter: opened.last(meter) for meter in outcome.meters}
    report(outcome, last, as_json)


def report(
    outcome: Outcome,
    last: dict[bytes, Any],
    as_json: bool,
    more: dict[str, Any] | None = None,
    first: list[str] | None = None,
    verdict: str | None = None,
    good: bool | None = None,
) -> None:
    """Print what came of a replay, and exit 1 unless all of it verified. last: of each meter, the
    newest record in the ledger; more: for the JSON object; first: lines before the others;
    verdict, good: instead of the outcome's own."""
    from wattseal_host.replay.run import ACCEPTED

    verdict = verdict or outcome.verdict

    meters = [
        {
            "meter": meter.hex(),
            "new": new,
            "records": record.seq + 1 if record else 0,
            "apart": outcome.apart.get(meter, 0),
            "last": record.digest.hex() if record else None,
        }
        for (meter, new), record in zip(outcome.meters.items(), last.values(), strict=True)
    ]
    value = {
        **(more or {}),
        "verdict": verdict,
        "meters": meters,
        "findings": [
            {"place": str(f.place), "code": f.code, "detail": f.detail} for f in outcome.findings
        ],
        "places": [{"place": str(place), **counts} for place, counts in outcome.places],
    }
    lines = [*(first or []), f"verdict: {verdict}"]
    for place, counts in outcome.places:
        heard = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
        lines.append(f"  {place}: {heard}")
    for row in meters:
        lines.append(f"  meter {row['meter']}: {row['new']} new records, {row['records']} in all")
        if row["apart"]:
            lines.append(f"    {row['apart']} more verify, but the ledger lacks what is before")
    lines += [f"  {f.place}: {f.code}: {f.detail}" for f in outcome.findings]
    output.emit(value, lines, as_json)
    if not (verdict == ACCEPTED if good is None else good):
        raise typer.Exit(1)
