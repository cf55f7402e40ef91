"""A month through the emulated board: every burst, every record sealed by the firmware itself."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from wattseal.record import decode_sealed
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.loads import ProfileLoad
from wattseal_host.collect.resume import collect
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.ledger import Ledger

START_S = 1_767_225_600
DAY_S = 86400
INTERVAL_S = 1800
PERIOD_MS = 60_000


def month_through_the_board(days: int = 30) -> tuple[float, int]:
    """(seconds, readings) of `days` from boot to the last record in a verified ledger, with a
    burst, a telegram and a checkpoint each minute, as the demo runs it."""
    settings = {
        "interval_s": INTERVAL_S,
        "burst_ms": PERIOD_MS,
        "telegram_ms": PERIOD_MS,
        "checkpoint_ms": PERIOD_MS,
    }
    with tempfile.TemporaryDirectory(prefix="wattseal-bench-") as scratch:
        ledger_file = Path(scratch) / "ledger.db"
        started = time.perf_counter()
        with (
            EmulatedBoard(load=ProfileLoad(), start_s=START_S, settings=settings) as board,
            Ledger(ledger_file) as ledger,
        ):
            board.power_on()
            board.run_until(START_S + days * DAY_S + 2)
            with UtilityPort(board.utility_port) as port:
                meter = port.itself().meter
                collect(ledger, port)
            sealed = ledger.sealed(meter)
        spent_s = time.perf_counter() - started
    return spent_s, sum(bool(decode_sealed(data).channels) for data in sealed)
