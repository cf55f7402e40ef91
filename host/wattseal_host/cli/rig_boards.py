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
        raise BoardError(
            "port-missing", f"name one with --port; found: {', '.join(found) or 'none'}"
        )
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


def deploy(
    port: Port = None,
    chip: Annotated[
        str | None, typer.Option(help="For --dry-run: esp32, esp32s3 or esp32c3.")
    ] = None,
    form: Annotated[str, typer.Option(help="mpy (bytecode) or sources.")] = "mpy",
    settings: Annotated[
        Path | None, typer.Option(help="Becomes /settings.json, if the meter accepts it.")
    ] = None,
    clock: Annotated[bool, typer.Option(help="Set the board's clock from this machine.")] = True,
    start: Annotated[bool, typer.Option(help="Start the meter, read its key.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the files only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the firmware's files onto a board with MicroPython, check each, and start the meter.

    What is there already is not written again. Keys, log and checkpoint of a commissioned meter are
    never touched.
    """
    from wattseal_hil.errors import BoardError
    from wattseal_hil.real.boards import board_of
    from wattseal_hil.real.console import Console
    from wattseal_hil.real.deploying import deploy as run
    from wattseal_hil.real.files import FORMS, digests, file_set

    from wattseal_host.keys import fingerprint

    if form not in FORMS:
        raise typer.BadParameter(f"--form is one of {', '.join(FORMS)}")
    if dry_run:
        wanted = file_set(board_of(chip or "esp32").architecture, form)
        hashes = digests(wanted)
        lines = [f"{hashes[path]}  {len(data):6}  {path}" for path, data in wanted.items()]
        total = sum(map(len, wanted.values()))
        result: dict[str, Any] = {"files": hashes, "bytes": total}
        output.emit(result, [*lines, f"{len(wanted)} files, {total} bytes"], as_json)
        return
    values = _settings(settings) if settings else None
    with Console(_port(port)) as console, output.progress("deploying") as bar:
        told = run(console, form=form, settings=values, set_clock=clock, start=start, progress=bar)
    if chip and told["chip"] != chip:
        raise BoardError("chip-wrong", f"the board has {told['chip']}, not {chip}")
    lines = [
        f"{told['board']}, MicroPython {told['micropython']}: {told['files']} files, "
        f"{len(told['written'])} written, {len(told['removed'])} removed, all compared"
    ]
    if start:
        told["fingerprint"] = fingerprint(bytes.fromhex(told["key"]))
        passed = "passed" if told["self_test_passed"] else f"FAILED ({told['self_test']} of 15)"
        lines += [
            f"meter       {told['meter']}",
            f"key         {told['key']}",
            f"fingerprint {told['fingerprint']} (provider enrol shows the same)",
            f"self-test   {passed}",
        ]
    output.emit(told, lines, as_json)
    if start and not told["self_test_passed"]:
        raise typer.Exit(1)


def _settings(path: Path) -> dict[str, Any]:
    import json

    from wattseal.errors import Misuse

    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Misuse("settings-json", f"{path}: {error}") from None
    if not isinstance(values, dict):
        raise Misuse("settings-json", f"{path} is not one JSON object")
    return values


def doctor(
    port: Port = None,
    customer_port: Annotated[str | None, typer.Option(help="The meter's customer port.")] = None,
    utility_port: Annotated[str | None, typer.Option(help="The meter's utility port.")] = None,
    stop: Annotated[
        bool, typer.Option(help="Stop the meter for some seconds to look at its files.")
    ] = True,
    form: Annotated[str, typer.Option(help="What was deployed: mpy or sources.")] = "mpy",
    as_json: AsJson = False,
) -> None:
    """Say what is well with a board and what is not, and what to do about it.

    Exit 1 if anything is a problem. A look at the console stops the meter for some seconds, which
    its chain tells as a BOOT event; --no-stop asks the two ports only.
    """
    from wattseal_hil.real.doctor import examine_bench
    from wattseal_hil.real.files import FORMS

    if form not in FORMS:
        raise typer.BadParameter(f"--form is one of {', '.join(FORMS)}")
    if not stop and not (customer_port or utility_port):
        raise typer.BadParameter("--no-stop needs --customer-port or --utility-port")
    findings = []
    for finding in examine_bench(port, customer_port, utility_port, stop=stop, form=form):
        findings.append(finding)
        if not as_json:
            typer.echo(f"{'ok' if finding.ok else 'PROBLEM':8} {finding.check:13} {finding.seen}")
            if finding.todo:
                typer.echo(f"{'':22} -> {finding.todo}")
    well = all(finding.ok for finding in findings)
    if as_json:
        output.emit({"ok": well, "findings": [x.to_dict() for x in findings]}, [], True)
    if not well:
        raise typer.Exit(1)
