"""`wattseal customer tariff display`: what the meter's display reckons with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output


def command(
    tariff: Annotated[Path, typer.Argument(help="The signed tariff (.jws).")],
    trust: Annotated[Path, typer.Option(help="Keys you trust (wattseal-trust/1).")],
    port: Annotated[str, typer.Option(help="The meter's customer port.")],
    file: Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")],
    from_: Annotated[
        str, typer.Option("--from", help="Where the bill's period begins: UTC, ISO 8601.")
    ],
    to: Annotated[str, typer.Option("--to", help="Where it ends (excluded).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Have the meter's display show the cost so far under a signed tariff."""
    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer.price_list import encode, load
    from wattseal_host.customer.store import Secrets
    from wattseal_host.files import read_token
    from wattseal_host.tariff import open_tariff
    from wattseal_host.trust import Trust

    prices, signed = open_tariff(read_token(tariff), Trust.load(trust).providers)
    held = Secrets.load(file)
    from_s, to_s = output.utc_seconds(from_), output.utc_seconds(to)
    with CustomerPort(port) as customer:
        described = customer.itself().configuration
        data = encode(prices, described.unit, described.channels, from_s, to_s)
        epoch = load(customer, held, data)
    output.emit(
        {"tariff": signed.digest.hex(), "bytes": len(data), "epoch": epoch},
        [f"the display reckons with {prices.name} from now on ({len(data):,} bytes)"],
        as_json,
    )
