"""What `wattseal verify` says to a file of fork evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from wattseal_host import account
from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal.record import Record

    from wattseal_host.evidence import ForkVerdict

_KINDS = {1: "interval reading", 2: "reading over an outage", 3: "event"}
_MEANING = """\
Both records are signed with the key of the meter named above, which is among the keys trusted
here. Each of them claims place {seq} in the one sequence of records that this meter makes, and
they differ. A meter that works as specified never signs two records for one place. So the
meter was set back to an earlier state, or its key is in use outside of it, or it does not work
as specified. Which of the two records is true, and who caused this, does not follow from it."""


def finish(verdict: ForkVerdict, as_json: bool, explain: bool = False) -> None:
    """Print a verdict on evidence and exit 1 if it does not hold."""
    told = account.of_fork(verdict)
    lines = _lines(verdict) + (told.lines() if explain else [])
    output.emit({**describe(verdict), "account": told.write()}, lines, as_json)
    if not verdict.holds:
        raise typer.Exit(1)


def describe(verdict: ForkVerdict) -> dict[str, Any]:
    value: dict[str, Any] = {
        "evidence": "fork",
        "holds": verdict.holds,
        "code": verdict.code,
        "detail": verdict.detail,
        "meter": verdict.meter.hex() if verdict.meter else None,
        "key": verdict.key,
    }
    if verdict.holds:
        value["seq"] = verdict.records[0].seq
        value["records"] = [_record(record) for record in verdict.records]
    return value


def _record(record: Record) -> dict[str, Any]:
    return {
        "kind": _KINDS[record.kind],
        "from": output.utc_text(record.start_s),
        "to": output.utc_text(record.end_s),
        "boot": record.boot,
        "epoch": record.epoch,
        "digest": record.digest.hex(),
        "previous": record.previous.hex(),
    }


def _lines(verdict: ForkVerdict) -> list[str]:
    if not verdict.holds:
        return output.refusal("the evidence does not hold", verdict.code, verdict.detail)
    meter = verdict.meter.hex() if verdict.meter else ""
    lines = [
        f"the evidence holds: {verdict.code}, one meter signed two records for one place",
        f"  meter  {meter}",
        f"  key    {verdict.key}",
        f"  place  {verdict.records[0].seq}",
    ]
    for name, record in zip(("one", "other"), map(_record, verdict.records), strict=True):
        times = f"{record['from']} to {record['to']}"
        lines.append(f"  {name:6} {record['kind']}, {times}, boot {record['boot']}")
        lines.append(f"         digest {record['digest']}")
    return lines + _MEANING.format(seq=verdict.records[0].seq).splitlines()
