"""`wattseal customer releases` and `wattseal customer tariff check`: what becomes known of you."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output

tariff_app = typer.Typer(no_args_is_help=True, help="Tariffs, before you agree to them.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
FuseKw = Annotated[
    str, typer.Option("--fuse-kw", help="The most your connection carries, in kilowatts.")
]
DEFAULT_FUSE_KW = "23"


def releases(
    file: Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")],
    as_json: Json = False,
) -> None:
    """List what was released so far: every bill and answer, to whom, and what was consented to."""
    from wattseal_host.customer.releases import Releases, described
    from wattseal_host.customer.store import Secrets

    held = Secrets.load(file)
    made = Releases.load(Releases.path_for(file), held.meter, held.earlier).made

    rows = []
    for release in made:
        told = described(release)
        times = [output.utc_text(told.pop(name)) for name in ("from_s", "to_s")]
        rows.append({"kind": told.pop("kind"), "from": times[0], "to": times[1], **told})
    lines = []
    for row in rows:
        what = (
            f"bill of {row['amount']} {row['currency']} over {row['readings']} readings"
            if row["kind"] == "bill"
            else f"{row['query']} = {row['answer']}"
        )
        by = f"; by consent: {', '.join(row['consent'])}" if row["consent"] else ""
        lines.append(f"{row['from']} to {row['to']}  {what} to {row['recipient']}{by}")
    output.emit({"meter": held.meter.hex(), "releases": rows}, lines or ["nothing yet"], as_json)


@tariff_app.command()
def check(
    tariff: Annotated[Path, typer.Argument(help="The signed tariff (.jws).")],
    trust: Annotated[Path, typer.Option(help="Keys you trust (wattseal-trust/1).")],
    enrolment: Annotated[
        Path | None, typer.Option(help="Your meter's enrolment (.jws), else the next two options.")
    ] = None,
    interval: Annotated[int, typer.Option(help="Length of a record in seconds.")] = 1800,
    unit_exponent: Annotated[int, typer.Option(help="Readings are in 10^this Wh.")] = 0,
    period_days: Annotated[int, typer.Option(help="Days you are billed for at once.")] = 30,
    fuse_kw: FuseKw = DEFAULT_FUSE_KW,
    as_json: Json = False,
) -> None:
    """Examine a tariff on receipt: could a bill by it tell single readings? Exit 1 if so."""
    from wattseal.errors import Misuse

    from wattseal_host.customer.spy import Limit, in_words
    from wattseal_host.customer.tariff_check import check_tariff
    from wattseal_host.documents import MAX_INTERVAL_S, open_enrolment
    from wattseal_host.files import read_token
    from wattseal_host.tariff import open_tariff
    from wattseal_host.tariff.describe import describe
    from wattseal_host.trust import Trust

    providers = Trust.load(trust).providers
    if not 1 <= interval <= MAX_INTERVAL_S or abs(unit_exponent) > 18:
        raise Misuse("interval", "--interval 1 to 86400, --unit-exponent -18 to 18")
    prices, signed = open_tariff(read_token(tariff), providers)
    channels = tuple(sorted({part.channel for part in prices.priced}, reverse=True))
    if enrolment is not None:
        meter = open_enrolment(read_token(enrolment), providers)[0]
        channels, interval, unit_exponent = meter.channels, meter.interval_s, meter.unit.exponent
    limit = Limit.of_fuse(kilowatts(fuse_kw), unit_exponent)
    findings = check_tariff(prices, channels or ("import",), interval, period_days * 86400, limit)
    words = list(dict.fromkeys(in_words(finding, prices.zone) for finding in findings))
    value = {
        "accepted": not findings,
        "digest": signed.digest.hex(),
        "findings": [
            {
                "code": finding.code,
                "text": in_words(finding, prices.zone),
                "slots": [[output.utc_text(a), output.utc_text(b)] for a, b in finding.spans],
            }
            for finding in findings
        ],
    }
    verdict = [f"refused: {text}" for text in words] or [
        "no bill by this tariff tells a reading by itself"
    ]
    output.emit(value, describe(prices) + verdict, as_json)
    if findings:
        raise typer.Exit(1)


def kilowatts(text: str) -> Fraction:
    """The value of --fuse-kw; Misuse `fuse` unless it is above 0 and at most 10,000."""
    from wattseal.errors import Misuse

    from wattseal_host.decimals import read_decimal

    value = Fraction(read_decimal(text))
    if not 0 < value <= 10_000:
        raise Misuse("fuse", "a connection of more than 0 and at most 10,000 kW")
    return value
