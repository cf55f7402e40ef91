"""`wattseal customer disclose`, and what `wattseal verify` says to the file it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import customer_release, output

if TYPE_CHECKING:
    from wattseal_host.disclosure.check import Certificate

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def command(
    file: Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")],
    ledger: Annotated[Path, typer.Option(help="A ledger with the meter's records.")],
    enrolment: Annotated[Path, typer.Option(help="The signed enrolment (.jws).")],
    trust: Annotated[Path, typer.Option(help="Keys you trust (wattseal-trust/1).")],
    from_: Annotated[str, typer.Option("--from", help="Begin of the records; UTC, ISO 8601.")],
    to: Annotated[str, typer.Option("--to", help="Their end; UTC, ISO 8601.")],
    query: Annotated[list[str], typer.Option(help="A question; again for more.")],
    recipient: Annotated[str, typer.Option(help="Who gets it: named inside, bound to the proof.")],
    out: Annotated[Path, typer.Option(help="Where the file goes (JSON).")],
    purpose: Annotated[str, typer.Option(help="What for, in a few words.")] = "not stated",
    zone: Annotated[
        str | None,
        typer.Option(help="Times of the questions are local: an IANA name, as Europe/Berlin."),
    ] = None,
    fuse_kw: customer_release.FuseKw = customer_release.DEFAULT_FUSE_KW,
    consent: Annotated[
        bool, typer.Option("--consent", help="Release it whatever becomes derivable.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Answer questions about your readings, certified against the sealed records.

    Questions: sum(import), max(import), highest(import, 3), count(import, 500),
    load_factor(import), with a window as import[2026-01-01..2026-01-08] in UTC (in local time with
    --zone), + - and whole numbers times them, and compared by >= <= > <. Refused (disclosure-...)
    where single readings become derivable, also together with what was told before.
    """
    from wattseal.errors import Misuse

    from wattseal_host.customer.disclose import in_utc, make_disclosure
    from wattseal_host.customer.local_times import localised
    from wattseal_host.customer.over_meters import stretches_over
    from wattseal_host.customer.releases import Releases
    from wattseal_host.customer.store import Secrets
    from wattseal_host.files import read_token, write_atomic
    from wattseal_host.ledger import Ledger
    from wattseal_host.trust import Trust

    held = Secrets.load(file)
    texts = query if zone is None else [localised(text, zone) for text in query]
    with Ledger.existing(ledger) as opened:
        meters = stretches_over(
            opened, held.meters, {}, output.utc_seconds(from_), output.utc_seconds(to)
        )
    if len(meters) > 1:
        raise Misuse("disclosure-meters", "the meter was replaced then: ask for each by itself")
    ((owner, stretch),) = meters
    listed = Releases.path_for(file)
    with Releases.locked(listed), output.progress("proving") as bar:
        made = make_disclosure(
            texts,
            stretch,
            owner.opener(),
            read_token(enrolment),
            owner.pinned(Trust.load(trust)),
            Releases.load(listed, held.meter, held.earlier),
            recipient,
            purpose,
            fuse_kw=customer_release.kilowatts(fuse_kw),
            consent=consent,
            progress=lambda part: bar(part, 1),
        )
        made.releases.save(listed)
    write_atomic(out, made.data)
    answers = {one.query.text: str(one.value) for one in made.disclosure.answers}
    derivable = list(dict.fromkeys(map(in_utc, made.findings)))
    output.emit(
        {
            "file": str(out),
            "recipient": recipient,
            "answers": answers,
            "derivable": derivable,
            "bytes": len(made.data),
            "proof_bytes": len(made.disclosure.proof),
        },
        [
            f"{out}: told to {recipient}, certified by {len(stretch.records)} records",
            *(f"  {text} = {value}" for text, value in answers.items()),
            *(f"  by consent: {text}" for text in derivable),
        ],
        as_json,
    )


def finish(certificate: Certificate, as_json: bool, explain: bool = False) -> None:
    """Print what a disclosure proves and exit 1 if it does not hold."""
    from wattseal_host import account

    told = account.of_answers(certificate)
    lines = _lines(certificate) + (told.lines() if explain else [])
    output.emit({**describe(certificate), "account": told.write()}, lines, as_json)
    if not certificate.holds:
        raise typer.Exit(1)


def describe(certificate: Certificate) -> dict[str, Any]:
    said = certificate.disclosure
    value: dict[str, Any] = {
        "disclosure": True,
        "holds": certificate.holds,
        "code": certificate.code,
        "detail": certificate.detail,
        "keys": certificate.keys,
        "checks": certificate.checks,
        "records": certificate.records,
    }
    if said is not None:
        value["recipient"], value["purpose"] = said.recipient, said.purpose
        value["made"] = output.utc_text(said.made_s)
        value["answers"] = {one.query.text: str(one.value) for one in said.answers}
    if certificate.holds and certificate.enrolment:
        value["meter"] = certificate.enrolment.meter.hex()
        value["from"] = output.utc_text(certificate.from_s)
        value["to"] = output.utc_text(certificate.to_s)
    return value


def _lines(certificate: Certificate) -> list[str]:
    if not certificate.holds:
        return output.refusal("the disclosure does not hold", certificate.code, certificate.detail)
    said = certificate.disclosure
    assert said is not None and certificate.enrolment is not None
    unit = certificate.enrolment.unit
    return [
        f"certified: {len(said.answers)} answers about a meter's readings",
        *(f"  {one.query.text} = {one.value}" for one in said.answers),
        f"  unit       10^{unit.exponent} {unit.name}",
        f"  recipient  {said.recipient}",
        f"  purpose    {said.purpose}",
        f"  made       {output.utc_text(said.made_s)}",
        f"  meter      {certificate.enrolment.meter.hex()}, {certificate.records} records",
        f"  period     {output.utc_text(certificate.from_s)} to "
        f"{output.utc_text(certificate.to_s)}",
        "The readings of this period, as the meter sealed them, give these answers and no others.",
        "Nothing else about them follows from the file. It was made for the recipient named, which",
        "does not keep a recipient from showing it around.",
    ]
