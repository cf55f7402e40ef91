"""`wattseal rig top`: a running meter, live in the terminal."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from rich.console import RenderableType

_LEAST_S = 0.2
_NOTHING = "-"
_BITS = {
    1: "clock set", 4: "paired", 8: "settings refused", 16: "calibrated", 64: "nothing is sealed",
    128: "consent given", 256: "flash refuses", 512: "log damaged",
}  # fmt: skip


def top(
    rig: Annotated[
        str | None, typer.Option("--rig", help="unix:PATH or socket://HOST:PORT of `rig serve`.")
    ] = None,
    customer: Annotated[
        str | None, typer.Option(help="A meter's customer port instead, as pyserial opens it.")
    ] = None,
    utility: Annotated[str | None, typer.Option(help="A meter's utility port as well.")] = None,
    interval: Annotated[float, typer.Option(min=_LEAST_S, help="Seconds between looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object a look, on a line of its own.")
    ] = False,
) -> None:
    """Power, register, sealing, ports, heap, flash wear and display of a running meter."""
    from rich.console import Console
    from rich.live import Live

    with _watching(rig, customer, utility) as look:
        if as_json or once or not sys.stdout.isatty():
            while True:
                snapshot = look()
                if as_json:
                    sys.stdout.write(json.dumps(snapshot) + "\n")
                else:
                    Console(highlight=False).print(picture(snapshot, None, interval))
                sys.stdout.flush()
                if once:
                    return
                time.sleep(interval)
        before = look()
        with Live(picture(before, None, interval), auto_refresh=False, screen=True) as live:
            while True:
                time.sleep(interval)
                now = look()
                live.update(picture(now, before, interval), refresh=True)
                before = now


@contextlib.contextmanager
def _watching(
    rig: str | None, customer: str | None, utility: str | None
) -> Iterator[Callable[[], dict[str, Any]]]:
    """A function that looks at the meter."""
    from wattseal_hil.rig.remote import RemoteRig
    from wattseal_hil.rig.spec import Served, parse
    from wattseal_hil.watch import PortsWatch

    if (rig is None) == (customer is None and utility is None):
        raise typer.BadParameter("give --rig, or --customer and --utility")
    if rig is not None:
        spec = parse(rig)
        if not isinstance(spec, Served):
            raise typer.BadParameter("--rig is unix:PATH or socket://HOST:PORT")
        served = RemoteRig(spec)
        try:
            yield served.watch
        finally:
            served.close()
        return
    watch = PortsWatch(customer, utility)
    try:
        yield watch.snapshot
    finally:
        watch.close()


def picture(now: dict[str, Any], before: dict[str, Any] | None, seconds: float) -> RenderableType:
    """The table of a look; `before`: the last one, `seconds` ago, which gives rates."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, text in rows(now, before, seconds):
        table.add_row(Text(name, "bold"), Text(output.plain(text)))
    return table


def rows(
    now: dict[str, Any], before: dict[str, Any] | None, seconds: float
) -> Iterator[tuple[str, str]]:
    """(name, text) of each line of the table."""
    told = now["telegram"] or {}
    state = {True: "on", False: "off", None: _NOTHING}[now["powered"]]
    yield "meter", told.get("meter") or _NOTHING
    yield "time", f"{output.utc_text(int(now['now_s']))}, supply {state}"
    if now["failure"]:
        yield "failure", now["failure"]
    yield "power", _number(told.get("power_w"), "W") + _volts(told.get("voltage_mv"))
    exported = told.get("export_wh")
    yield (
        "register",
        _number(told.get("register_wh"), "Wh")
        + (f", exported {exported:,} Wh" if exported else ""),
    )
    yield "sealed", _sealed(told.get("newest"), now["now_s"])
    if now["status"]:
        bits = now["status"]["bits"]
        said = [name for bit, name in _BITS.items() if bits & bit]
        yield "status", f"{now['status']['records']:,} records, " + ", ".join(said or ["nothing"])
    for name in ("customer", "utility"):
        was = before["ports"][name] if before else None
        yield f"{name} port", _port(now["ports"][name], was, seconds)
    yield "heap", _number(now["heap_low_bytes"], "bytes free at the least")
    flash = now["flash"]
    yield (
        "flash",
        (f"{flash['programs']:,} programs, {flash['erases']:,} erases" if flash else _NOTHING),
    )
    display = now.get("display")  # an older rig tells nothing of it
    if display and display.strip():
        for number, line in enumerate(display.split("\n")):
            yield "" if number else "display", f"| {line:<16} |"
    else:
        yield "display", _NOTHING if display is None else "dark"


def _number(value: int | None, unit: str) -> str:
    return _NOTHING if value is None else f"{value:,} {unit}"


def _volts(voltage_mv: int | None) -> str:
    return "" if voltage_mv is None else f" at {voltage_mv / 1000:.1f} V"


def _sealed(record: dict[str, Any] | None, now_s: float) -> str:
    if record is None:
        return "no record yet"
    ago = max(0, int(now_s) - record["end_s"])
    return (
        f"record {record['seq']:,} ({record['kind']}) up to {output.utc_text(record['end_s'])}, "
        f"{ago:,} s ago; epoch {record['epoch']}, boot {record['boot']}"
    )


def _port(port: dict[str, int] | None, before: dict[str, int] | None, seconds: float) -> str:
    if port is None:
        return _NOTHING
    rate = ""
    if before:
        passed = sum(port[way] - before[way] for way in ("to_meter", "from_meter"))
        rate = f", {max(0, passed) / seconds:,.0f} bytes/s"
    bad = f", {port['bad']:,} bad" if port["bad"] else ""
    return (
        f"{port['from_meter']:,} bytes out, {port['to_meter']:,} in, {port['good']:,} frames"
        f"{bad}{rate}"
    )
