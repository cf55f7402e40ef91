"""`wattseal verify`: settle a bill, a disclosure or a fork off line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host import account
from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.verify import Verdict


def command(
    bundle: Annotated[
        Path, typer.Argument(help="A bill's bundle, a disclosure, or fork evidence (JSON).")
    ],
    trust: Annotated[Path, typer.Option(help="Keys you trust, from elsewhere (wattseal-trust/1).")],
    recipient: Annotated[
        str | None, typer.Option(help="Of a disclosure: refuse it unless it is made for this one.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say in words what was checked and what follows.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Verify a bill from its bundle alone, a certified disclosure, or evidence that a meter signed
    two histories: what was claimed, which checks were made, and what failed first.

    Exit 0 accepted (disclosure, evidence: it holds), 1 refused, 2 unusable input.
    """
    from wattseal_host import evidence
    from wattseal_host.bundle import MAX_BUNDLE_BYTES
    from wattseal_host.disclosure.document import is_disclosure
    from wattseal_host.files import read_bounded
    from wattseal_host.trust import Trust
    from wattseal_host.verify import verify_bundle

    trusted = Trust.load(trust)
    data = read_bounded(bundle, MAX_BUNDLE_BYTES)
    if evidence.is_evidence(data):
        from wattseal_host.cli.evidence import finish as finish_evidence

        finish_evidence(evidence.judge(data, trusted), as_json, explain)
    elif is_disclosure(data):
        from wattseal_host.cli.disclose import finish as finish_disclosure
        from wattseal_host.disclosure.check import check

        finish_disclosure(check(data, trusted, recipient), as_json, explain)
    else:
        finish(verify_bundle(data, trusted), as_json, explain)


def finish(verdict: Verdict, as_json: bool, explain: bool = False) -> None:
    """Print a verdict and exit 1 if it is a refusal."""
    told = account.of_bill(verdict)
    lines = _lines(verdict) + (told.lines() if explain else [])
    output.emit({**describe(verdict), "account": told.write()}, lines, as_json)
    if not verdict.accepted:
        raise typer.Exit(1)


def describe(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON. amount: major units; checks: milliseconds by stage."""
    value: dict[str, Any] = {
        "accepted": verdict.accepted,
        "code": verdict.code,
        "detail": verdict.detail,
        "records": verdict.records,
        "keys": verdict.keys,
        "checks_ms": {name: round(spent_ms, 3) for name, spent_ms in verdict.checks},
        "on_ledger": list(verdict.on_ledger),
        "notes": list(verdict.notes),
    }
    if verdict.statement is not None:
        value["amount"] = verdict.amount
        value["currency"] = verdict.statement.currency.code
        value["statement"] = verdict.statement.write()
    return value


def _lines(verdict: Verdict) -> list[str]:
    if verdict.statement is None:
        lines = output.refusal("refused", verdict.code, verdict.detail)
        passed = [name for name, _ in verdict.checks]
        if passed:
            lines.append(f"  checked before it, and good: {', '.join(passed)}")
        lines += [f"  {who} key {fingerprint}" for who, fingerprint in verdict.keys.items()]
        return lines
    statement = verdict.statement
    checks = ", ".join(f"{name} {spent_ms:.1f} ms" for name, spent_ms in verdict.checks)
    total_ms = math.fsum(spent_ms for _, spent_ms in verdict.checks)
    lines = [
        f"accepted: {verdict.amount} {statement.currency.code} payable",
        f"  period   {output.utc_text(statement.from_s)} to {output.utc_text(statement.to_s)}",
        *[f"  meter    {one.meter.hex()}, then" for one in statement.stretches[:-1]],
        f"  meter    {statement.stretches[-1].meter.hex()}, {verdict.records} records",
        f"  provider {verdict.keys['provider']}",
        *[f"  tariff   {digest.hex()}" for digest in statement.tariffs],
        *[f"  contract {one.contract.hex()}" for one in statement.stretches],
        f"  checks   {checks}; {total_ms:.1f} ms in all",
    ]
    if verdict.on_ledger:
        lines.append(f"  ledger   checked on arrival: {', '.join(verdict.on_ledger)}")
    lines += [f"  note     {note}" for note in verdict.notes]
    return lines
