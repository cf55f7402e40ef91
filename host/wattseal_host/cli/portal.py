"""`wattseal portal serve`: the website where customers look at their readings."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output

if TYPE_CHECKING:
    import uvicorn

    from wattseal_host.tariff import Tariff

app = typer.Typer(no_args_is_help=True, help="The website that shows customers their readings.")
MAX_TARIFFS = 200
DAY_S = 86400
DEMO_FROM_S = 1_767_225_600  # 2026-01-01T00:00:00Z
DEMO_SETTINGS = {"burst_ms": 60_000, "telegram_ms": 60_000, "checkpoint_ms": 60_000}
QUIET: dict[str, Any] = {
    "access_log": False,
    "log_level": "warning",
    "server_header": False,
    "proxy_headers": False,
    "limit_concurrency": 200,
    "timeout_keep_alive": 5,
    "timeout_graceful_shutdown": 3,
}


@app.callback()
def group() -> None:
    """The website that shows customers their readings."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8443,
    database: Annotated[
        str, typer.Option(help="SQLAlchemy URL; PostgreSQL: postgresql+psycopg://…")
    ] = "sqlite:///portal.db",
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    tariff: Annotated[
        list[Path] | None, typer.Option(help="A signed tariff to choose from; repeat.")
    ] = None,
) -> None:
    """Serve the portal until interrupted. Without TLS it listens on this machine alone: put it
    behind TLS before anybody else is to use it."""
    try:
        import uvicorn

        from wattseal_host.portal.app import make_app
        from wattseal_host.portal.site import Site
        from wattseal_host.portal.tables import Accounts
    except ImportError as error:
        raise Misuse("portal-missing", "pip install 'wattseal[portal]'") from error

    if (tls_cert is None) != (tls_key is None):
        raise Misuse("tls", "--tls-cert and --tls-key belong together")
    if tls_cert is None and host not in ("127.0.0.1", "::1", "localhost"):
        raise Misuse("tls", f"no TLS, so not on {host}: give --tls-cert and --tls-key")
    tariffs = _tariffs(tariff or [])
    os.umask(0o077)  # a database file made now is its owner's alone
    site = Site(Accounts(database), tls_cert is not None, tariffs)
    config = uvicorn.Config(
        make_app(site), host=host, port=port, ssl_certfile=tls_cert, ssl_keyfile=tls_key, **QUIET
    )
    run(config, "portal", ())


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=1, max=60, help="Days the meter has measured.")] = 14,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8443,
    out: Annotated[Path, typer.Option(help="Where to write the file.")] = Path("readings.json"),
) -> None:
    """Run a meter on the emulated board, write what its owner hands over, serve the portal, and
    say what to do there."""
    import uvicorn
    from wattseal_hil.board import EmulatedBoard
    from wattseal_hil.loads import ProfileLoad

    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer.hand_over import hand_over
    from wattseal_host.files import write_secret
    from wattseal_host.portal.app import make_app
    from wattseal_host.portal.site import Site
    from wattseal_host.portal.tables import MEMORY, Accounts

    to_s = DEMO_FROM_S + days * DAY_S
    with EmulatedBoard(load=ProfileLoad(), start_s=DEMO_FROM_S, settings=DEMO_SETTINGS) as board:
        board.power_on()
        with output.progress("the meter measures") as bar:
            board.run_until(to_s + 5, lambda now_s: bar(now_s - DEMO_FROM_S, days * DAY_S))
        with CustomerPort(board.customer_port) as meter, output.progress("asking it") as bar:
            data, told = hand_over(meter, DEMO_FROM_S, to_s, bar)
    write_secret(out, data)
    steps = (
        f"1. sign up there with the meter id {told.enrolment.meter.hex()}",
        f"2. In your browser: choose {out}; it is checked and drawn, and nothing is sent",
        f"3. Hand over: choose {out} again; results, daily totals, advice",
        "4. Log off: the readings are gone. Interrupt to end",
    )
    site = Site(Accounts(MEMORY))
    config = uvicorn.Config(make_app(site), host="127.0.0.1", port=port, **QUIET)
    run(config, "portal", steps)


def run(config: uvicorn.Config, what: str, steps: Sequence[str], path: str = "") -> None:
    """Serve until interrupted; says where first, with a path to begin at."""
    import uvicorn

    listening = config.bind_socket()
    listening.listen()  # who reads the address may come at once
    name, number = listening.getsockname()[:2]
    name = f"[{name}]" if ":" in name else name
    scheme = "https" if config.is_ssl else "http"
    output.emit({}, [f"{what} at {scheme}://{name}:{number}{path}", *steps], False)
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listening])


def _tariffs(paths: list[Path]) -> dict[str, Tariff]:
    """Signed tariffs by their names. Who signed them is for the operator to know."""
    from wattseal_host import jws
    from wattseal_host.files import read_bounded
    from wattseal_host.tariff import Tariff

    if len(paths) > MAX_TARIFFS:
        raise Misuse("tariff-count", f"over {MAX_TARIFFS}")
    found = {}
    for path in paths:
        token = read_bounded(path, jws.MAX_CHARACTERS).decode("ascii", "replace").strip()
        tariff = Tariff.read(jws.parse(token, jws.TARIFF).payload)
        found[tariff.name] = tariff
    return found
