"""The entry point: one command with its groups, and what becomes of errors.

Exit codes: 0 done (for `verify`: accepted), 1 a verification failed, 2 unusable input or another
error, 3 a part of the ports failed, 4 a customer withdrew, 130 interrupted, 141 the reader of our
output went away.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import version
from io import TextIOWrapper
from types import FrameType
from typing import Annotated, Any, NoReturn, cast

import typer
from wattseal.errors import WattsealError

from wattseal_host.cli import (
    collect,
    compare,
    customer,
    demo,
    export,
    export_collect,
    group,
    hand_over,
    home,
    ledger,
    mqtt,
    output,
    portal,
    provider,
    recover,
    replay,
    rig,
    save,
    verify,
)
from wattseal_host.garbage import collect_rarely

app = typer.Typer(
    name="wattseal",
    help="Sealed meter readings: collect them, bill them in zero knowledge, verify the bill.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("wattseal"))
        raise typer.Exit


@app.callback()
def options(
    version_: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print it, and end."),
    ] = False,
) -> None:
    """Sealed meter readings: collect them, bill them in zero knowledge, verify the bill."""


app.command("demo")(demo.command)
app.command("collect")(collect.command)
app.command("verify")(verify.command)
app.command("replay")(replay.command)
app.add_typer(ledger.app, name="ledger")
app.add_typer(group.app, name="group")
app.add_typer(rig.app, name="rig")
app.add_typer(provider.app, name="provider")
app.add_typer(customer.app, name="customer")
app.add_typer(portal.app, name="portal")
app.add_typer(export.applet_app, name="applet")
app.add_typer(export_collect.app, name="export")
customer.app.command("recover")(recover.command)
customer.app.command("hand-over")(hand_over.command)
customer.app.command("compare")(compare.command)
customer.app.command("meter-bill")(compare.meter_bill)
customer.app.command("home")(home.command)
customer.app.command("mqtt")(mqtt.command)
customer.app.add_typer(save.app, name="save")

# Typer carries its own copy of click or uses the installed one; this is UsageError in both.
UsageError: Any = typer.BadParameter.__base__


def _stop(number: int, _: FrameType | None) -> NoReturn:
    """End as after an error, so that every temporary folder and process is cleared away."""
    raise SystemExit(128 + number)


def run() -> None:
    """The console script `wattseal`: never a traceback for anything that input can cause."""
    collect_rarely()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape.
        cast(TextIOWrapper, stream).reconfigure(errors="backslashreplace")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        result = app(standalone_mode=False)
        status = result if isinstance(result, int) else 0
        sys.stdout.flush()
    except WattsealError as error:
        output.complain(error.code, error.detail)
        status = 2
    except UsageError as error:
        # No message: the help was asked for by giving nothing, and has been printed.
        if message := error.format_message():
            output.complain("usage", message[0].lower() + message[1:])
        status = 2
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    except MemoryError:
        output.complain("memory", "the input needs more memory than there is")
        status = 2
    except BrokenPipeError:
        # Nothing more can be written; keep the interpreter from trying at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        output.complain("system", where + (error.strerror or str(error)).lower())
        status = 2
    sys.exit(status)
