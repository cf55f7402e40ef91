"""`wattseal export collect`: what a standing applet gives, every day until it is withdrawn."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.export.service import Outcome
    from wattseal_host.export.way import Way

app = typer.Typer(no_args_is_help=True, help="Readings that customers let you have.")
LATER, ENDED, FAILED = 3, 4, 2
_UNITS = {"m": 60, "h": 3600, "d": 86400}


@app.callback()
def group() -> None:
    """Readings that customers let you have."""


@app.command()
def collect(
    applet: Annotated[Path, typer.Option(help="The standing applet (`wattseal applet sign`).")],
    key: Annotated[Path, typer.Option(help="The recipient's key, which opens it (0600).")],
    out: Annotated[Path, typer.Option(help="A folder; the days are in OUT/METER/.")],
    relay: Annotated[str | None, typer.Option(help="Address of the supplier's relay.")] = None,
    relay_token: Annotated[Path | None, typer.Option(help="File of the relay's token.")] = None,
    relay_ca: Annotated[Path | None, typer.Option(help="Certificates to trust it by, PEM.")] = None,
    meter: Annotated[
        list[str] | None, typer.Option(help="A meter's id, 32 hexadecimal characters; repeat.")
    ] = None,
    port: Annotated[str | None, typer.Option(help="Or one meter's utility port.")] = None,
    every: Annotated[
        str, typer.Option(help="Again and again: 1d, 12h, 30m. Without: one round.")
    ] = "",
    granularity_s: Annotated[
        int, typer.Option(min=-1, max=86400, help="Of the sums, 0: every reading; -1: the finest.")
    ] = -1,
    from_: Annotated[str, typer.Option("--from", help="First day; without: yesterday.")] = "",
    form: Annotated[
        list[str] | None, typer.Option("--format", help="json, csv; repeat for both.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object for each round.")] = False,
) -> None:
    """Fetch each day's sealed export, check it against the sealed records, and keep it: one file
    a day, never the same day twice, days missed are made up for.

    Exit 0: up to date; 3: a meter was not reached or has not approved yet; 4: the customers of all
    have withdrawn it; 2: something is wrong.
    """
    from wattseal_host.export.collecting import DAY_S, FORMS, Collector, Wanted
    from wattseal_host.export.fetch import Fetching
    from wattseal_host.export.service import once, serve
    from wattseal_host.export.way import Clock
    from wattseal_host.files import read_bounded
    from wattseal_host.keys import load_key

    if (relay is None) == (port is None):
        raise Misuse("usage", "give --relay with --meter, or --port")
    forms = form or ["json"]
    if not set(forms) <= set(FORMS):
        raise Misuse("usage", "--format json, csv")
    from_s = output.utc_seconds(from_) if from_ else 0
    if from_s % DAY_S:
        raise Misuse("time", "--from a day, in UTC")
    every_s = _seconds(every) if every else 0
    manifest, opening, clock = read_bounded(applet, 1024), load_key(key), Clock()
    with ExitStack() as stack:
        collectors = []
        for name, way in _ways(stack, relay, relay_token, relay_ca, meter or [], port):
            fetching = Fetching(way, manifest, _say, clock=clock)
            finest = fetching.manifest.granularity_s
            wanted = Wanted(finest if granularity_s < 0 else granularity_s, from_s, forms)
            folder = out / name.hex()
            one = Collector(way, fetching, opening, name, folder, wanted, _say, clock)
            collectors.append(one)
        if every_s:
            serve(collectors, every_s, lambda outcome: _report(outcome, out, as_json), clock)
            raise typer.Exit(ENDED)
        outcomes = [once(one, True) for one in collectors]
        for outcome in outcomes:
            _report(outcome, out, as_json)
    states = [outcome.state for outcome in outcomes]
    if "failed" in states:
        raise typer.Exit(FAILED)
    if "later" in states:
        raise typer.Exit(LATER)
    if set(states) == {"ended"}:
        raise typer.Exit(ENDED)


def _ways(
    stack: ExitStack,
    relay: str | None,
    relay_token: Path | None,
    relay_ca: Path | None,
    meters: list[str],
    port: str | None,
) -> list[tuple[bytes, Way]]:
    """The meters' ids, and the way to each."""
    names = [_meter(text) for text in meters]
    if len(set(names)) < len(names):
        raise Misuse("usage", "a meter is named twice")
    from wattseal_host.export.way import ByPort, ByRelay

    if port is not None:
        if len(names) > 1:
            raise Misuse("usage", "there is one meter on a port")
        way = stack.enter_context(closing(ByPort(port)))
        return [(names[0] if names else way.identity().meter, way)]
    try:
        from wattseal_host.portal.relayed import Relay
    except ImportError as error:
        raise Misuse("portal-missing", "pip install 'wattseal[portal]'") from error
    from wattseal_host.cli.relay import read_token

    if relay_token is None or not names:
        raise Misuse("usage", "--relay wants --relay-token FILE and --meter ID")
    token, ca = read_token(relay_token), str(relay_ca) if relay_ca else None
    client = stack.enter_context(closing(Relay(str(relay), token, ca)))
    return [(name, ByRelay(client, name)) for name in names]


def _meter(text: str) -> bytes:
    if not re.fullmatch("[0-9a-f]{32}", text):
        raise Misuse("usage", "a meter's id has 32 characters, 0-9 and a-f")
    return bytes.fromhex(text)


def _seconds(text: str) -> int:
    found = re.fullmatch("([1-9][0-9]{0,4})([mhd])", text)
    if found is None:
        raise Misuse("usage", "--every 1d, 12h or 30m")
    return int(found[1]) * _UNITS[found[2]]


def _say(text: str) -> None:
    print(output.plain(text), file=sys.stderr, flush=True)


def _report(outcome: Outcome, out: Path, as_json: bool) -> None:
    name = outcome.meter.hex()
    value = {
        "meter": name, "days": list(outcome.days), "state": outcome.state, "code": outcome.code,
    }  # fmt: skip
    lines = [f"{day} of meter {name} in {out / name}" for day in outcome.days]
    if not lines and outcome.state == "done":
        lines = [f"no new day of meter {name}"]
    output.emit(value, lines, as_json)
    sys.stdout.flush()
    if outcome.code:
        output.complain(outcome.code, outcome.detail or f"meter {name}")
