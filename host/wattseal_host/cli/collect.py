"""`wattseal collect`: read meters' sealed records into a ledger."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.collect.many import Outcome
    from wattseal_host.collect.tap import Tap
    from wattseal_host.ledger import Ledger

SOME_FAILED, ALL_FAILED = 3, 2


def command(
    ledger: Annotated[Path, typer.Option(help="The ledger (SQLite); made if missing.")],
    utility: Annotated[
        list[str] | None,
        typer.Option("--utility", "--utility-port", help="A Modbus RTU port; repeatable."),
    ] = None,
    customer: Annotated[
        list[str] | None,
        typer.Option("--customer", "--customer-port", help="A P1 port; repeatable."),
    ] = None,
    capture: Annotated[
        Path | None, typer.Option(help="Write what passes on the ports, for `wattseal replay`.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="Where fork evidence goes; default: beside the ledger.")
    ] = None,
    new_meter: Annotated[
        bool, typer.Option("--new-meter", help="Accept an unknown meter on a known port.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a meter whose link broke.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read every new record, verify it, store it. Goes on where it stopped.

    Exit 0: every port was read to its end; 3: some failed, the others are done; 2: all failed.
    """
    from wattseal.errors import Misuse

    from wattseal_host.collect.capture import CaptureWriter
    from wattseal_host.collect.many import collect_all
    from wattseal_host.collect.place import CUSTOMER, UTILITY, Place
    from wattseal_host.ledger import Ledger

    places = [Place(UTILITY, port) for port in utility or []]
    places += [Place(CUSTOMER, port) for port in customer or []]
    if not places:
        raise Misuse("port", "give --utility PORT or --customer PORT, or several")
    if len({place.port for place in places}) < len(places):
        raise Misuse("port", "a port is named twice")
    with Ledger(ledger) as opened, ExitStack() as stack:
        before = _count(opened)
        taps: list[Tap | None] | None = None
        if capture is not None:
            writer = stack.enter_context(CaptureWriter(capture, places))
            taps = [writer.tap(at) for at in range(len(places))]
        bar = stack.enter_context(output.progress("collecting"))
        outcomes = collect_all(ledger, places, bar, taps, patience, new_meter)
        new = _count(opened) - before
    folder = evidence if evidence is not None else ledger.absolute().parent
    files = write_evidence(ledger, outcomes, folder)
    _report(outcomes, new, files, as_json)


def _count(ledger: Ledger) -> int:
    return sum(ledger.next_seq(meter.meter) for meter in ledger.meters())


def write_evidence(
    ledger: Path, outcomes: list[Outcome], folder: Path
) -> dict[bytes | None, list[str]]:
    """Evidence files of the meters that were found to have forked just now: meter -> names."""
    from wattseal_host.cli.ledger import write_forks
    from wattseal_host.ledger import Ledger

    forked = {o.meter for o in outcomes if o.code in ("meter-forked", "meter-wiped")}
    with Ledger(ledger) as opened:
        return {meter: write_forks(opened, meter, folder) for meter in forked if meter}


def _report(
    outcomes: list[Outcome], new: int, files: dict[bytes | None, list[str]], as_json: bool
) -> None:
    records = {outcome.meter: outcome.records for outcome in outcomes}
    value = {
        "new": new,
        "records": sum(records.values()),
        "failed": sum(1 for outcome in outcomes if outcome.code),
        "ports": [_describe(outcome, files) for outcome in outcomes],
    }
    lines = [_line(outcome) for outcome in outcomes if outcome.meter is not None]
    for names in files.values():
        lines += [f"evidence of two histories in {name}" for name in names]
    output.emit(value, lines, as_json)
    for outcome in outcomes:
        if outcome.code:
            output.complain(outcome.code, f"{outcome.place}: {outcome.detail}")
    if value["failed"]:
        raise typer.Exit(ALL_FAILED if value["failed"] == len(outcomes) else SOME_FAILED)


def _describe(outcome: Outcome, files: dict[bytes | None, list[str]]) -> dict[str, Any]:
    return {
        "kind": outcome.place.kind,
        "port": outcome.place.port,
        "meter": outcome.meter.hex() if outcome.meter else None,
        "new": outcome.new,
        "records": outcome.records,
        "breaks": outcome.breaks,
        "code": outcome.code or "done",
        "detail": outcome.detail,
        "evidence": files.get(outcome.meter, []),
    }


def _line(outcome: Outcome) -> str:
    meter = outcome.meter.hex() if outcome.meter else ""
    breaks = f" (the link broke {outcome.breaks} times)" if outcome.breaks else ""
    return f"{outcome.new} new records of meter {meter}, {outcome.records} in the ledger{breaks}"
