"""`wattseal customer hand-over`: a file of checked readings for a recipient of one's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output


def command(
    port: Annotated[str, typer.Option(help="The meter's customer port.")],
    out: Annotated[Path, typer.Option(help="Where to write it (mode 0600).")],
    from_: Annotated[str, typer.Option("--from", help="UTC, ISO 8601.")] = "1970-01-01",
    to: Annotated[str, typer.Option("--to", help="UTC, ISO 8601 (excluded).")] = "2106-01-01",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write every reading of a period, with its opening, to a file. Who has the file can read
    them all, and prove to others that they are the meter's: give it to nobody else."""
    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer.hand_over import hand_over
    from wattseal_host.files import write_secret

    from_s, to_s = output.utc_seconds(from_), output.utc_seconds(to)
    with CustomerPort(port) as meter, output.progress("asking the meter") as bar:
        data, told = hand_over(meter, from_s, to_s, bar)
    write_secret(out, data)
    value = {
        "meter": told.enrolment.meter.hex(),
        "count": len(told.spans),
        "from_s": told.from_s,
        "to_s": told.to_s,
        "file": str(out),
    }
    first, last = output.utc_text(told.from_s), output.utc_text(told.to_s)
    output.emit(value, [f"{len(told.spans)} readings, {first} to {last}, in {out}"], as_json)
