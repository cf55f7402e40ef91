"""`wattseal customer mqtt`: the meter in Home Assistant, by a broker of one's own."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from wattseal_host.cli import output

MOST_PASSWORD_BYTES = 1000


def command(
    port: Annotated[str, typer.Option(help="The meter's customer port.")],
    broker: Annotated[str, typer.Option(help="mqtts://HOST[:PORT], or mqtt://… without TLS.")],
    secrets: Annotated[
        Path | None, typer.Option(help="Your secret file: tell of this meter alone.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="User name at the broker.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with its password (0600).")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(help="Who signed the broker's certificate (PEM).")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Our own certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
    every: Annotated[int, typer.Option(min=1, max=3600, help="Seconds between messages.")] = 10,
    discovery: Annotated[
        str, typer.Option(help="Where Home Assistant looks for devices.")
    ] = "homeassistant",
    topic: Annotated[str, typer.Option(help="What our own topics begin with.")] = "wattseal",
    no_tls: Annotated[
        bool, typer.Option("--no-tls", help="Send readings in clear to another machine.")
    ] = False,
) -> None:
    """Tell a broker energy and power, so that Home Assistant finds the meter by itself, until
    interrupted. Everybody the broker lets in can read along."""
    from wattseal.errors import Misuse, Refused

    from wattseal_host.customer.live import Keeper
    from wattseal_host.customer.store import Secrets

    try:
        from wattseal_host.customer.mqtt import Broker, Publisher, Topics
    except ImportError as error:
        raise Misuse("mqtt-missing", "pip install 'wattseal[mqtt]'") from error

    if (user is None) != (password_file is None):
        raise Misuse("mqtt-user", "--user and --password-file belong together")
    if (cert is None) != (key is None):
        raise Misuse("mqtt-tls", "--cert and --key belong together")
    password = None if password_file is None else _password(password_file)
    at = Broker.at(broker, user=user, password=password, authority=ca, certificate=cert, key=key)
    if not at.tls and not (at.here or no_tls):
        raise Misuse("mqtt-plain", f"no TLS, so not to {at.host}: use mqtts://, or say --no-tls")
    if not at.tls and (ca or cert):
        raise Misuse("mqtt-tls", "certificates are for mqtts://")
    Topics.of(bytes(16), discovery, topic)
    held = None if secrets is None else Secrets.load(secrets).meter
    publisher = Publisher(at, _say)
    with Keeper(port, held) as keeper:
        meter = keeper.first(lambda line: line.itself()).configuration.meter
        if held not in (None, meter):
            raise Refused("meter-pinned", f"the meter paired is {(held or b'').hex()}")
        publisher.run(keeper, Topics.of(meter, discovery, topic), every, threading.Event())


def _password(path: Path) -> str:
    from wattseal_host.errors import Unusable
    from wattseal_host.files import read_secret

    try:
        return read_secret(path, MOST_PASSWORD_BYTES).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise Unusable("password-file", f"{path} is no text") from error


def _say(line: str) -> None:
    sys.stderr.write(output.plain(line) + "\n")
    sys.stderr.flush()
