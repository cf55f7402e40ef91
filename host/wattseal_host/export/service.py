"""Collecting again and again, unattended: what is tried when, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wattseal.errors import Misuse, WattsealError

from wattseal_host.export.collecting import Collector
from wattseal_host.export.fetch import MEANWHILE
from wattseal_host.export.way import Clock

RETRY_S = 900.0  # then twice as long each time, up to the time between rounds
ASKS = 3
_ASKED = ("applet-unpressed", "export-declined")
DONE, LATER, FAILED, ENDED = "done", "later", "failed", "ended"
_LATER = MEANWHILE | {
    "applet-unknown", "applet-unpressed", "collect-early", "export-declined", "export-empty",
    "export-idle", "export-late", "export-over", "export-refused", "meter-memory",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Of one round with one meter. days: collected just now; state: DONE, LATER (not reached, not
    approved yet), FAILED (something is wrong), ENDED (withdrawn); code, detail: why not DONE."""

    meter: bytes
    days: tuple[str, ...]
    state: str
    code: str = ""
    detail: str = ""


def once(collector: Collector, ask: bool) -> Outcome:
    """Raises Misuse for what no later round would mend."""
    before = set(_there(collector))
    try:
        collector.collect(ask)
        state, code, detail = DONE, "", ""
    except Misuse:
        raise
    except WattsealError as error:
        ended = error.code == "export-withdrawn"
        state = ENDED if ended else LATER if error.code in _LATER else FAILED
        code, detail = error.code, error.detail
    days = tuple(sorted(set(_there(collector)) - before))
    return Outcome(collector.meter, days, state, code, detail)


def _there(collector: Collector) -> Iterator[str]:
    """Days are files: those written before a link broke count as well."""
    return (path.stem for path in collector.folder.glob("????-??-??.*"))


def serve(
    collectors: Sequence[Collector],
    every_s: float,
    report: Callable[[Outcome], None],
    clock: Clock,
) -> None:
    """Round after round, `every_s` apart; sooner for a meter that was not reached. Returns when the
    customers of all have ended it. A display asks for approval once in `every_s`, at most ASKS
    times, and never again after a no."""
    waiting = {one: (clock.ticks_s(), RETRY_S) for one in collectors}
    asks = {one: (clock.ticks_s(), ASKS) for one in collectors}
    while waiting:
        for one, (due_s, retry_s) in list(waiting.items()):
            if clock.ticks_s() < due_s:
                continue
            ask_s, left = asks[one]
            outcome = once(one, left > 0 and clock.ticks_s() >= ask_s)
            report(outcome)
            if outcome.code in _ASKED:
                left = 0 if outcome.code == "export-declined" else left - 1
                asks[one] = clock.ticks_s() + every_s, left
            if outcome.state == ENDED:
                del waiting[one]
            elif outcome.state == LATER:
                soon_s = min(retry_s, every_s)
                waiting[one] = clock.ticks_s() + soon_s, 2 * soon_s
            else:
                waiting[one] = clock.ticks_s() + every_s, RETRY_S
        if waiting:
            clock.sleep(max(0.0, min(due for due, _ in waiting.values()) - clock.ticks_s()))
