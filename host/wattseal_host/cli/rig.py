"""`wattseal rig`: an emulated board that other programs talk to."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_hil.loads import Load

app = typer.Typer(no_args_is_help=True, help="The emulated board as a bench for other programs.")


@app.callback()
def group() -> None:
    """Keeps `serve` a subcommand while it is the only one."""


@app.command()
def serve(
    load: Annotated[Path | None, typer.Option(help="CSV of start,kwh.")] = None,
    watts: Annotated[float | None, typer.Option(help="A constant load instead.")] = None,
    speed: Annotated[str, typer.Option(help="Times real time, or max: by run-until only.")] = "1",
    seed: Annotated[int, typer.Option(min=0, help="Of noise, randomness and identity.")] = 1,
    flash: Annotated[Path | None, typer.Option(help="Flash image to go on with; kept.")] = None,
    start: Annotated[str | None, typer.Option(help="UTC, ISO 8601; the load's first.")] = None,
    interval: Annotated[int | None, typer.Option(min=1, help="Seconds a record.")] = None,
    settings: Annotated[str | None, typer.Option(help="Meter settings as a JSON object.")] = None,
    bits: Annotated[str, typer.Option(help="Word size of the VM, 64 or 32.")] = "64",
    control: Annotated[Path | None, typer.Option(help="Path of the control socket.")] = None,
) -> None:
    """Serve one board until interrupted. Prints one JSON line with its ports first."""
    from wattseal_hil.board import START_S, EmulatedBoard
    from wattseal_hil.loads import SlotLoad
    from wattseal_hil.serve import serve as run
    from wattseal_hil.vm import find_vm

    pace = _pace(speed)
    if bits not in ("64", "32"):
        raise typer.BadParameter("--bits is 64 or 32")
    values = _settings(settings)
    if interval is not None:
        values["interval_s"] = interval
    drawn = _load(load, watts)
    if start is not None:
        start_s = output.utc_seconds(start)
    else:
        start_s = drawn.start_s if isinstance(drawn, SlotLoad) else START_S
    with (
        tempfile.TemporaryDirectory(prefix="wattseal-rig-") as workdir,
        EmulatedBoard(
            find_vm(int(bits)), workdir, seed, drawn, start_s, values, flash=flash
        ) as board,
    ):
        run(board, pace, control or Path(workdir) / "control", sys.stdout)


def _pace(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = 0.0
    if not 0 < pace <= 10_000:
        raise typer.BadParameter("--speed is a number above 0, at most 10000, or max")
    return pace


def _settings(text: str | None) -> dict[str, Any]:
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise typer.BadParameter("--settings is one JSON object")
    return values


def _load(path: Path | None, watts: float | None) -> Load:
    from wattseal_hil.loads import ConstantLoad, CsvLoad, ProfileLoad

    if path is not None and watts is not None:
        raise typer.BadParameter("give either --load or --watts")
    if path is not None:
        return CsvLoad(path)
    return ProfileLoad() if watts is None else ConstantLoad(watts)
