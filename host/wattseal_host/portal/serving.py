"""The server's mode of an export: it has the PIN, so it holds the key, opens and checks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from wattseal.errors import Refused, WattsealError

from wattseal_host.errors import PortError
from wattseal_host.export import items
from wattseal_host.portal import asking as phases
from wattseal_host.portal import exported, mailbox
from wattseal_host.portal.asking import Asking
from wattseal_host.portal.exports import PATIENCE_S, Exports, silence
from wattseal_host.portal.handed import Handed
from wattseal_host.relay.line import RECORDS_AT_ONCE

PAUSE_S = 0.5
AT_ONCE = 20
_T = TypeVar("_T")
_running = threading.BoundedSemaphore(AT_ONCE)


class _Dropped(Exception):
    """Nobody waits for it any more."""


def start(exports: Exports, asking: Asking, pin: str, keep: Callable[[Handed], None]) -> None:
    """Go through the export in a thread; `keep` takes what came of it. Raises Refused
    `portal-full`, `export-taken`."""
    if not _running.acquire(blocking=False):
        raise Refused("portal-full")
    try:
        with asking.lock:
            if asking.phase != phases.PIN:
                raise Refused("export-taken")
            exports.share(asking, asking.one.share(pin))
        threading.Thread(target=_run, args=(exports, asking, keep), daemon=True).start()
    except BaseException:
        _running.release()
        raise


def _run(exports: Exports, asking: Asking, keep: Callable[[Handed], None]) -> None:
    try:
        _go(exports, asking, keep)
    except _Dropped:
        pass
    except WattsealError as error:
        asking.fail(error.code)
    except Exception:
        asking.fail("export-refused")
        raise
    finally:
        _running.release()
        asking.one.wipe()


def _go(exports: Exports, asking: Asking, keep: Callable[[Handed], None]) -> None:
    one = asking.one
    box = _await(exports, asking, lambda box: box.state == mailbox.ANSWERED)
    exports.confirm(asking, one.answer(box.share))
    box = _await(exports, asking, lambda box: asking.phase == phases.SERVING)
    one.confirmed(box.confirmation)
    count = box.chunks
    for number in range(count):
        _chunk(exports, asking, number, number == count - 1)
    box = _await(exports, asking, lambda box: box.state == mailbox.SERVED)
    opened = one.finish(box.signature)
    asking.move(phases.CHECKING, exports.clock())
    sealed = records(exports, asking)
    checked = items.check(
        opened, sealed, one.key, one.start_s, one.end_s, one.granularity_s,
        asking.enrolment.interval_s,
    )  # fmt: skip
    handed = exported.of(asking.enrolment, checked)
    if asking.dropped:
        handed.wipe()
        return
    keep(handed)
    asking.move(phases.DONE, exports.clock())


def records(exports: Exports, asking: Asking) -> list[bytes]:
    """The sealed records of the period, unverified."""
    relay, one = exports.relay, asking.one
    first, count = _patiently(
        exports, asking, lambda: relay.span(asking.meter, one.start_s, one.end_s)
    )
    count = min(count, items.MAX_RECORDS)
    found: list[bytes] = []
    asking.done, asking.total = 0, count
    while len(found) < count:
        wanted = min(RECORDS_AT_ONCE, count - len(found))
        at = first + len(found)
        part = _patiently(exports, asking, partial(relay.records, asking.meter, at, wanted))
        if not part:
            raise PortError("relay-answer")
        found += part
        asking.done = len(found)
    return found


def _chunk(exports: Exports, asking: Asking, number: int, last: bool) -> None:
    """One that is not whole is asked for once more: answers that come late are taken for others."""
    for again in (False, True):
        chunk = _patiently(exports, asking, partial(exports.chunk, asking, number))
        try:
            asking.one.open(number, last, chunk)
            return
        except WattsealError:
            if again:
                raise


def _await(
    exports: Exports, asking: Asking, there: Callable[[mailbox.Mailbox], bool]
) -> mailbox.Mailbox:
    while True:
        if asking.dropped:
            raise _Dropped
        exports.look(asking)
        if asking.phase == phases.FAILED:
            raise Refused(asking.why)
        if asking.box is not None and there(asking.box):
            return asking.box
        time.sleep(PAUSE_S / 2)


def _patiently(exports: Exports, asking: Asking, ask: Callable[[], _T]) -> _T:
    """Again and again while the link is broken or the meter is at work. Raises Refused as
    `exports.silence` when that has lasted too long."""
    until_s = exports.clock() + PATIENCE_S
    while True:
        if asking.dropped:
            raise _Dropped
        try:
            found = ask()
            asking.link = ""
            return found
        except (Refused, PortError) as error:
            if error.code in ("relay-token", "relay-meter", "export-over", "relay-span"):
                raise
            if exports.clock() > until_s:
                raise Refused(silence(error.code)) from error
            asking.link = error.code
        time.sleep(PAUSE_S)
