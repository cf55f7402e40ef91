"""`wattseal customer compare` and `wattseal customer meter-bill`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.tariff import Tariff

SecretFile = Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")]
LedgerFile = Annotated[Path, typer.Option("--ledger", help="A ledger with the meter's records.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def command(
    tariffs: Annotated[list[Path], typer.Argument(help="Tariffs, signed (.jws) or as JSON.")],
    file: SecretFile,
    ledger: LedgerFile,
    months: Annotated[int, typer.Option(min=1, max=120, help="How many of the last.")] = 12,
    drawing: Annotated[
        Path | None, typer.Option("--plot", help="Where a drawing goes (.svg), or a page (.html).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Price your last months by other tariffs, at home: nothing leaves, nothing is released."""
    from wattseal_host.customer import compare
    from wattseal_host.customer.store import Secrets
    from wattseal_host.files import write_secret
    from wattseal_host.ledger import Ledger

    held = Secrets.load(file)
    read = [read_tariff(path) for path in tariffs]
    with Ledger.existing(ledger) as opened:
        found = compare.compare(opened, held, read, months)
    if drawing is not None:
        draw = compare.page if drawing.suffix in (".html", ".htm") else compare.plot
        write_secret(drawing, draw(found, read).encode())
    sums = compare.totals(found)
    value = {
        "currency": read[0].currency.code,
        "tariffs": [tariff.name for tariff in read],
        "months": [
            {"month": m.name, "amounts": [_major(a, read[0]) for a in m.amounts]} for m in found
        ],
        "together": [_major(amount, read[0]) for amount in sums],
    }
    rows = [["month", *(tariff.name for tariff in read)]]
    rows += [[m.name, *compare.cells(m.amounts, read)] for m in found]
    rows.append(["together", *compare.cells(sums, read)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    output.emit(value, lines, as_json)


def meter_bill(
    port: Annotated[str, typer.Option(help="The meter's customer port.")],
    file: SecretFile,
    ledger: LedgerFile,
    tariff: Annotated[Path, typer.Argument(help="A tariff of prices alone (.jws or JSON).")],
    from_: Annotated[str, typer.Option("--from", help="UTC date or time, ISO 8601.")],
    to: Annotated[str, typer.Option("--to", help="UTC date or time, ISO 8601 (excluded).")],
    as_json: Json = False,
) -> None:
    """Let the meter reckon a bill over its own log, and check what it says."""
    from wattseal.errors import Refused

    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer import self_bill
    from wattseal_host.customer.store import Secrets
    from wattseal_host.ledger import Ledger
    from wattseal_host.tariff.weights import weigh

    held, priced = Secrets.load(file), read_tariff(tariff)
    if not priced.is_linear:
        raise Refused("tariff-shaped", "the meter reckons prices alone")
    from_s, to_s = output.utc_seconds(from_), output.utc_seconds(to)
    with Ledger.existing(ledger) as opened:
        (enrolment,) = (m for m in opened.meters() if m.meter == held.meter)
        stretch = opened.period(held.meter, from_s, to_s)
    weights = weigh(priced, stretch.records, enrolment.channels)
    with CustomerPort(port, timeout_s=30.0) as customer:
        proof = self_bill.prove(customer, stretch, weights)
    amount = _major(priced.amount(proof.fee, enrolment.unit, from_s, to_s), priced)
    output.emit(
        {"amount": amount, "currency": priced.currency.code, "proof": proof.write()},
        [f"{amount} {priced.currency.code}, reckoned by the meter and checked"],
        as_json,
    )


def read_tariff(path: Path) -> Tariff:
    """Of a signed document, whoever signed it, or of the tariff's own JSON."""
    from wattseal_host import jws
    from wattseal_host.files import read_bounded, read_token
    from wattseal_host.strict_json import loads
    from wattseal_host.tariff import Tariff

    data = read_bounded(path)
    if data[:1] == b"{":
        return Tariff.read(loads(data))
    return Tariff.read(jws.parse(read_token(path), jws.TARIFF).payload)


def _major(amount: int | None, tariff: Tariff) -> str | None:
    return None if amount is None else tariff.currency.major(amount)
