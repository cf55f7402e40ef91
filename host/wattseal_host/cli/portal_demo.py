"""`wattseal portal demo`: a meter, the relay and the portal on this machine, and what to do."""

from __future__ import annotations

import contextlib
import re
import secrets
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_hil.board import EmulatedBoard

    from wattseal_host.tariff import Tariff

DAY_S = 86400
FROM_S = 1_767_225_600  # 2026-01-01T00:00:00Z
SETTINGS = {"burst_ms": 60_000, "telegram_ms": 60_000, "checkpoint_ms": 60_000}
_ASKS = r"Press|PIN \d"  # other pages change all the time


def command(
    days: Annotated[int, typer.Option(min=1, max=60, help="Days the meter has measured.")] = 14,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8443,
    out: Annotated[Path, typer.Option(help="Where to write the file to hand over.")] = Path(
        "readings.json"
    ),
) -> None:
    """Run a meter on the emulated board, the supplier's relay and the portal, and say what to do
    there. This terminal is the meter's display, and Enter its button."""
    import uvicorn
    from wattseal_hil.board import EmulatedBoard
    from wattseal_hil.loads import ProfileLoad

    from wattseal_host.cli.portal import QUIET, bind, run
    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer.hand_over import hand_over
    from wattseal_host.files import write_secret
    from wattseal_host.keys import generate_key
    from wattseal_host.portal.app import make_app
    from wattseal_host.portal.applet import Applet
    from wattseal_host.portal.exports import Exports
    from wattseal_host.portal.relayed import Relay
    from wattseal_host.portal.site import Site
    from wattseal_host.portal.tables import MEMORY, Accounts

    to_s = FROM_S + days * DAY_S
    with EmulatedBoard(load=ProfileLoad(), start_s=FROM_S, settings=SETTINGS) as board:
        board.power_on()
        with output.progress("the meter measures") as bar:
            board.run_until(to_s + 5, lambda now_s: bar(now_s - FROM_S, days * DAY_S))
        with CustomerPort(board.customer_port) as meter, output.progress("asking it") as bar:
            data, told = hand_over(meter, FROM_S, to_s, bar)
        write_secret(out, data)
        board.set_pace(1)
        token = secrets.token_urlsafe(32)
        with _relay(board.utility_port, token) as address, _display(board):
            listening = bind("127.0.0.1", port)
            origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
            applet = Applet.make(generate_key(), origin, "wattseal demo")
            exports = Exports(Relay(address, token), applet)
            site = Site(Accounts(MEMORY), tariffs=_tariff(to_s), exports=exports)
            config = uvicorn.Config(make_app(site), **QUIET)
            last = output.utc_text(to_s - 1)[:10]
            steps = (
                f"1. sign up there with the meter id {told.enrolment.meter.hex()}",
                f"2. Ask your meter: from 2026-01-01 to {last}. What its display shows comes here",
                "3. press Enter here: that is its button. It allows the website, then each request",
                "4. type the PIN on the website: load curve, days, base load, advice",
                f"Or hand over {out} there. Log off, and the readings are gone. Interrupt to end",
            )
            run(config, "portal", steps, listening=listening)


@contextlib.contextmanager
def _relay(port: str, token: str) -> Iterator[str]:
    """The relay in a thread; its address."""
    import uvicorn

    from wattseal_host.cli.portal import QUIET, bind
    from wattseal_host.collect.utility import UtilityPort
    from wattseal_host.relay.app import Relay
    from wattseal_host.relay.line import Line
    from wattseal_host.relay.tokens import Tokens

    line = Line(lambda: UtilityPort(port, timeout_s=1.0))
    listening = bind("127.0.0.1", 0)
    config = uvicorn.Config(Relay([line], Tokens({"portal": token})).app(), **QUIET)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)


@contextlib.contextmanager
def _display(board: EmulatedBoard) -> Iterator[None]:
    """What the meter shows is printed, and a line from the terminal presses its button."""
    over = threading.Event()

    def show() -> None:
        head = ""
        told: set[str] = set()  # a long question comes in parts, again and again
        while not over.wait(0.3):
            text = board.display_text().strip()
            if text.partition("\n")[0] != head:
                head, told = text.partition("\n")[0], set()
            if text not in told and re.search(_ASKS, text):
                told.add(text)
                rows = [f"  | {row:16} |" for row in text.splitlines()]
                frame = "  +------------------+"
                sys.stdout.write("\n".join((frame, *rows, frame, "")))
                sys.stdout.flush()

    def press() -> None:
        for _ in sys.stdin:
            if over.is_set():
                return
            board.press_button()

    for target in (show, press):
        threading.Thread(target=target, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _tariff(to_s: int) -> dict[str, Tariff]:
    from wattseal_host.provider.tariffs import time_of_use

    priced: Any = time_of_use(
        "Night and day",
        currency="EUR",
        bands=[("night", "0.18"), ("day", "0.31")],
        switches="00:00 night, 07:00 day, 22:00 night",
        weekend="00:00 night",
        zone="Europe/Brussels",
        from_s=FROM_S - DAY_S,
        to_s=to_s + 400 * DAY_S,
    )
    return {priced.name: priced}
