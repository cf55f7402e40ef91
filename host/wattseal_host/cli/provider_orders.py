"""`wattseal provider clock`, `close` and `replace`: what a provider orders its meters to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output

Directory = Annotated[Path, typer.Option("--dir", help="The provider's directory.")]
Port = Annotated[str, typer.Option(help="The meter's utility port.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def clock(
    directory: Directory,
    port: Port,
    at: Annotated[str | None, typer.Option(help="UTC, ISO 8601; default: this machine's.")] = None,
    far: Annotated[
        bool, typer.Option(help="Even if it is before, or a year after, the newest record.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set a meter's clock: free after a power loss, otherwise at most 60 s a day."""
    _order(directory, port, "CLOCK", at, None, as_json, far)


def close(
    directory: Directory,
    port: Port,
    meter: Annotated[str, typer.Option(help="The meter's id: what is closed stays closed.")],
    at: Annotated[str | None, typer.Option(help="UTC, ISO 8601; default: this machine's.")] = None,
    as_json: Json = False,
) -> None:
    """End a meter's chain, for good: its last reading, and a CLOSED event."""
    _order(directory, port, "CLOSE", at, meter, as_json)


def _order(
    directory: Path,
    port: str,
    kind: str,
    at: str | None,
    meter: str | None,
    as_json: bool,
    far: bool = False,
) -> None:
    import time

    from wattseal.record import METER_ID_BYTES

    from wattseal_host.collect.utility import UtilityPort
    from wattseal_host.encoding import from_hex
    from wattseal_host.provider import orders
    from wattseal_host.provider.office import Office

    clock = time.time
    if at is not None:
        at_s = output.utc_seconds(at)
        clock = lambda: float(at_s)  # noqa: E731
    wanted = None if meter is None else from_hex(meter, METER_ID_BYTES, "--meter")
    office = Office(directory)
    with UtilityPort(port) as utility:
        done = orders.give(office, utility, getattr(orders, kind), clock, wanted, far)
    what = "clock set to" if kind == "CLOCK" else "chain ended at"
    output.emit(
        {"meter": done.meter.hex(), "counter": done.counter, "time_s": done.time_s},
        [f"meter {done.meter.hex()}: {what} {output.utc_text(done.time_s)}"],
        as_json,
    )


def link(
    directory: Directory,
    ledger: Annotated[Path, typer.Option(help="The ledger that holds both meters.")],
    meter: Annotated[str, typer.Option(help="The id of the meter that was closed.")],
    successor: Annotated[str, typer.Option(help="The id of the meter in its place.")],
    out: Annotated[Path, typer.Option(help="Where the signed link goes (.jws).")],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="From when the new meter is billed, as from its customer's pairing on; UTC, "
            "ISO 8601. Default: all it sealed.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign that a meter goes on where a closed one ended. Both chains are checked."""
    from wattseal.record import METER_ID_BYTES

    from wattseal_host.encoding import from_hex
    from wattseal_host.files import write_token
    from wattseal_host.ledger import Ledger
    from wattseal_host.provider.office import Office
    from wattseal_host.provider.replacements import replace

    old = from_hex(meter, METER_ID_BYTES, "--meter")
    new = from_hex(successor, METER_ID_BYTES, "--successor")
    with Ledger.existing(ledger) as opened:
        from_s = None if from_ is None else output.utc_seconds(from_)
        signed = replace(Office(directory), opened, old, new, from_s)
    write_token(out, signed.token)
    output.emit(
        {"digest": signed.digest.hex(), "file": str(out)},
        [f"meter {new.hex()} goes on for {old.hex()}: {out}"],
        as_json,
    )
