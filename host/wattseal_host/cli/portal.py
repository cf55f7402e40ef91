"""`wattseal portal serve`: the website where customers look at their readings."""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output, portal_demo

if TYPE_CHECKING:
    import uvicorn

    from wattseal_host.tariff import Tariff

app = typer.Typer(no_args_is_help=True, help="The website that shows customers their readings.")
app.command("demo")(portal_demo.command)
MAX_TARIFFS = 200
LOCAL = ("127.0.0.1", "::1", "localhost")
QUIET: dict[str, Any] = {
    "access_log": False,
    "log_level": "warning",
    "server_header": False,
    "proxy_headers": False,
    "http": "wattseal_host.web.connections:Bounded",
    "loop": "wattseal_host.web.connections:loop",
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
    relay: Annotated[
        str | None, typer.Option(help="Address of the supplier's relay: meters can be asked.")
    ] = None,
    relay_token: Annotated[Path | None, typer.Option(help="File of the relay's token.")] = None,
    relay_ca: Annotated[Path | None, typer.Option(help="Certificates to trust it by, PEM.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="https://HOST as visitors have it; up to 40 characters.")
    ] = None,
    publisher: Annotated[
        str, typer.Option(help="Who runs it, for meters' displays; up to 24.")
    ] = "wattseal portal",
    key: Annotated[
        Path, typer.Option(help="The publisher's key, which signs the applet; made if missing.")
    ] = Path("publisher.pem"),
) -> None:
    """Serve the portal until interrupted. Without TLS it listens on this machine alone: put it
    behind TLS before anybody else is to use it."""
    try:
        import uvicorn

        from wattseal_host.portal.app import make_app
        from wattseal_host.portal.applet import Applet, check_origin
        from wattseal_host.portal.site import Site
        from wattseal_host.portal.tables import Accounts
    except ImportError as error:
        raise Misuse("portal-missing", "pip install 'wattseal[portal]'") from error
    from wattseal_host.cli.relay import read_token
    from wattseal_host.keys import generate_key, load_key, save_key

    # All is looked at before a file is made.
    check_tls(tls_cert, tls_key, host)
    if relay is not None and relay_token is None:
        raise Misuse("usage", "--relay wants --relay-token FILE, as the relay made it")
    if relay is not None and urlsplit(relay).scheme not in ("http", "https"):
        raise Misuse("usage", "--relay http://… or https://…")
    told = check_origin(origin) if origin else ""
    tariffs = _tariffs(tariff or [])
    token = read_token(relay_token) if relay_token else ""
    os.umask(0o077)  # a database file made now is its owner's alone
    listening = bind(host, port)
    # Behind a proxy the visitors' TLS is the proxy's.
    secure = tls_cert is not None or told.startswith("https:")
    exports = None
    if relay is not None:
        from wattseal_host.portal.exports import Exports
        from wattseal_host.portal.relayed import Relay

        own = told or f"{'https' if tls_cert else 'http'}://{_named(listening)}"
        signer = load_key(key) if key.exists() else generate_key()
        applet = Applet.make(signer, own, publisher)
        try:
            client = Relay(relay, token, str(relay_ca) if relay_ca else None)
        except OSError as error:
            raise Misuse("tls", f"{relay_ca} holds no certificates") from error
        exports = Exports(client, applet)
    site = Site(Accounts(database), secure, tariffs, hosts=_hosts(told, host))
    if exports is not None and not key.exists():
        save_key(key, signer)
    site.exports = exports
    config = uvicorn.Config(make_app(site), ssl_certfile=tls_cert, ssl_keyfile=tls_key, **QUIET)
    run(config, "portal", (), listening=listening)


def _hosts(origin: str, host: str) -> frozenset[str] | None:
    """Where it is said what the website is called, requests for another are another's; a proxy on
    this machine may ask for the address it was given."""
    if not origin:
        return None
    own = urlsplit(origin).netloc.lower()
    named = f"[{host}]" if ":" in host else host
    return frozenset((re.sub(r":\d+$", "", own), named, "localhost"))


def check_tls(cert: Path | None, key: Path | None, host: str) -> None:
    """Raises Misuse `tls` unless certificate and key go together and can be read; without them
    only this machine may be listened on."""
    if (cert is None) != (key is None):
        raise Misuse("tls", "--tls-cert and --tls-key belong together")
    if cert is None and host not in LOCAL:
        raise Misuse("tls", f"no TLS, so not on {host}: give --tls-cert and --tls-key")
    if cert is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
        except OSError as error:
            raise Misuse("tls", f"{cert} and {key} are no certificate and its key") from error


def bind(host: str, port: int) -> socket.socket:
    """Listening: who reads the address may come at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _named(listening: socket.socket) -> str:
    name, number = listening.getsockname()[:2]
    return f"[{name}]:{number}" if ":" in name else f"{name}:{number}"


def run(
    config: uvicorn.Config,
    what: str,
    steps: Sequence[str],
    path: str = "",
    listening: socket.socket | None = None,
) -> None:
    """Serve until interrupted; says where first, with a path to begin at."""
    import uvicorn

    listening = listening or bind(config.host, config.port)
    scheme = "https" if config.is_ssl else "http"
    output.emit({}, [f"{what} at {scheme}://{_named(listening)}{path}", *steps], False)
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
