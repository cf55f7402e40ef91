"""`wattseal provider relay`: passes what websites and meters say to each other."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output


def command(
    utility: Annotated[list[str], typer.Option(help="A meter's utility port; repeat.")],
    listen: Annotated[
        str, typer.Option(help="HOST:PORT to listen on; port 0: any free one.")
    ] = "127.0.0.1:8500",
    tokens: Annotated[
        Path, typer.Option(help="Lines `NAME TOKEN`, of the websites served; made if missing.")
    ] = Path("relay.tokens"),
    ledger: Annotated[
        Path | None, typer.Option(help="Records in it are not asked of the meter again.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
) -> None:
    """Serve the relay until interrupted. Without TLS it listens on this machine alone: who sees a
    token can use it."""
    try:
        import uvicorn

        from wattseal_host.relay.app import Relay
        from wattseal_host.relay.tokens import Tokens
    except ImportError as error:
        raise Misuse("portal-missing", "pip install 'wattseal[portal]'") from error
    from wattseal_host.cli.portal import QUIET, bind, check_tls, run
    from wattseal_host.collect.utility import UtilityPort
    from wattseal_host.relay.line import Line

    host, _, port = listen.rpartition(":")
    if not (host and port.isdigit() and int(port) < 1 << 16):
        raise Misuse("usage", "--listen HOST:PORT")
    check_tls(tls_cert, tls_key, host.strip("[]"))
    listening = bind(host.strip("[]"), int(port))  # before a file of tokens is made
    known = Tokens.of(tokens)
    lines = [Line(partial(UtilityPort, name, timeout_s=1.0), ledger=ledger) for name in utility]
    for name in utility:
        if "://" not in name and not Path(name).exists():
            output.warn(f"{name} is not there yet: its meter is asked when it comes")
    config = uvicorn.Config(
        Relay(lines, known).app(), ssl_certfile=tls_cert, ssl_keyfile=tls_key, **QUIET
    )
    run(config, "relay", (f"tokens of websites in {tokens}",), listening=listening)


def read_token(path: Path) -> str:
    """The one token of a relay's file. Raises Unusable `relay-tokens`."""
    from wattseal_host.errors import Unusable
    from wattseal_host.relay.tokens import read

    found = read(path)
    if len(found) != 1:
        raise Unusable("relay-tokens", f"{path} names several: this website wants its own line")
    return next(iter(found.values()))
