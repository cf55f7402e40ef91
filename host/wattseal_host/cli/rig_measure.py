"""`wattseal rig calibrate` and `wattseal rig accuracy`: the meter against a reference."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output
from wattseal_host.files import write_atomic

if TYPE_CHECKING:
    from wattseal_hil.accuracy import Row
    from wattseal_hil.calibrate import Reference
    from wattseal_hil.questions import Means


def calibrate(
    out: Annotated[Path, typer.Option(help="Where the constants go.")] = Path("calibration.json"),
    seed: Annotated[int, typer.Option(min=0, help="The emulated board.")] = 1,
    port: Annotated[str | None, typer.Option(help="Customer port of a real board.")] = None,
    burst_ms: Annotated[int, typer.Option(min=200, help="burst_ms of the real board.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="Time at each real load.")] = 300,
    check: Annotated[bool, typer.Option(help="Real board: only show the errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the constants of one board, and check them at other loads.

    Without --port an emulated board with faulty parts is calibrated and checked. With --port you
    put known loads on a real one and type what a reference meter shows: docs/calibration.md.
    """
    if port is None:
        _emulated(out, seed, as_json)
    else:
        _real(out, port, burst_ms, seconds, check, as_json)


def _emulated(out: Path, seed: int, as_json: bool) -> None:
    from wattseal_hil.calibrate import calibrate_bench, check_bench
    from wattseal_hil.frontend import bench

    front_end = bench(seed)
    with output.progress("calibrating") as bar:
        constants = calibrate_bench(front_end, seed, bar)
    with output.progress("checking") as bar:
        checks = check_bench(front_end, seed, constants, bar)
    _write(out, constants)
    result = {"file": str(out), "seed": seed, "constants": constants, "checks": checks}
    lines = [
        f"{row['load']:<22} {row['before_percent']:+8.3f} % before "
        f"{row['after_percent']:+8.3f} % after"
        for row in checks
    ]
    output.emit(result, [*lines, f"constants in {out}"], as_json)


def _real(
    out: Path, port: str, burst_ms: int, seconds: float, check: bool, as_json: bool
) -> None:
    from wattseal_hil.calibrate import constants
    from wattseal_hil.questions import measurement

    quiet = None
    pairs: list[tuple[Reference, Means]] = []
    first = measurement(port)
    if not check:
        if first["calibrated"]:
            raise Misuse("calibrated", "remove /calibration.json from the board and restart it")
        _say("switch every load off and press Enter")
        sys.stdin.readline()
        quiet = _watch(port, burst_ms, seconds)
    while len(pairs) < 8:
        _say("put the next load on, rising currents, and press Enter; or type end")
        answer = sys.stdin.readline()
        if not answer or answer.strip() == "end":
            break
        seen = _watch(port, burst_ms, seconds)
        _say("what the reference showed meanwhile: volts amperes watts [var, lagging positive]")
        pairs.append((_reference(sys.stdin.readline()), seen))
    errors = [100 * (seen.power_w / reference.power_w - 1) for reference, seen in pairs]
    rows = [
        {"watts": reference.power_w, "shown_watts": round(seen.power_w, 3),
         "error_percent": round(error, 3)}
        for (reference, seen), error in zip(pairs, errors, strict=True)
    ]
    lines = [f"{row['watts']:10.2f} W {row['error_percent']:+8.3f} %" for row in rows]
    result: dict[str, Any] = {"port": port, "loads": rows}
    if quiet is not None:
        found = constants(
            quiet, pairs, first["current_ua_per_step"], first["voltage_uv_per_step"]
        )
        _write(out, found)
        result |= {"file": str(out), "constants": found}
        lines += [f"constants in {out}; copy it to the board as /calibration.json and restart:",
                  f"mpremote fs cp {out} :calibration.json + reset"]
    output.emit(result, lines, as_json)


def _watch(port: str, burst_ms: int, seconds: float) -> Means:
    from wattseal_hil.questions import means, measurement

    first = measurement(port)
    began_s = time.monotonic()
    with output.progress("measuring") as bar:
        while (passed_s := time.monotonic() - began_s) < seconds:
            bar(passed_s, seconds)
            time.sleep(min(0.5, seconds - passed_s))
    return means(first, measurement(port), burst_ms)


def _reference(line: str) -> Reference:
    from wattseal_hil.calibrate import Reference

    try:
        numbers = [float(word) for word in line.replace(",", " ").split()]
        return Reference(*numbers)
    except (ValueError, TypeError):
        raise Misuse("reference", "three or four numbers are wanted") from None


def _write(out: Path, constants: dict[str, Any]) -> None:
    write_atomic(out, (json.dumps(constants, indent=1) + "\n").encode())


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def accuracy(
    chips: Annotated[int, typer.Option(min=1, max=100, help="Emulated boards to test.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The first of them.")] = 1,
    picture: Annotated[Path | None, typer.Option(help="Write an SVG picture here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Calibrate emulated boards with faulty parts and take them through the emulated test points
    of IEC 62053-21 class 1 and IEC 62053-22 class 0.5S.

    Exit 1 if a point of class 1 fails.
    """
    from wattseal_hil.accuracy import run_chip
    from wattseal_hil.accuracy_picture import picture as draw

    rows: list[Row] = []
    with output.progress("emulated test points") as bar:
        for number in range(chips):
            def advance(done: float, of_all: float, number: int = number) -> None:
                bar(number + done / of_all, chips)

            rows += run_chip(seed + number, advance)
    if picture:
        write_atomic(picture, draw(rows).encode())
    failed = [row for row in rows if row.class_1 is False]
    result = {
        "basis": "emulated test points",
        "chips": chips,
        "class_1": "FAIL" if failed else "PASS",
        "rows": [
            {"seed": row.seed, "point": row.name,
             "error_percent": None if row.error_percent is None else round(row.error_percent, 4),
             "class_1": _word(row.class_1), "class_05s": _word(row.class_05s)}
            for row in rows
        ],
    }
    output.emit(result, _table(rows), as_json)
    if failed:
        raise typer.Exit(1)


def _word(held: bool | None) -> str:
    return "" if held is None else "PASS" if held else "FAIL"


def _table(rows: list[Row]) -> list[str]:
    """One line a point: the errors of all chips, and whether every one of them passed."""
    lines = ["emulated test points: error of each board in percent; not a certificate"]
    for name in dict.fromkeys(row.name for row in rows):
        of_point = [row for row in rows if row.name == name]
        errors = " ".join(
            f"{row.error_percent:+7.3f}" for row in of_point if row.error_percent is not None
        )
        words = []
        for label, held in (
            ("class 1", [row.class_1 for row in of_point]),
            ("0.5S", [row.class_05s for row in of_point]),
        ):
            passed = None if None in held else all(held)
            words.append(f"{label} {_word(passed) or 'none':<4}")
        lines.append(f"{name:<20} {'  '.join(words)}  {errors}")
    return lines
