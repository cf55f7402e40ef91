"""`wattseal customer export` and `wattseal applet`: readings by a PIN, to whom the meter shows."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output

_READS = {"import": 1, "export": 2, "both": 3}

applet_app = typer.Typer(no_args_is_help=True, help="Applets: who may ask a meter for what.")


@applet_app.command()
def sign(
    key: Annotated[Path, typer.Option(help="The publisher's key; made if missing (0600).")],
    name: Annotated[str, typer.Option(help="Of the applet, at most 24 characters.")],
    publisher: Annotated[str, typer.Option(help="Of whoever answers for it, at most 24.")],
    origin: Annotated[str, typer.Option(help="Who gets the readings, at most 40.")],
    out: Annotated[Path, typer.Option(help="Where to write it.")],
    reads: Annotated[str, typer.Option(help="import, export or both.")] = "import",
    granularity_s: Annotated[
        int, typer.Option(min=0, help="The finest, and where sums begin; 0: every reading.")
    ] = 0,
    reach_s: Annotated[int, typer.Option(min=0, help="How far back; 0: all there is.")] = 0,
    every_s: Annotated[int, typer.Option(min=0, help="Least time between two exports.")] = 0,
    recipient: Annotated[
        Path | None,
        typer.Option(help="A standing export, encrypted to this key (made if missing)."),
    ] = None,
    version: Annotated[int, typer.Option(min=0, max=65535)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make and sign an applet. The meter's customer approves it, or not."""
    from wattseal import manifest
    from wattseal.errors import Misuse

    from wattseal_host.files import write_atomic
    from wattseal_host.keys import public_bytes, sign_digest
    from wattseal_host.portal.applet import publisher_key

    if reads not in _READS or max(granularity_s, reach_s, every_s) >= 1 << 32:
        raise Misuse("usage", "--reads import, export or both; times below 2^32 s")
    made = manifest.Manifest()
    own = publisher_key(key)
    made.version, made.publisher_key, made.reads = version, public_bytes(own), _READS[reads]
    made.granularity_s, made.reach_s, made.every_s = granularity_s, reach_s, every_s
    if recipient is not None:
        made.kind = manifest.STANDING
        made.recipient_key = public_bytes(publisher_key(recipient))
    try:
        texts = [text.encode("ascii") for text in (name, publisher, origin)]
    except UnicodeEncodeError as error:
        raise Misuse("applet-field", "the texts of an applet are ASCII") from error
    made.name, made.publisher, made.origin = texts
    body = made.encode()
    write_atomic(out, body + sign_digest(own, manifest.digest(body)))
    digest = manifest.digest(body).hex()
    output.emit({"digest": digest, "file": str(out)}, [f"applet {digest[:16]} in {out}"], as_json)


def command(
    port: Annotated[str, typer.Option(help="The meter's utility port.")],
    applet: Annotated[Path, typer.Option(help="The applet (`wattseal applet sign`).")],
    from_: Annotated[str, typer.Option("--from", help="UTC, ISO 8601.")],
    to: Annotated[str, typer.Option("--to", help="UTC, ISO 8601 (excluded).")],
    out: Annotated[Path, typer.Option(help="Where to write the readings (mode 0600).")],
    every_s: Annotated[
        int, typer.Option(min=0, help="Sums of so many seconds; 0: every reading.")
    ] = 0,
    pin: Annotated[str, typer.Option(help="The PIN; asked for when it is shown without.")] = "",
    key: Annotated[
        Path | None, typer.Option(help="The recipient's key, for a standing applet.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Readings or sums of a period, as the meter encrypts them for this recipient alone.

    The display shows recipient, period and a PIN, good for one try. Everything that comes is
    checked against the sealed records.
    """
    from wattseal.errors import Misuse
    from wattseal.manifest import STANDING

    from wattseal_host.cli.customer import asked_pin
    from wattseal_host.export.fetch import Fetching
    from wattseal_host.export.sheet import document
    from wattseal_host.export.way import ByPort
    from wattseal_host.files import read_bounded, write_secret
    from wattseal_host.keys import load_key, public_bytes, secret_scalar
    from wattseal_host.strict_json import dumps

    start_s, end_s = output.utc_seconds(from_), output.utc_seconds(to)
    with output.late_progress("exporting") as bar, closing(ByPort(port)) as way:
        one = Fetching(
            way,
            read_bounded(applet, 1024),
            lambda text: print(text, file=sys.stderr),
            lambda: asked_pin(pin),
            bar,
        )
        secret = 0
        if one.manifest.kind == STANDING:
            if key is None:
                raise Misuse("usage", "a standing applet's exports open with --key")
            own = load_key(key)
            if public_bytes(own) != one.manifest.recipient_key:
                raise Misuse("export-key", f"{key} is not the key this applet exports to")
            secret = secret_scalar(own)
        meter, checked = one.run(start_s, end_s, every_s, secret)
    value = document(meter, one.manifest.origin.decode(), checked.opened, every_s)
    write_secret(out, dumps(value) + b"\n")
    rows = len(checked.opened)
    output.emit({"rows": rows, "file": str(out)}, [f"{rows} rows, checked, in {out}"], as_json)
