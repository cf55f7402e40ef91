"""`wattseal rig flash`, `deploy` and `doctor`: real boards on a USB cable."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from wattseal_host.cli import output

Port = Annotated[str | None, typer.Option(help="Serial port; without it the only board found.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _port(port: str | None) -> str:
    from wattseal_hil.errors import BoardError
    from wattseal_hil.real.ports import candidates

    if port is not None:
        return port
    found = [x.device for x in candidates()]
    if len(found) != 1:
        raise BoardError("port-missing", f"name one with --port; found: {', '.join(found) or '-'}")
    return found[0]


def flash(
    image: Annotated[Path, typer.Option(help="MicroPython's firmware.bin for the board's chip.")],
    port: Port = None,
    baud: Annotated[int, typer.Option(min=9600, help="Line speed while writing.")] = 460800,
    erase_everything: Annotated[
        bool, typer.Option("--erase-everything", help="The meter's keys and log as well.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the image only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a MicroPython image onto a board, and compare what was written.

    The image is checked first, and the board's chip before anything is erased. Files on the board
    stay: a commissioned meter keeps its keys and its log.
    """
    from wattseal_hil.real.flash import command
    from wattseal_hil.real.flash import flash as run
    from wattseal_hil.real.image import read_image

    checked = read_image(image)
    board = checked.board
    said = (
        f"{image.name}: MicroPython {checked.version} for {board.chip}, {checked.size} bytes "
        f"at {board.flash_offset:#x}"
    )
    if dry_run:
        planned = command(checked, port or "PORT", baud, erase_everything)
        result: dict[str, Any] = {
            "image": str(image), "chip": board.chip, "micropython": checked.version,
            "offset": board.flash_offset, "bytes": checked.size, "command": planned,
        }  # fmt: skip
        output.emit(result, [said, shlex.join(planned[1:])], as_json)
        return
    with output.progress(f"writing {image.name}") as bar:
        told = run(checked, _port(port), baud=baud, erase=erase_everything, progress=bar)
    result = {"image": str(image), **told}
    output.emit(result, [said, f"written to {told['port']} and compared"], as_json)
