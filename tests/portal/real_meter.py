"""The real firmware on the emulated board, two days old, and who sits in front of it: eyes on its
display, a finger on its button, a hand at its plug."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

from relay_bench import Bench
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ProfileLoad
from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.customer.hand_over import hand_over

FROM_S, DAY_S, DAYS = 1_735_689_600, 86400, 2
SETTINGS = {"burst_ms": 60_000, "telegram_ms": 60_000, "checkpoint_ms": 60_000}
PACE = 4


class Meter:
    """The board, its owner's hand and eye."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board
        with CustomerPort(board.customer_port) as port:
            _, told = hand_over(port, FROM_S, FROM_S + DAYS * DAY_S, lambda done, of: None)
        self.id, self.total_wh = told.enrolment.meter, sum(told.column())

    @property
    def total(self) -> str:
        return f"{self.total_wh / 1000:.2f} kWh"

    def passes(self, seconds: float) -> None:
        self.board.run_until(self.board.now_s + seconds)

    def press(self) -> None:
        """Once the question could be read."""
        self.passes(7)
        self.board.press_button()

    def shows(self, pattern: str) -> str:
        """What the display shows of a pattern, its rows joined, once it does."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            text = self.board.display_text().replace("\n", "")
            if found := re.search(pattern, text):
                return found[1] if found.re.groups else found[0]
            time.sleep(0.05)
        raise AssertionError(text)

    @property
    def pin(self) -> str:
        return self.shows(r"PIN (\d{6})")

    def unplug(self) -> None:
        """Pull the cable out of the utility port: nothing passes it, either way."""
        self.board.inject({"fault": "cut-line", "line": "utility"})

    def plug_in(self) -> None:
        self.board.inject(None)


def metered() -> Iterator[Meter]:
    """In real time, four times as fast."""
    with EmulatedBoard(load=ProfileLoad(), start_s=FROM_S, settings=SETTINGS) as board:
        board.power_on()
        board.run_until(FROM_S + DAYS * DAY_S + 5)
        made = Meter(board)
        board.set_pace(PACE)
        yield made


def relayed(meter: Meter) -> Iterator[Bench]:
    """Relay and portal that reach the meter through its utility port."""
    bench = Bench(lambda: UtilityPort(meter.board.utility_port, timeout_s=0.5))
    yield bench
    bench.close()


class unplugged_at:
    """The meter is unplugged at the moment a chunk is asked for, once; at the end it is plugged
    in. The value: set when it was."""

    def __init__(self, bench: Bench, meter: Meter, number: int) -> None:
        self._line: Any = bench.line
        self._meter, self._number = meter, number
        self._unplugged = threading.Event()

    def __enter__(self) -> threading.Event:
        real = self._line.chunk

        def chunk(number: int, *whose: bytes) -> bytes:
            if number == self._number and not self._unplugged.is_set():
                self._meter.unplug()
                self._unplugged.set()
            data: bytes = real(number, *whose)
            return data

        self._line.chunk = chunk
        return self._unplugged

    def __exit__(self, *_: object) -> None:
        del self._line.chunk
        self._meter.plug_in()
