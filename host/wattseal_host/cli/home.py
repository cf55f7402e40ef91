"""`wattseal customer home`: the customer's own website, at home."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from wattseal.errors import Misuse

from wattseal_host.cli import output

LOCAL = frozenset(("127.0.0.1", "localhost", "[::1]"))
MOST_TARIFFS = 12


def command(
    file: Annotated[Path, typer.Option("--secrets", help="The customer's secret file (0600).")],
    port: Annotated[
        str | None, typer.Option(help="The meter's customer port, for what is live.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Your ledger; made if missing. Default: beside the secrets.")
    ] = None,
    tariff: Annotated[
        list[Path] | None, typer.Option(help="Your tariff (.jws, JSON); others to compare with.")
    ] = None,
    trust: Annotated[Path | None, typer.Option(help="Keys you trust, to verify bills.")] = None,
    papers: Annotated[
        Path | None, typer.Option(help="Folder of bills. Default: that of the secrets.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Local time (IANA). Default: the tariff's, or UTC.")
    ] = None,
    listen: Annotated[
        str, typer.Option(help="ADDRESS:PORT; port 0: any free one.")
    ] = "127.0.0.1:8089",
    name: Annotated[
        list[str] | None, typer.Option(help="Another name this machine is asked for by; repeat.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File (0600) with the key to enter by; else a fresh one.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
) -> None:
    """Serve a website with live power, use, cost so far, bills and their verdicts, releases and a
    comparison of tariffs, until interrupted. Without TLS on this machine alone."""
    try:
        import uvicorn

        from wattseal_host.customer.home.app import make_app
        from wattseal_host.customer.home.entry import Entry
    except ImportError as error:
        raise Misuse("home-missing", "pip install 'wattseal[home]'") from error

    from wattseal_host.cli.compare import read_tariff
    from wattseal_host.cli.portal import LOCAL as HERE
    from wattseal_host.cli.portal import QUIET, check_tls, run
    from wattseal_host.customer.home.collecting import Collector
    from wattseal_host.customer.home.house import House
    from wattseal_host.customer.live import Keeper
    from wattseal_host.customer.store import Secrets
    from wattseal_host.errors import Unusable
    from wattseal_host.localstamps import find_zone
    from wattseal_host.trust import Trust

    host, number = _address(listen)
    tls = tls_cert is not None
    kept = ledger or file.with_suffix(".ledger.db")
    folder = papers or file.absolute().parent

    def look_at_address() -> None:
        if tls and host not in HERE and not name:
            raise Misuse("home-name", "say by --name what this machine is asked for by")
        check_tls(tls_cert, tls_key, host)

    def look_at_source() -> None:
        if not folder.is_dir():
            raise Unusable("file-missing", f"{folder} is no directory")
        if port is None and not kept.exists():
            raise Misuse("source", "give --port, or a --ledger that exists")
        if len(tariff or ()) > MOST_TARIFFS:
            raise Misuse("tariff-count", f"over {MOST_TARIFFS}")

    output.look_at(
        look_at_address,
        lambda: Secrets.load(file),
        look_at_source,
        *(partial(read_tariff, path) for path in (tariff or [])[:MOST_TARIFFS]),
        lambda: find_zone(zone or "UTC"),
        lambda: trust and Trust.load(trust),
    )
    held = Secrets.load(file)
    tariffs = [read_tariff(path) for path in tariff or []]
    place = zone or (tariffs[0].zone.name if tariffs else "UTC")
    find_zone(place)
    trusted = Trust((), ()) if trust is None else Trust.load(trust)
    entry = Entry.kept_in(key_file, tls) if key_file else Entry.fresh(tls)
    house = House(file, kept, folder, place, tariffs, trusted)
    hosts = LOCAL | {one.lower() for one in name or ()}
    with ExitStack() as stack:
        if port is not None:
            house.keeper = stack.enter_context(Keeper(port, held.meter))
            collector = Collector(house.keeper, kept, held.key)
            house.collector = stack.enter_context(collector)
        config = uvicorn.Config(
            make_app(house, entry, hosts, tls),
            host=host,
            port=number,
            ssl_certfile=tls_cert,
            ssl_keyfile=tls_key,
            **QUIET,
        )
        way = "/enter" if key_file else f"/enter?key={entry.key}"
        run(config, "home", ("interrupt to end",), way)


def _address(text: str) -> tuple[str, int]:
    """Raises Misuse `listen`."""
    try:
        parts = urlsplit(f"//{text}")
        host, number = parts.hostname, parts.port
    except ValueError:
        host = number = None
    if not host or number is None or parts.path or parts.username is not None:
        raise Misuse("listen", "ADDRESS:PORT, 127.0.0.1:8089")
    return host, number
