"""`wattseal customer bill`: the bill of a period, over one meter or over meters that followed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattseal_host.cli import customer_release, output
from wattseal_host.cli.customer_release import DEFAULT_FUSE_KW, FuseKw

if TYPE_CHECKING:
    from wattseal_host.customer.bill import MeterPart
    from wattseal_host.customer.store import Secrets
    from wattseal_host.stretch import Stretch


def command(
    file: Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")],
    ledger: Annotated[Path, typer.Option(help="A ledger with the meters' records.")],
    enrolment: Annotated[
        list[Path], typer.Option(help="The signed enrolment (.jws); of each meter one.")
    ],
    contract: Annotated[
        list[Path], typer.Option(help="The signed contract (.jws); of each meter one.")
    ],
    tariff: Annotated[
        list[Path],
        typer.Option(help="The signed tariff (.jws); each of several, where one follows another."),
    ],
    trust: Annotated[Path, typer.Option(help="Keys you trust (wattseal-trust/1).")],
    from_: Annotated[str, typer.Option("--from", help="UTC date or time, ISO 8601.")],
    to: Annotated[str, typer.Option("--to", help="UTC date or time, ISO 8601 (excluded).")],
    out: Annotated[Path, typer.Option(help="Where the bundle goes (JSON).")],
    replacement: Annotated[
        list[Path] | None,
        typer.Option(help="Where the meter was replaced: the provider's signed link (.jws)."),
    ] = None,
    message: Annotated[
        Path | None,
        typer.Option(
            help="Where the bill message goes (.bill): all a provider with a ledger needs."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where a page about the bill goes (HTML).")
    ] = None,
    fuse_kw: FuseKw = DEFAULT_FUSE_KW,
    consent: Annotated[
        bool, typer.Option("--consent", help="Release it whatever the spy test finds.")
    ] = False,
    full_resolution: Annotated[
        bool,
        typer.Option(
            "--full-resolution",
            help="Open the fee itself, which tells more than the rounded amount; with --consent.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compute the bill of a period and prove it; the bundle is what the provider gets.

    Only the amount payable leaves, with a proof that it follows from records and tariff. Where a
    meter was replaced in mid-period (paired with --replace), both are found in the secret file and
    the ledger, and billed as one.

    Refused (disclosure-…) when the bill, beside those before it, would give single readings away.
    """
    from wattseal.errors import Misuse

    from wattseal_host import wide_message
    from wattseal_host.cli.verify import describe
    from wattseal_host.customer.bill import make_joint_bill
    from wattseal_host.customer.over_meters import stretches_over
    from wattseal_host.customer.releases import Releases
    from wattseal_host.customer.store import Secrets, pinned_all
    from wattseal_host.files import read_token, write_atomic, write_secret
    from wattseal_host.ledger import Ledger
    from wattseal_host.replacement import open_replacement
    from wattseal_host.trust import Trust

    if full_resolution and not consent:
        raise Misuse(
            "full-resolution", "it tells more than the bill needs; say --consent if you will"
        )
    held = Secrets.load(file)
    trusted = Trust.load(trust)
    tokens = [read_token(path) for path in replacement or []]
    links = [open_replacement(token, trusted.providers)[0] for token in tokens]
    with Ledger.existing(ledger) as opened:
        stretches = stretches_over(
            opened,
            held.meters,
            {one.successor: one.from_s for one in links if one.from_s is not None},
            output.utc_seconds(from_),
            output.utc_seconds(to),
        )
    parts = _parts(stretches, enrolment, contract)
    if len(parts) > 1 and not replacement:
        raise Misuse("replacement-missing", f"{len(parts)} meters were there; give --replacement")
    listed = Releases.path_for(file)
    with Releases.locked(listed), output.progress("proving") as bar:
        made = make_joint_bill(
            parts,
            tokens if len(parts) > 1 else [],
            [read_token(one) for one in tariff],
            pinned_all([one for one, _ in stretches], trusted),
            Releases.load(listed, held.meter, held.earlier),
            fuse_kw=customer_release.kilowatts(fuse_kw),
            consent=consent,
            full_resolution=full_resolution,
            progress=lambda part: bar(part, 1),
        )
        # Noted before it can leave: a release that was forgotten is not weighed against the next.
        made.releases.save(listed)
    write_atomic(out, made.data)
    if message is not None:
        write_atomic(message, wide_message.write(made.bundle.statement, made.bundle.proof))
    if report is not None:
        from wattseal_host.customer.bill_report import render

        line = f"wattseal verify {out.name} --trust {trust.name}"
        write_secret(report, render(made, made.verdict, "your provider", [line]).encode())
    amount = f"{made.verdict.amount} {made.bundle.statement.currency.code}"
    meters = f" of {len(parts)} meters" if len(parts) > 1 else ""
    output.emit(
        {**describe(made.verdict), "file": str(out)},
        [f"{amount} for {len(made.records)} records{meters}, proven in {out}"],
        as_json,
    )


def _parts(
    stretches: list[tuple[Secrets, Stretch]], enrolments: list[Path], contracts: list[Path]
) -> list[MeterPart]:
    """Each meter with its own papers, by the meter they name; of one meter the only ones, whatever
    they name (the refusal says what is wrong with them). Misuse `papers-missing`."""
    from wattseal_host.customer.bill import MeterPart
    from wattseal_host.files import read_token

    found = []
    for held, stretch in stretches:
        tokens = []
        for name, paths in (("enrolment", enrolments), ("contract", contracts)):
            read = [read_token(path) for path in paths]
            own = [token for token in read if _meter_of(token, name) == held.meter.hex()]
            tokens.append(_only(own or (read if len(stretches) == 1 else []), name, held.meter))
        found.append(MeterPart(stretch, held.opener(), *tokens))
    return found


def _meter_of(token: str, name: str) -> object:
    from wattseal_host import jws

    payload = jws.parse(token, jws.ENROLMENT if name == "enrolment" else jws.CONTRACT).payload
    return payload.get("meter") if isinstance(payload, dict) else None


def _only(tokens: list[str], name: str, meter: bytes) -> str:
    from wattseal.errors import Misuse

    if len(tokens) != 1:
        raise Misuse("papers-missing", f"one {name} wanted of meter {meter.hex()}")
    return tokens[0]
