"""`wattseal rig` button, display, plug, power, wait: a hand at a rig that is being served."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

SLICE_S = 10.0

_RIG = Annotated[str, typer.Option("--rig", help="unix:PATH, socket://HOST:PORT of `rig serve`.")]


def button(
    rig: _RIG,
    seconds: Annotated[
        float,
        typer.Option("--hold", "--seconds", min=0.05, max=600, help="Seconds it is held down."),
    ] = 0.2,
) -> None:
    """Press the meter's button, and print the PIN it shows then, if it can be seen.

    Held for more than 5 s it asks whether all exports shall be withdrawn: that is printed, and the
    next press, 3 s later or more, says yes.
    """
    from wattseal_hil.button import HELD_S, hold
    from wattseal_hil.errors import BoardError
    from wattseal_hil.pairing import read_pin
    from wattseal_hil.rig.spec import open_rig, parse

    from wattseal_host.cli import output

    with open_rig(parse(rig)) as opened:
        if seconds >= HELD_S:
            for line in hold(opened, seconds).splitlines():
                typer.echo(output.plain(line))
            return
        opened.press_button(seconds)
        with contextlib.suppress(BoardError):
            typer.echo(read_pin(opened))


def display(
    rig: _RIG,
    png: Annotated[Path | None, typer.Option(help="Write a picture of it here as well.")] = None,
) -> None:
    """What the meter's display shows; nothing while it sleeps (`rig button` wakes it)."""
    from wattseal_hil.rig.spec import open_rig, parse

    from wattseal_host.cli import output

    with open_rig(parse(rig)) as opened:
        shown = opened.display_text()
        if png:
            png.write_bytes(opened.display_png())
    if not shown.strip():
        output.warn("the display is dark; `wattseal rig button` wakes it")
        return
    for line in shown.rstrip("\n").split("\n"):
        typer.echo(output.plain(line))


def plug(
    load: Annotated[str, typer.Argument(help="Watts, or an appliance as a JSON object.")],
    rig: _RIG,
) -> None:
    """Plug another load in, instead of the one before."""
    from wattseal_hil.rig.spec import open_rig, parse

    wanted = _load(load)
    with open_rig(parse(rig)) as opened:
        opened.plug(wanted)


def wait(
    seconds: Annotated[float, typer.Argument(min=0, max=1e9, help="Of the board's time.")],
    rig: _RIG,
) -> None:
    """Let time pass: as fast as an emulated board can, else by the clock."""
    from wattseal_hil.rig.spec import open_rig, parse

    from wattseal_host.cli import output

    with open_rig(parse(rig)) as opened, output.progress("waiting") as bar:
        until_s = opened.now_s + seconds
        # Slice by slice: a rig goes on with what it was asked for when nobody waits any more.
        while (left_s := until_s - opened.now_s) > 0:
            bar(seconds - left_s, seconds)
            opened.sleep(min(left_s, SLICE_S))


def power(
    state: Annotated[str, typer.Argument(help="on, off, or cycle: off for a second, and on.")],
    rig: _RIG,
) -> None:
    """Switch the meter's supply."""
    from wattseal_hil.rig.spec import open_rig, parse

    if state not in ("on", "off", "cycle"):
        raise typer.BadParameter("on, off or cycle")
    with open_rig(parse(rig)) as opened:
        if state != "on":
            opened.power_off()
        if state == "cycle":
            opened.sleep(1)
        if state != "off":
            opened.power_on()


def _load(text: str) -> float | dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) or (isinstance(value, int | float) and value == value):
        return value if isinstance(value, dict) else float(value)
    raise typer.BadParameter("a load is a number of watts or one JSON object")
