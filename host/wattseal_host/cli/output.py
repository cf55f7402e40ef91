"""What commands print: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from wattseal.errors import Misuse, WattsealError

from wattseal_host.words import meaning

HINTS = {
    # "CODE DETAIL" before "CODE": what a meter refuses says in its detail why.
    "port-refused pairing-closed": "press the meter's button first, and give the PIN it shows",
    "port-refused pairing-pin": "that PIN is spent; press the button for another one",
    "port-refused bad-command": "the line was not clean; try again",
    "broker-missing": "check the address and that the broker runs",
    "broker-refused": "check --user and --password-file",
    "broker-tls": "name who signed the broker's certificate with --ca",
    "chain-signature": "the meter's signature is not good; the record is kept apart",
    "applet-unknown": "nobody has approved it yet: at the meter's display, or at home",
    "collect-early": "nothing to do: the next round fetches all days that are missing",
    "collect-granularity": "say --granularity-s: a multiple of the applet's, a part of a day",
    "collect-running": "another process collects into this folder",
    "collect-state": "delete the file to begin anew; days that are there stay",
    "control-unusable": "another rig or program has it; choose another port, folder or socket",
    "contract-other": "if the customer changed contracts, say --new-contract",
    "disclosure-confined": "--consent releases it knowingly; a longer period tells less",
    "disclosure-hidden-row": "--consent releases it knowingly; a longer period tells less",
    "disclosure-length": "--consent releases it knowingly; a shorter period tells less",
    "disclosure-overlap": "--consent releases it knowingly; billed periods should not overlap",
    "disclosure-remainder": "--consent releases it knowingly; a longer period tells less",
    "disclosure-window": "--consent releases it knowingly; a longer period tells less",
    "export-withdrawn": "this meter gives nothing more, and is not asked again",
    "epoch-unknown": "that time was another's; of a new meter let `provider replace --from` say so",
    "export-declined": "it was refused at the meter's button",
    "export-empty": "give times whose readings are sealed already, and of the present pairing",
    "export-late": "nobody pressed the button or typed the PIN in time; ask again",
    "export-over": "that export had ended already; ask again",
    "export-pin": "that PIN is spent; ask again for another one",
    "export-scope": "ask no more finely, further back or more often than the applet may; --every-s",
    "file-missing": "check the path",
    "group-both": "both secrets of a peer would unmask it; this closing is never answered",
    "group-posted": "papers are never replaced; a new run wants a folder of its own",
    "group-share-again": "two sums over one interval can give a single reading away",
    "group-small": "ten members are the least",
    "group-unjoined": "run: wattseal group join",
    "group-void": "more than two thirds must answer, and ten at least",
    "import-baseline": "say --baseline, in kWh a day",
    "import-field": "nothing of it was imported: a bill without it would be wrong",
    "import-validity": "give --from, --to, --zone and --currency as the offer has them",
    "json-syntax": "the file is damaged or no JSON",
    "json-encoding": "the file is damaged or no JSON",
    "json-empty": "the file is empty",
    "key-exists": "keys are never overwritten; choose another directory",
    "ledger-damaged": "see `wattseal ledger check`; restore it or collect into a new one",
    "ledger-file": "give the path of a ledger, or of a file that does not exist yet",
    "applet-digest": "`wattseal customer consents` shows what waits",
    "applet-bad": "sign it anew with `wattseal applet sign`",
    "applet-kind": "an applet is the file that `wattseal applet sign` writes",
    "applet-length": "an applet is the file that `wattseal applet sign` writes",
    "applet-reads": "an applet is the file that `wattseal applet sign` writes",
    "applet-text": "an applet is the file that `wattseal applet sign` writes",
    "applet-version": "an applet is the file that `wattseal applet sign` writes",
    "applet-field": "names have at most 24 characters of ASCII, an origin 40",
    "boot-rewound": "the meter's memory was set back; what the ledger has stays as it is",
    "capture-empty": "say --port utility or --port customer if you know which it is",
    "capture-exists": "captures are never overwritten; choose another name",
    "log-gap": "the meter or the capture lacks records; another ledger may have them",
    "log-rewound": "the meter's memory was set back; what the ledger has stays as it is",
    "meter-busy": "it shows a PIN, or has another export in hand; try again in some minutes",
    "meter-forked": "keep the evidence; collect its other history into another ledger",
    "meter-memory": "the meter is too busy for this just now; ask again in some minutes",
    "meter-replaced": "if the meter was exchanged, say --new-meter",
    "meter-unknown": "collect it first; for a replay name its key with --trust",
    "meter-wiped": "keep the evidence; collect its other history into another ledger",
    "not-a-bundle": "a bundle is the JSON file that `wattseal customer bill` writes",
    "order-far": "if that time is right, say --far: sealed time never goes back",
    "period-incomplete": "collect first, and give times at which records begin and end",
    "period-overlap": "billed periods never overlap; a correction is a new release",
    "port-missing": "check the path and that nothing else has the port open",
    "port-refused": "the meter said no",
    "port-busy": "try again in a moment",
    "port-silent": "check the cable, the speed and that the meter has power",
    "rig-unreachable": "start one with `wattseal rig serve`, and give what it printed as control",
    "replacement-missing": "it is the file that `wattseal provider replace` writes",
    "relay-tokens": "a line is NAME TOKEN; delete the file and it is made anew",
    "secret-exposed": "run: chmod 600 FILE",
    "trust-malformed": "write one with `wattseal provider trust`",
    "time": "such as 2026-01-31 or 2026-01-31T12:30, in UTC",
    "usage": "try --help",
    "untrusted-keys": "get the keys from elsewhere than the bundle and put them in the trust file",
    "zone-unknown": "use a name of the IANA time-zone data, such as Europe/London",
}


def emit(value: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """Print a command's result: one JSON object on one line, or lines for people."""
    if as_json:
        sys.stdout.write(json.dumps(value) + "\n")
    else:
        sys.stdout.write("".join(plain(line) + "\n" for line in lines))


