"""The meter's new records, brought into the customer's own ledger a few at a time.

Between two batches the line is free for telegrams; a month takes some minutes at a P1 port's speed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from wattseal.errors import Refused, WattsealError

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.resume import collect
from wattseal_host.customer.live import Keeper
from wattseal_host.ledger import Ledger

AGAIN_S = 15.0
BETWEEN_S = 1.5


@dataclass(frozen=True)
class Progress:
    """done: records in the ledger, of: what the meter has; code, detail: why it does not go on,
    "" where nothing is wrong."""

    done: int = 0
    of: int = 0
    code: str = ""
    detail: str = ""


class Collector:
    """key: the paired meter's; no other is collected from. Use as a context manager."""

    def __init__(
        self, keeper: Keeper, ledger: Path, key: bytes, between_s: float = BETWEEN_S
    ) -> None:
        self._keeper, self._ledger, self._key, self._between_s = keeper, ledger, key, between_s
        self._closing = threading.Event()
        self._progress = Progress()
        self._thread = threading.Thread(target=self._run, name="collecting", daemon=True)

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join(10)

    @property
    def progress(self) -> Progress:
        return self._progress

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._progress = self._keeper.ask(self._batch)
            except WattsealError as error:
                now = self._progress
                self._progress = Progress(now.done, now.of, error.code, error.detail)
            except OSError as error:
                self._progress = Progress(0, 0, "system", error.strerror or str(error))
            now = self._progress
            waiting = now.code in ("port-missing", "port-silent")
            soon = waiting or (now.done < now.of and not now.code)
            self._closing.wait(self._between_s if soon else AGAIN_S)

    def _batch(self, port: CustomerPort) -> Progress:
        """In the reader's thread, which has a ledger of its own while it lasts."""
        itself = port.itself()
        if itself.configuration.key != self._key:
            raise Refused("meter-pinned", itself.meter.hex())
        begun = False

        def enough() -> bool:
            nonlocal begun
            begun, before = True, begun
            return before

        with Ledger(self._ledger) as ledger:
            collect(ledger, port, stopping=enough, itself=itself)
            return Progress(ledger.next_seq(itself.meter), itself.next_seq)
