"""A household on the emulated board, in virtual time, and a service far away that has a standing
export of it collected through a relay: its clock is the board's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_bench import Running
from relay_bench import TOKEN
from typer.testing import CliRunner
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.pairing import read_pin
from wattseal_host.cli.main import app
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.customer import applets
from wattseal_host.customer.store import Secrets
from wattseal_host.export import way
from wattseal_host.relay.app import Relay
from wattseal_host.relay.line import Line
from wattseal_host.relay.tokens import Tokens

START_S, DAY_S, HOUR_S = 1_767_225_600, 86400, 3600
SETTINGS = {"burst_ms": 600_000, "telegram_ms": 600_000, "checkpoint_ms": 600_000}
WATTS = 1000


class Service:
    """The recipient: its folder, and the commands it gives."""

    def __init__(self, folder: Path, url: str, meter: bytes) -> None:
        self.folder, self.url, self.id = folder, url, meter.hex()
        (folder / "relay.token").write_text(f"service {TOKEN}\n")
        (folder / "relay.token").chmod(0o600)

    @property
    def days(self) -> Path:
        return self.folder / "days" / self.id

    def sign(self, name: str, **options: Any) -> str:
        """The applet's digest."""
        words = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
        told = wattseal(
            "applet", "sign", "--key", self.folder / "publisher.pem", "--name", name,
            "--publisher", "Example Ltd", "--origin", "https://a.example", "--out",
            self.folder / "applet.bin", "--recipient", self.folder / "recipient.pem", *words,
        )  # fmt: skip
        digest: str = told[0]["digest"]
        return digest

    def collect(self, *words: Any, code: int = 0) -> list[dict[str, Any]]:
        return wattseal(
            "export", "collect", "--applet", self.folder / "applet.bin", "--key",
            self.folder / "recipient.pem", "--out", self.folder / "days", "--relay",
            self.url, "--relay-token", self.folder / "relay.token", "--meter", self.id,
            *words, code=code,
        )  # fmt: skip


class Bench(Service):
    """With the board and the relay; time passes by waiting."""

    def __init__(self, board: EmulatedBoard, folder: Path) -> None:
        self.board = board
        self.secrets = self.pair()
        self.line: Any = Line(lambda: UtilityPort(board.utility_port, timeout_s=0.2), patience_s=3)
        tokens = Tokens({"service": TOKEN})
        # Its limits are not what is looked at: a second is half a minute to them.
        self.relay = Running(Relay([self.line], tokens, lambda: 30 * board.now_s).app())
        self.plans: list[tuple[float, Callable[[], None]]] = []
        super().__init__(folder, self.relay.url, self.secrets.meter)

    def pair(self) -> Secrets:
        """Whoever lives here now; from the next half-hour on."""
        self.board.press_button()
        with CustomerPort(self.board.customer_port) as port:
            return Secrets.paired(port.pair(read_pin(self.board)))

    def at(self, at_s: float, do: Callable[[], None]) -> None:
        """Do something while somebody waits at this moment."""
        self.plans.append((at_s, do))

    def sleep(self, seconds: float) -> None:
        end_s = self.board.now_s + seconds
        for plan in sorted(self.plans, key=lambda one: one[0]):
            if plan[0] <= end_s:
                self.plans.remove(plan)
                self.board.run_until(max(plan[0], self.board.now_s))
                plan[1]()
        self.board.run_until(max(end_s, self.board.now_s))

    def cut(self) -> None:
        self.board.inject({"fault": "cut-line", "line": "utility"})

    def mend(self) -> None:
        self.board.inject(None)

    def decide(self, digest: str, approve: bool) -> None:
        with CustomerPort(self.board.customer_port) as port:
            applets.decide(port, self.secrets, bytes.fromhex(digest), approve)


def wattseal(*words: Any, code: int = 0) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def benches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    options: dict[str, Any] = {"load": ConstantLoad(WATTS), "settings": SETTINGS}
    with EmulatedBoard(workdir=folder / "board", start_s=START_S, **options) as board:
        board.power_on()
        made = Bench(board, folder)
        monkeypatch.setattr(way.Clock, "now_s", lambda self: board.now_s)
        monkeypatch.setattr(way.Clock, "ticks_s", lambda self: board.now_s)
        monkeypatch.setattr(way.Clock, "sleep", lambda self, seconds: made.sleep(seconds))
        yield made
        made.relay.close()
