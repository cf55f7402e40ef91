"""`wattseal portal serve`: the website where customers look at their readings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.tariff import Tariff

app = typer.Typer(no_args_is_help=True, help="The website that shows customers their readings.")
MAX_TARIFFS = 200


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
        make_app(site),
        host=host,
        port=port,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=200,
        timeout_keep_alive=5,
    )
    listening = config.bind_socket()
    scheme = "https" if tls_cert else "http"
    name, number = listening.getsockname()[:2]
    output.emit({}, [f"portal at {scheme}://{name}:{number}"], False)
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
