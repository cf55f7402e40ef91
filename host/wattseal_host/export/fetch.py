"""An export, from its applet to the checked readings, over whatever way leads to the meter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from wattseal import manifest
from wattseal.errors import Malformed, Misuse, Refused
from wattseal.manifest import SIGNATURE_BYTES

from wattseal_host.documents import Enrolment
from wattseal_host.errors import PortError
from wattseal_host.export.items import Checked, Item, check
from wattseal_host.export.recipient import CONFIRMATION, MANIFEST, REQUEST, SHARE, Export
from wattseal_host.export.standing import Standing
from wattseal_host.export.way import Clock, Way
from wattseal_host.portal import mailbox
from wattseal_host.portal.mailbox import Mailbox
from wattseal_host.relay.line import RECORDS_AT_ONCE

LOOK_S = 0.4
APPROVED_S = 150.0
ASKED_S = 600.0
STEP_S = 60.0
MEET_S = 30.0
PATIENCE_S = 180.0  # with a link that is broken
MEANWHILE = {
    "port-missing", "port-silent", "port-answer", "port-busy", "meter-busy", "relay-busy",
    "relay-missing", "relay-answer", "too-often",
}  # fmt: skip
_T = TypeVar("_T")


def _nothing(text: str) -> None:
    pass


class Fetching:
    """What an applet's recipient has exported. tell: takes a line for whoever waits. ask_pin: the
    six digits, once the meter shows them. progress: takes (done, of all)."""

    def __init__(
        self,
        way: Way,
        applet: bytes,
        tell: Callable[[str], None] = _nothing,
        ask_pin: Callable[[], str] = str,
        progress: Callable[[float, float], None] = lambda done, of: None,
        clock: Clock | None = None,
        look_s: float = LOOK_S,
    ) -> None:
        """Raises Malformed `applet-…` where `applet` is no manifest with a signature."""
        if len(applet) <= SIGNATURE_BYTES:
            raise Malformed("applet-length")
        self.applet = applet
        self.manifest = manifest.decode(applet[:-SIGNATURE_BYTES])
        self.digest: bytes = manifest.digest(applet[:-SIGNATURE_BYTES])
        self._way, self._look_s = way, look_s
        self._tell, self._ask_pin, self._progress = tell, ask_pin, progress
        self._clock = clock or Clock()
        self._session = b""
        self.served = False  # the meter has begun the newest export

    def run(
        self, start_s: int, end_s: int, granularity_s: int, secret: int = 0
    ) -> tuple[Enrolment, Checked]:
        """Which meter it is, and what it opened, the applet's approval included.

        secret: the recipient's key where the applet is a standing one.

        Raises Misuse for what its applet can never have, before anybody is asked (`export-period`,
        `export-scope`); Refused with what the meter says (`export-pin`, `export-scope`, …),
        `export-late`, or as `Export`, `items.check` and `Checked.agrees`; PortError for a meter
        that stays away.
        """
        self._may_ask(start_s, end_s, granularity_s)
        meter = self._meet()
        if granularity_s % meter.interval_s:
            raise Misuse("export-scope", f"sums are of whole intervals, {meter.interval_s} s each")
        self.deploy()
        items = self.items(meter, start_s, end_s, granularity_s, secret)
        sealed = self.sealed(*self._patiently(lambda: self._way.span(start_s, end_s)))
        checked = check(items, sealed, meter.key, start_s, end_s, granularity_s, meter.interval_s)
        checked.agrees(meter)
        return meter, checked

    def _may_ask(self, start_s: int, end_s: int, granularity_s: int) -> None:
        if start_s >= end_s:
            raise Misuse("export-period", "a period begins before it ends")
        finest = self.manifest.granularity_s
        if not finest:
            return
        if granularity_s < finest or granularity_s % finest:
            raise Misuse("export-scope", f"this applet has sums of {finest} s or multiples of it")
        if start_s % finest or end_s % finest:
            raise Misuse("export-scope", f"its periods begin and end at multiples of {finest} s")

    def _meet(self) -> Enrolment:
        """Who answers at all. One who never did is not waited for as one who went away is."""
        begun_s = self._clock.ticks_s()
        told = False
        while True:
            try:
                return self._way.identity()
            except (Refused, PortError) as error:
                late_s = self._clock.ticks_s() - begun_s
                if error.code not in MEANWHILE or late_s > MEET_S:
                    raise
            if not told:
                self._tell(
                    "no answer yet: is this the meter's utility port, and is it switched on?"
                )
                told = True
            self._clock.sleep(self._look_s)

    def deploy(self) -> None:
        """Have the applet approved, if it is not. Raises Refused `applet-bad`, `applet-unpressed`
        (nobody did so in time)."""
        self._session = b""
        if self._say(MANIFEST, self.applet).result == mailbox.APPROVED:
            return
        self._tell(f"approve {self.manifest.name.decode()} on the meter's display, or at home")
        try:
            self._until(lambda now: now.result == mailbox.APPROVED, APPROVED_S)
        except Refused as error:
            if error.code != "export-late":
                raise
            raise Refused("applet-unpressed") from error

    def items(
        self, meter: Enrolment, start_s: int, end_s: int, granularity_s: int, secret: int = 0
    ) -> list[Item]:
        """What the meter exports, signed by it, unchecked against its records."""
        span = (self.manifest.origin.decode(), meter.key, start_s, end_s, granularity_s)
        self.served = False
        one: Export
        if self.manifest.kind == manifest.STANDING:
            one = standing = Standing(secret, *span)
            self._begin(one)
            told = self._until(self._serves, STEP_S)
            standing.agreed(told.share)
        else:
            one = Export(*span)
            self._begin(one)
            told = self._by_pin(one)
        self.served = True
        self._chunks(one, told.chunks)
        return one.finish(self._until(lambda now: now.state == mailbox.SERVED, STEP_S).signature)

    def sealed(self, first: int, count: int) -> list[bytes]:
        """Sealed records, unverified; fewer where the log ends."""
        found: list[bytes] = []
        while len(found) < count:
            wanted = min(RECORDS_AT_ONCE, count - len(found))
            part = self._patiently(partial(self._way.records, first + len(found), wanted))
            if not part:
                break
            found += part
        return found

    def _begin(self, one: Export) -> None:
        self._session = b""
        self._say(REQUEST, one.request(self.digest))
        self._session = one.session

    def _by_pin(self, one: Export) -> Mailbox:
        self._tell("press the meter's button to allow it")
        self._until(lambda now: now.state == mailbox.PIN, ASKED_S)
        self._say(SHARE, one.share(self._ask_pin()))
        told = self._until(lambda now: now.state == mailbox.ANSWERED, STEP_S)
        self._say(CONFIRMATION, one.answer(told.share))
        told = self._until(self._serves, STEP_S)
        one.confirmed(told.confirmation)
        return told

    @staticmethod
    def _serves(now: Mailbox) -> bool:
        return now.state in (mailbox.SERVING, mailbox.SERVED)

    def _chunks(self, one: Export, count: int) -> None:
        while one.opened < count:
            number = one.opened
            chunk = self._patiently(partial(self._way.chunk, number))
            one.open(number, number + 1 == count, chunk)
            self._progress(one.opened, count)

    def _say(self, kind: int, message: bytes) -> Mailbox:
        self._patiently(partial(self._way.mail, kind, message))
        return self._until(lambda now: now.result != mailbox.IN_HAND, STEP_S)

    def _until(self, there: Callable[[Mailbox], bool], within_s: float) -> Mailbox:
        """Look until something is so. Raises Refused with the meter's reason, or `export-late`.
        While our export is in hand, a refusal is of somebody else's message."""
        deadline_s = self._clock.ticks_s() + within_s
        while self._clock.ticks_s() < deadline_s:
            told = self._patiently(self._way.mailbox)
            if told.code and told.session != self._session:
                raise Refused(told.code)
            if there(told):
                return told
            self._clock.sleep(self._look_s)
        raise Refused("export-late")

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        """Ask again while the link is broken or the meter busy."""
        deadline_s = self._clock.ticks_s() + PATIENCE_S
        while True:
            try:
                return ask()
            except (Refused, PortError) as error:
                if error.code not in MEANWHILE or self._clock.ticks_s() > deadline_s:
                    raise
            self._clock.sleep(self._look_s / 4)
