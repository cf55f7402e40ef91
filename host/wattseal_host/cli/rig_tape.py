"""`wattseal rig` record, replay: tapes of a rig, made and put through the host's own harness."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_hil.rig.interface import Rig
    from wattseal_hil.tape import TapeReader

    from wattseal_host.collect.capture import Chunk

_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
INCOMPLETE = "incomplete"
_GAPS = {"log-gap", "meter-unknown"}  # what a tape of a part of a meter's life cannot have
_KEY = re.compile(r"\bkey ([0-9a-f]{66})\b")


def record(
    tape: Annotated[Path, typer.Argument(help="Where the tape goes; none is overwritten.")],
    rig: Annotated[
        str, typer.Option(help="emulated, or unix:PATH, socket://HOST:PORT of `rig serve`.")
    ] = "emulated",
    seconds: Annotated[float, typer.Option(min=0, help="Of the board's time.")] = 60.0,
    watts: Annotated[float | None, typer.Option(help="Draw this from now on.")] = None,
    as_json: _JSON = False,
) -> None:
    """Record both ports of a rig and all that is done to it; its log first and last."""
    from wattseal_hil.rig.interface import LOAD, TAPE
    from wattseal_hil.rig.spec import open_rig, parse

    with open_rig(parse(rig)) as opened:
        opened.require(TAPE, *([LOAD] if watts is not None else []))
        opened.record(tape)
        opened.start()
        if watts is not None:
            opened.plug(watts)
        _ask_for_the_log(opened)  # telegrams carry the newest record only: what is before them
        with output.progress("recording") as bar:
            done_s = 0.0
            while done_s < seconds:
                step_s = min(10.0, seconds - done_s)
                opened.sleep(step_s)
                done_s += step_s
                bar(done_s, seconds)
        records = _ask_for_the_log(opened)
        opened.stop_recording()
    said = {"tape": str(tape), "bytes": tape.stat().st_size, "records": records}
    line = f"tape {tape}, {said['bytes']} bytes, {records} records in the log"
    output.emit(said, [line], as_json)


def _ask_for_the_log(rig: Rig) -> int:
    """Have the meter say its log at each port; how many records it is."""
    from wattseal_hil.meter import Meter
    from wattseal_hil.rig.interface import UTILITY_PORT

    meter = Meter(rig)
    if UTILITY_PORT in rig.features:
        meter.utility_records()
    return len(meter.records())


def replay(
    tape: Annotated[Path, typer.Argument(help="A tape.")],
    ledger: Annotated[
        Path | None, typer.Option(help="Goes on with this ledger; default: one for the moment.")
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Put a tape's bytes through what live ones go through. Exit 0: all that is on it verified
    (`incomplete`: and it begins in mid-log, or did not hear every record); 1: something did not,
    or no meter was heard; 2: no tape."""
    from wattseal_hil.tape import PORTS, TapeReader

    from wattseal_host.cli.replay import report
    from wattseal_host.collect.place import Place
    from wattseal_host.ledger import Ledger
    from wattseal_host.replay import CaptureClock, replay_chunks

    keys, seen, whole = _survey(tape)
    places = [Place(name, name) for name in PORTS]
    clock = CaptureClock()
    with tempfile.TemporaryDirectory(prefix="wattseal-replay-") as scratch:
        path = ledger if ledger is not None else Path(scratch) / "ledger.db"
        size = tape.stat().st_size
        with (
            TapeReader(tape) as reader,
            Ledger(path, clock) as opened,
            output.progress("replaying") as bar,
        ):
            outcome = replay_chunks(
                opened, places, _chunks(reader), clock, keys, lambda: bar(reader.read_bytes, size)
            )
            last = {meter: opened.last(meter) for meter in outcome.meters}
            header = reader.header
    said = {
        "rig": header["rig"],
        "commit": header["firmware"].get("commit"),
        "whole": whole,
        "events": seen,
    }
    counts = ", ".join(f"{count} {what}" for what, count in seen.items())
    end = "" if whole else ", cut off"
    first = f"tape of {header['rig']}, firmware {said['commit'] or 'unknown'}: {counts}{end}"
    verdict = outcome.verdict
    if outcome.meters and {finding.code for finding in outcome.findings} <= _GAPS:
        verdict = INCOMPLETE if outcome.findings else verdict
    good = verdict in ("accepted", INCOMPLETE)
    report(outcome, last, as_json, {"tape": said}, [first], verdict, good)


def _survey(tape: Path) -> tuple[list[bytes], dict[str, int], bool]:
    """(keys the firmware named on its console, events by kind, whether the tape is whole).

    A console's word is no authority: a key serves only the meter whose id is its hash.
    """
    from wattseal_hil.tape import TapeReader

    said = ""
    seen: dict[str, int] = {}
    with TapeReader(tape) as reader:
        for event in reader.events():
            seen[event.what] = seen.get(event.what, 0) + 1
            if event.what == "console":
                said += event.fields["text"]
        whole = reader.whole
    return [bytes.fromhex(key) for key in dict.fromkeys(_KEY.findall(said))], seen, whole


def _chunks(reader: TapeReader) -> Iterator[Chunk]:
    from wattseal_hil.tape import PORTS

    from wattseal_host.collect.capture import Chunk
    from wattseal_host.collect.tap import TO_HOST, TO_METER

    for event in reader.events():
        if event.what == "bytes":
            to = TO_HOST if event.fields["from"] == "meter" else TO_METER
            yield Chunk(event.data, PORTS.index(event.fields["port"]), event.at_us, to)
