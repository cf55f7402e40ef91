"""Several ports in one go, each until it has nothing new, over broken links and reboots."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from wattseal.errors import WattsealError

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.collect.place import UTILITY, Place
from wattseal_host.collect.resume import collect
from wattseal_host.collect.tap import Tap
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.errors import PortError
from wattseal_host.ledger import Ledger

PAUSE_S = 0.5
_LINK = {"port-missing", "port-silent", "port-answer"}


@dataclass
class Outcome:
    """What became of one place. meter: id, None if none answered; new: records by which
    the ledger grew while it was read (two ports of one meter see the same growth); records: in
    the ledger now; code, detail: why it ended early ("" if it did not);
    breaks: how often the link broke and was taken up again."""

    place: Place
    meter: bytes | None = None
    new: int = 0
    records: int = 0
    code: str = ""
    detail: str = ""
    breaks: int = 0


def collect_all(
    ledger: Path,
    places: Sequence[Place],
    progress: Callable[[int, int], None] = lambda done, total: None,
    taps: Sequence[Tap | None] | None = None,
    patience_s: float = 10.0,
    accept_new: bool = False,
) -> list[Outcome]:
    """Collect from every place at the same time; one that fails stops no other.

    patience_s: for how long a port that had answered and broke is tried again (a meter that
    reboots, an adapter that comes back under its name). progress: (records read, of how many),
    over all places together.
    """
    stop = threading.Event()
    shares: list[tuple[int, int]] = [(0, 0)] * len(places)
    lock = threading.Lock()

    def one(at: int) -> Outcome:
        def advance(done: int, total: int) -> None:
            with lock:
                shares[at] = (done, total)
                progress(sum(d for d, _ in shares), sum(t for _, t in shares))

        tap = taps[at] if taps else None
        run = _Run(places[at], tap, patience_s, accept_new, stop, advance)
        return run.to_the_end(ledger)

    with ThreadPoolExecutor(max_workers=len(places)) as pool:
        try:
            return list(pool.map(one, range(len(places))))
        except BaseException:
            stop.set()
            raise


class _Run:
    def __init__(
        self,
        place: Place,
        tap: Tap | None,
        patience_s: float,
        accept_new: bool,
        stop: threading.Event,
        progress: Callable[[int, int], None],
    ) -> None:
        self._tap = tap
        self._patience_s = patience_s
        self._accept_new = accept_new
        self._stop = stop
        self._progress = progress
        self._outcome = Outcome(place)

    def to_the_end(self, path: Path) -> Outcome:
        outcome = self._outcome
        try:
            with Ledger(path) as ledger:
                try:
                    self._until_complete(ledger)
                finally:
                    meter = outcome.meter
                    if meter is not None and meter in {known.meter for known in ledger.meters()}:
                        outcome.records = ledger.next_seq(meter)
        except WattsealError as error:
            outcome.code, outcome.detail = error.code, error.detail
        except OSError as error:
            outcome.code, outcome.detail = "system", error.strerror or str(error)
        return outcome

    def _until_complete(self, ledger: Ledger) -> None:
        """Again and again while the link breaks, as long as patience lasts; it is renewed by
        every record that came."""
        outcome = self._outcome
        deadline = None
        while not self._stop.is_set():
            before = outcome.new
            try:
                self._session(ledger)
                return
            except PortError as error:
                now = time.monotonic()
                if deadline is None or outcome.new > before:
                    deadline = now + self._patience_s
                if outcome.meter is None or error.code not in _LINK or now >= deadline:
                    raise
            outcome.breaks += 1
            self._stop.wait(PAUSE_S)

    def _session(self, ledger: Ledger) -> None:
        outcome = self._outcome
        place = outcome.place
        utility = UtilityPort(place.port, tap=self._tap) if place.kind == UTILITY else None
        opened = utility or CustomerPort(place.port, tap=self._tap)
        had = outcome.new

        def advance(done: int, total: int) -> None:
            outcome.new = had + done
            self._progress(outcome.new, had + total)

        with opened as port:
            itself = port.itself()
            outcome.meter = itself.meter
            collect(ledger, port, advance, self._accept_new, self._stop.is_set, itself)
            if utility:
                utility.acknowledge(ledger.next_seq(itself.meter))
