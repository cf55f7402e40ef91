"""`wattseal rig` faults, inject, clear, run, soak: what goes wrong, and what comes of it."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_hil.play import Outcome
    from wattseal_hil.soak import Failure, Soak

_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_RIG = Annotated[str, typer.Option("--rig", help="unix:PATH, socket://HOST:PORT of `rig serve`.")]
_FIRMWARE = Annotated[
    Path | None, typer.Option(help="Another directory with main.py than this project's.")
]


def faults(as_json: _JSON = False) -> None:
    """List every kind of fault, with what it takes."""
    from wattseal_hil.fault_kinds import KINDS

    result = [
        {
            "fault": kind.name,
            "feature": kind.feature,
            "meaning": kind.meaning,
            "parameters": [
                {
                    "name": one.name,
                    "meaning": one.meaning,
                    "value": one.range_text(),
                    **({"required": True} if one.required else {"default": one.default}),
                }
                for one in kind.parameters
            ],
        }
        for kind in KINDS.values()
    ]
    lines = []
    for kind in KINDS.values():
        lines.append(f"{kind.name:<18} {kind.meaning} ({kind.feature})")
        for one in kind.parameters:
            default = "" if one.required else f", by default {one.default}"
            lines.append(f"    {one.name:<14} {one.meaning}: {one.range_text()}{default}")
    output.emit({"faults": result}, lines, as_json)


def inject(
    words: Annotated[list[str], typer.Argument(help="A kind and name=value, or one JSON object.")],
    rig: _RIG,
    as_json: _JSON = False,
) -> None:
    """Put a fault to work on a rig that is being served; those before stay at work."""
    from wattseal_hil.fault_kinds import parse
    from wattseal_hil.rig.spec import open_rig
    from wattseal_hil.rig.spec import parse as parse_rig

    described = parse(_description(words))
    with open_rig(parse_rig(rig)) as opened:
        opened.require(described.feature)
        opened.inject(described.description)
    output.emit(described.description, [f"at work: {json.dumps(described.description)}"], as_json)


def clear(rig: _RIG) -> None:
    """End all faults at work on a rig that is being served."""
    from wattseal_hil.rig.spec import open_rig, parse

    with open_rig(parse(rig)) as opened:
        opened.clear()


def _description(words: list[str]) -> dict[str, Any]:
    if len(words) == 1 and words[0].startswith("{"):
        try:
            value = json.loads(words[0])
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Misuse("usage", "a fault is one JSON object")
        return value
    description: dict[str, Any] = {"fault": words[0]}
    for word in words[1:]:
        name, equals, text = word.partition("=")
        if not equals or name in description:
            raise Misuse("usage", f"{word}: name=value is wanted, each name once")
        try:
            description[name] = json.loads(text)
        except ValueError:
            description[name] = text
    return description


def run(
    scenario: Annotated[Path, typer.Argument(help="A scenario, YAML or JSON: docs/faults.md.")],
    tape: Annotated[Path | None, typer.Option(help="Where the tape goes.")] = None,
    firmware: _FIRMWARE = None,
    as_json: _JSON = False,
) -> int:
    """Play a scenario on an emulated meter; exit 1 if an expectation or an invariant fails."""
    from wattseal_hil.play import play
    from wattseal_hil.scenario import load
    from wattseal_hil.tree import FIRMWARE

    wanted = load(scenario)
    with output.progress(wanted.name) as bar:
        outcome = play(
            wanted,
            tape=tape or Path(scenario.stem + ".tape"),
            firmware=firmware or FIRMWARE,
            progress=bar,
        )
    output.emit(outcome.described(), _table(outcome), as_json)
    return 0 if outcome.good else 1


def _table(outcome: Outcome) -> list[str]:
    lines = []
    for result in outcome.results:
        step = result.step
        value = json.dumps(step.value) if isinstance(step.value, dict) else str(step.value)
        mark = "" if result.good else "FAILED"
        lines.append(f"{step.at_s:>9.1f} s  {step.action:<10} {value:<50} {mark}".rstrip())
        if result.note:
            lines.append(f"{'':13}{result.note}")
    start_s = outcome.scenario.meter.start_s
    for problem in outcome.problems:
        lines.append(f"{problem.at_s - start_s:>9.1f} s  {problem.code}: {problem.detail}")
    verdict = "good" if outcome.good else "FAILED"
    lines.append(f"{verdict}: {outcome.records} records, {outcome.register_wh} Wh")
    if outcome.tape:
        lines.append(f"tape {outcome.tape}")
    return lines


def soak(
    seconds: Annotated[float, typer.Option(min=0, help="Real seconds.")] = 60,
    seed: Annotated[int | None, typer.Option(min=0, help="By default by chance.")] = None,
    scenarios: Annotated[int | None, typer.Option(min=1, help="So many instead.")] = None,
    first: Annotated[int, typer.Option(min=0, help="Number of the first scenario.")] = 0,
    out: Annotated[Path, typer.Option(help="Where failures go.")] = Path("soak"),
    failures: Annotated[int, typer.Option(min=1, help="End after so many.")] = 1,
    firmware: _FIRMWARE = None,
    as_json: _JSON = False,
) -> int:
    """Play random scenarios and audit each; exit 1 if one fails, made short and written down."""
    from wattseal_hil.soak import soak as run_soak
    from wattseal_hil.tree import FIRMWARE

    chosen = secrets.randbits(32) if seed is None else seed
    if not as_json:
        sys.stdout.write(f"seed {chosen}\n")
        sys.stdout.flush()
    with output.progress(f"soak, seed {chosen}") as bar:
        made = run_soak(
            chosen,
            seconds,
            out,
            first=first,
            scenarios=scenarios,
            firmware=firmware or FIRMWARE,
            stop_after=failures,
            progress=bar,
        )
    output.emit(_soak_result(made), _soak_lines(made), as_json)
    return 1 if made.failures else 0


def _soak_result(made: Soak) -> dict[str, Any]:
    return {
        "seed": made.seed,
        "scenarios": made.scenarios,
        "board_s": round(made.board_s, 3),
        "records": made.records,
        "failures": [
            {
                "number": failure.number,
                "file": str(failure.path),
                "tried": failure.tried,
                **failure.outcome.described(),
            }
            for failure in made.failures
        ],
    }


def _soak_lines(made: Soak) -> list[str]:
    lines = [line for failure in made.failures for line in _failure_lines(failure)]
    hours = made.board_s / 3600
    lines.append(
        f"{made.scenarios} scenarios, {hours:.1f} hours of the meter, {made.records} records, "
        f"{len(made.failures)} failed (seed {made.seed})"
    )
    return lines


def _failure_lines(failure: Failure) -> list[str]:
    steps = len(failure.outcome.scenario.steps)
    lines = [f"scenario {failure.number} fails; shrunk to {steps} steps ({failure.tried} tried):"]
    lines += ["  " + line for line in _table(failure.outcome)]
    return [*lines, f"again: wattseal rig run {failure.path}"]
