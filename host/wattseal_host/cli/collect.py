"""`wattseal collect`: read a meter's sealed records into a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output


def command(
    ledger: Annotated[Path, typer.Option(help="The ledger (SQLite); made if missing.")],
    utility_port: Annotated[str | None, typer.Option(help="Modbus RTU port.")] = None,
    customer_port: Annotated[str | None, typer.Option(help="P1 port.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read every new record from a port, verify it, store it. Goes on where it stopped."""
    from wattseal.errors import Misuse

    from wattseal_host.collect.resume import collect_customer, collect_utility
    from wattseal_host.ledger import Ledger

    if (utility_port is None) == (customer_port is None):
        raise Misuse("port", "give either --utility-port or --customer-port")
    with Ledger(ledger) as opened, output.progress("collecting") as bar:
        if utility_port is not None:
            from wattseal_host.collect.utility import UtilityPort

            with UtilityPort(utility_port) as utility:
                meter = utility.identity().meter
                count = collect_utility(opened, utility, bar)
        else:
            from wattseal_host.collect.customer import CustomerPort

            with CustomerPort(str(customer_port)) as customer:
                meter = customer.identity().meter
                count = collect_customer(opened, customer, bar)
        total = opened.next_seq(meter)
    output.emit(
        {"meter": meter.hex(), "new": count, "records": total},
        [f"{count} new records of meter {meter.hex()}, {total} in the ledger"],
        as_json,
    )
