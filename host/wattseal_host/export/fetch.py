"""An export by way of a meter's utility port, from its applet to the checked readings."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from wattseal import manifest
from wattseal.errors import Malformed, Refused
from wattseal.manifest import SIGNATURE_BYTES

from wattseal_host.collect.utility import UtilityPort
from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.export.items import Checked, check
from wattseal_host.export.recipient import CONFIRMATION, MANIFEST, REQUEST, SHARE, Export
from wattseal_host.export.standing import Standing
from wattseal_host.portal import mailbox
from wattseal_host.portal.mailbox import Mailbox
from wattseal_host.relay.line import Line

LOOK_S = 0.4
APPROVED_S = 150.0
ASKED_S = 600.0
STEP_S = 60.0
PATIENCE_S = 180.0  # with a link that is broken
_T = TypeVar("_T")
_BROKEN = ("port-missing", "port-silent", "port-answer", "port-busy")


class Fetching:
    """One export. tell: takes a line for whoever waits. ask_pin: the six digits, once the meter
    shows them. progress: takes (done, of all)."""

    def __init__(
        self,
        port: str,
        applet: bytes,
        tell: Callable[[str], None],
        ask_pin: Callable[[], str],
        progress: Callable[[float, float], None],
        look_s: float = LOOK_S,
    ) -> None:
        if len(applet) <= SIGNATURE_BYTES:
            raise Malformed("applet-length")
        self.applet = applet
        self.manifest = manifest.decode(applet[:-SIGNATURE_BYTES])
        self._line = Line(partial(UtilityPort, port, timeout_s=2.0))
        self._tell, self._ask_pin, self._progress = tell, ask_pin, progress
        self._look_s = look_s

    def run(
        self, start_s: int, end_s: int, granularity_s: int, secret: int = 0
    ) -> tuple[Enrolment, Checked]:
        """Which meter it is, and what it opened.

        secret: the recipient's key where the applet is a standing one.

        Raises Refused with what the meter says (`export-pin`, `export-scope`, …), `export-late`,
        or as `Export` and `items.check`; PortError for a meter that stays away.
        """
        try:
            return self._run(start_s, end_s, granularity_s, secret)
        finally:
            self._line.close()

    def _run(
        self, start_s: int, end_s: int, granularity_s: int, secret: int
    ) -> tuple[Enrolment, Checked]:
        meter = self._patiently(self._line.identity)
        told = self._say(MANIFEST, self.applet)
        if told.result != mailbox.APPROVED:
            self._tell(f"approve {self.manifest.name.decode()} on the meter's display, or at home")
            self._until(lambda now: now.result == mailbox.APPROVED, APPROVED_S)
        span = (self.manifest.origin.decode(), meter.key, start_s, end_s, granularity_s)
        digest = manifest.digest(self.applet[:-SIGNATURE_BYTES])
        one: Export
        if self.manifest.kind == manifest.STANDING:
            one = standing = Standing(secret, *span)
            self._say(REQUEST, one.request(digest))
            told = self._until(self._serves, STEP_S)
            standing.agreed(told.share)
        else:
            one = Export(*span)
            self._by_pin(one, digest)
            told = self._until(self._serves, STEP_S)
        self._chunks(one, told.chunks)
        told = self._until(lambda now: now.state == mailbox.SERVED, STEP_S)
        items = one.finish(told.signature)
        first, count = self._patiently(lambda: self._line.span(start_s, end_s))
        sealed = self._patiently(lambda: self._line.records(first, count))
        checked = check(items, sealed, meter.key, start_s, end_s, granularity_s, meter.interval_s)
        checked.agrees(meter)
        return meter, checked

    def _by_pin(self, one: Export, digest: bytes) -> None:
        self._say(REQUEST, one.request(digest))
        self._tell("press the meter's button to allow it")
        self._until(lambda now: now.state == mailbox.PIN, ASKED_S)
        told = self._say(SHARE, one.share(self._ask_pin()))
        if told.state != mailbox.ANSWERED:
            told = self._until(lambda now: now.state == mailbox.ANSWERED, STEP_S)
        self._say(CONFIRMATION, one.answer(told.share))
        one.confirmed(self._until(self._serves, STEP_S).confirmation)

    @staticmethod
    def _serves(now: Mailbox) -> bool:
        return now.state in (mailbox.SERVING, mailbox.SERVED)

    def _chunks(self, one: Export, count: int) -> None:
        while one.opened < count:
            number = one.opened
            chunk = self._patiently(partial(self._line.chunk, number))
            one.open(number, number + 1 == count, chunk)
            self._progress(one.opened, count)

    def _say(self, kind: int, message: bytes) -> Mailbox:
        self._patiently(partial(self._line.mail, kind, message))
        told = self._until(lambda now: now.result != mailbox.IN_HAND, STEP_S)
        return told

    def _until(self, there: Callable[[Mailbox], bool], within_s: float) -> Mailbox:
        """Look until something is so. Raises Refused with the meter's reason, or `export-late`."""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            told = mailbox.read(self._patiently(self._line.mailbox))
            if told.code:
                raise Refused(told.code)
            if there(told):
                return told
            time.sleep(self._look_s)
        raise Refused("export-late")

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        """Ask again while the link is broken or the meter busy."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return ask()
            except PortError as error:
                if error.code not in _BROKEN or time.monotonic() > deadline_s:
                    raise
            except Refused as error:
                if error.code != "meter-busy" or time.monotonic() > deadline_s:
                    raise
            time.sleep(self._look_s / 4)
