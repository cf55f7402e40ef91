"""`wattseal rig`: an emulated board that other programs talk to."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import (
    output,
    rig_boards,
    rig_faults,
    rig_hand,
    rig_measure,
    rig_tape,
    rig_top,
)

if TYPE_CHECKING:
    from wattseal_hil.loads import Load

app = typer.Typer(
    no_args_is_help=True,
    help="The bench: an emulated meter, boards on a desk, faults, tapes, calibration.",
)
app.command("calibrate")(rig_measure.calibrate)
app.command("accuracy")(rig_measure.accuracy)
app.command("flash")(rig_boards.flash)
app.command("deploy")(rig_boards.deploy)
app.command("doctor")(rig_boards.doctor)
app.command("faults")(rig_faults.faults)
app.command("inject")(rig_faults.inject)
app.command("clear")(rig_faults.clear)
app.command("run")(rig_faults.run)
app.command("soak")(rig_faults.soak)
app.command("record")(rig_tape.record)
app.command("replay")(rig_tape.replay)
app.command("top")(rig_top.top)
app.command("button")(rig_hand.button)
app.command("display")(rig_hand.display)
app.command("plug")(rig_hand.plug)
app.command("power")(rig_hand.power)
app.command("wait")(rig_hand.wait)


@app.command()
def serve(
    load: Annotated[Path | None, typer.Option(help="CSV of start,kwh.")] = None,
    watts: Annotated[float | None, typer.Option(help="A constant load instead.")] = None,
    appliance: Annotated[
        str | None, typer.Option(help="A load as a JSON object, as on the control socket.")
    ] = None,
    faulty: Annotated[
        bool, typer.Option(help="Clamp and converter with the faults of real ones, by the seed.")
    ] = False,
    calibration: Annotated[
        Path | None, typer.Option(help="Constants for it, from `rig calibrate`.")
    ] = None,
    speed: Annotated[str, typer.Option(help="Times real time, or max: by run-until only.")] = "1",
    seed: Annotated[int, typer.Option(min=0, help="Of noise, randomness and identity.")] = 1,
    flash: Annotated[Path | None, typer.Option(help="Flash image to go on with; kept.")] = None,
    start: Annotated[str | None, typer.Option(help="UTC, ISO 8601; the load's first.")] = None,
    interval: Annotated[int | None, typer.Option(min=1, help="Seconds a record.")] = None,
    settings: Annotated[str | None, typer.Option(help="Meter settings as a JSON object.")] = None,
    bits: Annotated[str, typer.Option(help="Word size of the VM, 64 or 32.")] = "64",
    chip: Annotated[str, typer.Option(help="Whose board: esp32, esp32s3 or esp32c3.")] = "esp32",
    control: Annotated[Path | None, typer.Option(help="Path of the control socket.")] = None,
    listen: Annotated[
        str | None,
        typer.Option(help="On TCP as well: PORT, on this machine alone, or HOST:PORT."),
    ] = None,
    links: Annotated[
        Path | None,
        typer.Option(help="A folder for links to the ports, and for the control socket."),
    ] = None,
) -> None:
    """Serve one board until interrupted. Prints one JSON line with its ports first."""
    from wattseal_hil.board import START_S, EmulatedBoard
    from wattseal_hil.frontend import bench
    from wattseal_hil.loads import SlotLoad
    from wattseal_hil.rig.emulated import EmulatedRig
    from wattseal_hil.rig.spec import address
    from wattseal_hil.serve import serve as run
    from wattseal_hil.vm import find_vm
    from wattseal_hil.watch import BoardWatch

    pace = _pace(speed)
    place = None
    if listen is not None:
        place = address(listen if ":" in listen else f"127.0.0.1:{listen}")
    if bits not in ("64", "32"):
        raise typer.BadParameter("--bits is 64 or 32")
    values = _object(settings, "--settings")
    constants = _object(calibration.read_text("utf-8") if calibration else None, "--calibration")
    if interval is not None:
        values["interval_s"] = interval
    drawn = _load(load, watts, appliance)
    if start is not None:
        start_s = output.utc_seconds(start)
    else:
        start_s = drawn.start_s if isinstance(drawn, SlotLoad) else START_S
    with (
        tempfile.TemporaryDirectory(prefix="wattseal-rig-") as workdir,
        EmulatedBoard(
            find_vm(int(bits)),
            workdir,
            seed,
            drawn,
            start_s,
            values,
            flash=flash,
            front_end=bench(seed) if faulty else None,
            chip=chip,
            calibration=constants,
        ) as board,
    ):
        path = control or (links or Path(workdir)) / "control"
        if links:
            links.mkdir(parents=True, exist_ok=True)
        watch = BoardWatch(board)
        run(
            EmulatedRig.around(board),
            pace,
            path,
            sys.stdout,
            place,
            {"watch": watch.snapshot},
            links,
        )


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


def _object(text: str | None, option: str) -> dict[str, Any]:
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise typer.BadParameter(f"{option} is one JSON object")
    return values


def _load(path: Path | None, watts: float | None, appliance: str | None) -> Load:
    from wattseal_hil.appliances import appliance as appliance_of
    from wattseal_hil.loads import ConstantLoad, CsvLoad, ProfileLoad

    if len([given for given in (path, watts, appliance) if given is not None]) > 1:
        raise typer.BadParameter("give one of --load, --watts and --appliance")
    if appliance is not None:
        return appliance_of(_object(appliance, "--appliance"))
    if path is not None:
        return CsvLoad(path)
    return ProfileLoad() if watts is None else ConstantLoad(watts)
