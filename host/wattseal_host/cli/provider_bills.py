"""`wattseal provider verify`: one bill, or all of a folder at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.provider.batch import Outcome

SUFFIXES = (".bill", ".json")


def command(
    bills: Annotated[
        list[Path],
        typer.Argument(help="Bundles (.json), bill messages (.bill), or folders of them."),
    ],
    directory: Annotated[Path, typer.Option("--dir", help="The provider's directory.")],
    ledger: Annotated[Path, typer.Option(help="The provider's own ledger.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one for each core.")
    ] = None,
    new_contract: Annotated[
        bool,
        typer.Option("--new-contract", help="Accept a contract other than the last bill's."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Verify bills against the provider's own keys and ledger, which notes those accepted: a
    second bill for the same time is refused.

    Exit 0 all accepted, 1 some refused, 2 some file is no bill at all.
    """
    from wattseal_host.bundle import MAX_BUNDLE_BYTES
    from wattseal_host.cli.verify import finish
    from wattseal_host.files import read_bounded
    from wattseal_host.ledger import Ledger
    from wattseal_host.provider.batch import Checker, Desk, check_all
    from wattseal_host.provider.booking import book_all
    from wattseal_host.provider.office import Office

    office = Office(directory)
    desk = Desk(directory, office.public, office.trust(), ledger)
    if len(bills) == 1 and not bills[0].is_dir():
        data = read_bounded(bills[0], MAX_BUNDLE_BYTES)
        with Checker(desk) as checker:
            verdict = checker.check(data)
        with Ledger.existing(ledger) as opened:
            (verdict,) = book_all(opened, [verdict], new_contract)
        finish(verdict, as_json)
        return
    paths = _files(bills)
    started = time.perf_counter()
    with output.progress(f"verifying {len(paths)} bills") as bar:
        outcomes = check_all(paths, desk, workers, bar)
    with Ledger.existing(ledger) as opened:
        verdicts = book_all(opened, [outcome.verdict for outcome in outcomes], new_contract)
    for outcome, verdict in zip(outcomes, verdicts, strict=True):
        outcome.verdict = verdict
    spent_s = time.perf_counter() - started
    output.emit(_describe(outcomes, spent_s), _lines(outcomes, spent_s), as_json)
    if any(outcome.unusable for outcome in outcomes):
        raise typer.Exit(2)
    if not all(outcome.verdict.accepted for outcome in outcomes):
        raise typer.Exit(1)


def _files(bills: list[Path]) -> list[Path]:
    from wattseal.errors import Misuse

    paths: list[Path] = []
    for path in bills:
        if path.is_dir():
            paths += sorted(child for child in path.iterdir() if child.suffix in SUFFIXES)
        else:
            paths.append(path)
    if not paths:
        raise Misuse("no-bills", f"no {' or '.join(SUFFIXES)} file there")
    return paths


def _describe(outcomes: list[Outcome], spent_s: float) -> dict[str, Any]:
    from wattseal_host.cli.verify import describe

    accepted = sum(outcome.verdict.accepted for outcome in outcomes)
    return {
        "accepted": accepted,
        "refused": len(outcomes) - accepted,
        "seconds": round(spent_s, 3),
        "bills": [
            {"file": str(outcome.path), "unusable": outcome.unusable, **describe(outcome.verdict)}
            for outcome in outcomes
        ],
    }


def _lines(outcomes: list[Outcome], spent_s: float) -> list[str]:
    lines = []
    for path, verdict in ((outcome.path, outcome.verdict) for outcome in outcomes):
        if verdict.statement is not None:
            said = f"accepted: {verdict.amount} {verdict.statement.currency.code}"
        else:
            said = f"refused: {verdict.code}" + (f" ({verdict.detail})" if verdict.detail else "")
        lines.append(f"{path}: {said}")
        lines += [f"  note: {note}" for note in verdict.notes]
    accepted = sum(outcome.verdict.accepted for outcome in outcomes)
    refused = len(outcomes) - accepted
    each_ms = 1000 * spent_s / len(outcomes)
    lines.append(
        f"{accepted} accepted, {refused} refused; {spent_s:.2f} s, {each_ms:.1f} ms a bill"
    )
    return lines