def refusal(title: str, code: str, detail: str) -> list[str]:
    """What a verification says that failed: the code, in words, and what to do where there is a
    hint."""
    lines = [f"{title}: {code}" + (f" ({detail})" if detail else "")]
    if said := meaning(code):
        lines.append(f"  {said}")
    if hint := _hint(code, detail):
        lines.append(f"hint: {hint}")
    return lines


def _hint(code: str, detail: str) -> str | None:
    """The meter's own word stands last in the detail."""
    why = detail.rpartition(" ")[2]
    return HINTS.get(f"{code} {why}") or HINTS.get(code)


def complain(code: str, detail: str) -> None:
    """One lower-case line on stderr, with what to do about it where there is a hint."""
    text = " ".join(f"{code}: {detail}".split()) if detail else code
    if hint := _hint(code, detail):
        text += f" (hint: {hint})"
    sys.stderr.write(f"error: {plain(text)}\n")


def warn(text: str) -> None:
    """One line on stderr for what is no error, and may become one."""
    sys.stderr.write(f"note: {plain(text)}\n")


def look_at(*looks: Callable[[], object]) -> None:
    """Do each, complain of every one that is refused but the last, and raise that one: who gave
    several wrong options is told of all of them."""
    found: list[WattsealError] = []
    for look in looks:
        try:
            look()
        except WattsealError as error:
            found.append(error)
    for one in found[:-1]:
        complain(one.code, one.detail)
    if found:
        raise found[-1]


def plain(text: str) -> str:
    """Escape what is no printable character: a file we read must not drive the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


Advance = Callable[[float, float], None]


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """A bar on stderr while the block runs, if stderr is a terminal; call it (done, of all)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def late_progress(title: str) -> Iterator[Advance]:
    """`progress` from the first call on: until then the terminal is for what people are asked."""
    with ExitStack() as stack:
        bars: list[Advance] = []

        def advance(done: float, total: float) -> None:
            if not bars:
                bars.append(stack.enter_context(progress(title)))
            bars[0](done, total)

        yield advance


def utc_seconds(text: str) -> int:
    """UTC seconds of "2026-01-31" or "2026-01-31T12:30" (UTC where no offset is written)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misuse("time", f"{text[:40]} is no ISO 8601 date or time") from error
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds < 2**32:
        raise Misuse("time", f"{text[:40]} is before 1970 or after 2106")
    return int(seconds)


def utc_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
