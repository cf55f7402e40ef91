"""A house for programs we did not write: a meter an hour old, paired, on both kinds of Modbus.

Time stands still unless a test lets it pass, so what a client reads can be told exactly.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.pairing import read_pin
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer import consent
from wattseal_host.customer.store import Secrets

START_S = 1_767_225_600  # 2026-01-01T00:00:00Z
HOUR_S = 3600
WATTS = 1000
SETTINGS = {"burst_ms": 10_000, "checkpoint_ms": 600_000}


class House:
    """A powered board that draws WATTS, its TCP port, and its customer."""

    def __init__(self, board: EmulatedBoard, tcp_port: int) -> None:
        self.board = board
        self.tcp_port = tcp_port
        board.power_on()
        board.press_button()
        with CustomerPort(board.customer_port) as port:
            self._secrets = Secrets.paired(port.pair(read_pin(board)))
        self.let_pass(HOUR_S)

    def let_pass(self, seconds: float) -> None:
        self.board.run_until(self.board.now_s + seconds)

    def consent(self, give: bool) -> None:
        """As the customer, give or withdraw consent that the utility port shows consumption.

        A minute passes after it: the meter takes no more than one decision in that time.
        """
        with CustomerPort(self.board.customer_port) as port:
            consent.decide(port, self._secrets, give)
        self.let_pass(61)

    def records(self) -> list[bytes]:
        """The whole log, sealed records as they are."""
        with CustomerPort(self.board.customer_port) as port:
            return port.history(0, port.status()["next_seq"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def house(workdir, **settings) -> Iterator[House]:
    tcp_port = free_port()
    settings = {**SETTINGS, "tcp_port": tcp_port, **settings}
    load = ConstantLoad(WATTS)
    with EmulatedBoard(workdir=workdir, load=load, start_s=START_S, settings=settings) as board:
        yield House(board, tcp_port)
