"""Exports by way of the relay: each step follows from what the meter's mailbox says.

A page asks again and again how far its export is, and each time the mailbox is looked at: so a
reload, a second tab or a link that broke and came back go on where the meter is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from wattseal.errors import Malformed, Refused, WattsealError
from wattseal.record import decode_sealed

from wattseal_host.errors import PortError
from wattseal_host.export import recipient
from wattseal_host.export.recipient import Export
from wattseal_host.portal import asking as phases
from wattseal_host.portal import mailbox
from wattseal_host.portal.applet import Applet
from wattseal_host.portal.asking import Asking
from wattseal_host.portal.mailbox import Mailbox
from wattseal_host.portal.relayed import Relay
from wattseal_host.portal.tables import Account
from wattseal_host.portal.turns import Owners
from wattseal_host.web.limits import Limit

LOOK_S = 0.4
POLL_MS = 1000  # a page asks so often
RETRY_LOOKS = 12
APPROVAL_S = 150  # the meter asks for two minutes
PATIENCE_S = 180  # without a step forward, after the PIN
QUEUE_S = 900  # behind another request
GIVES_WAY_S = 30  # the meter lets a question or a reader be for a minute
_MEANWHILE = {
    "port-missing", "port-silent", "port-answer", "port-refused", "relay-missing", "relay-answer",
    "relay-busy", "too-often", "meter-busy",
}  # fmt: skip
_ENDS = {
    "export-pin", "export-declined", "export-withdrawn", "export-refused", "export-late",
    "export-unpressed", "export-idle", "meter-memory",
}  # fmt: skip


def silence(code: str) -> str:
    """What is said when the way to the meter was broken for `PATIENCE_S`, last for this code."""
    return "relay-silent" if code.startswith("relay-") else "meter-silent"


class Exports:
    """origin: of this website, as browsers have it. All methods but `state` may wait for the
    meter: call them in a thread."""

    def __init__(
        self,
        relay: Relay,
        applet: Applet,
        clock: Callable[[], float] = time.monotonic,
        look_s: float = LOOK_S,
    ) -> None:
        self.relay, self.applet, self.clock, self._look_s = relay, applet, clock, look_s
        self.poll_ms = POLL_MS
        self.origin: str = applet.told.origin.decode()
        self.proves: Callable[[int], None] = lambda number: None
        self._accounts = Limit(6, 20, clock)
        self._owners = Owners(clock)
        self._reads = Limit(400, 0.03, clock)  # nobody takes the relay from everybody else

    def begin(
        self,
        account: Account,
        start_s: int,
        end_s: int,
        granularity_s: int,
        in_browser: bool,
        proved: bool = False,
    ) -> Asking:
        """Ask the account's meter. proved: its customer has once typed a PIN of this meter. Raises
        Refused `too-often`, `meter-busy` (`Owners`), `export-empty`, or the relay's."""
        if not self._accounts.take(account.name):
            raise Refused("too-often")
        self._owners.admit(account.meter, proved)
        meter = self.relay.meter(account.meter)
        end_s = min(end_s, meter.sealed_s)
        if start_s >= end_s:
            raise Refused("export-empty")
        one = Export(self.origin, meter.enrolment.key, start_s, end_s, granularity_s)
        asking = Asking(account.meter, meter.enrolment, one, in_browser, account.number)
        asking.changed_s = self.clock()
        with asking.lock:
            self._request(asking)
        return asking

    def look(self, asking: Asking) -> None:
        """Look at the meter's mailbox and go on; what fails on the way there is told in `link`.
        Where another thread is at it already, nothing."""
        if not asking.lock.acquire(blocking=False):
            return
        try:
            self._look(asking)
        finally:
            asking.lock.release()

    def _look(self, asking: Asking) -> None:
        now = self.clock()
        if asking.phase in phases.OVER or asking.dropped:
            return
        if now - asking.looked_s < self._look_s:
            return
        asking.looked_s = now
        patience_s = QUEUE_S if asking.phase == phases.BUSY else PATIENCE_S
        waits = asking.phase in (phases.APPLET, phases.ASKED, phases.PIN, phases.CHECKING)
        if not waits and now - asking.changed_s > patience_s:
            asking.fail("meter-busy" if asking.phase == phases.BUSY else silence(asking.link))
            return
        try:
            asking.box = self.relay.mailbox(asking.meter)
            asking.link = ""
            self._step(asking, asking.box)
        except (Refused, PortError) as error:
            self._broken(asking, error)

    def share(self, asking: Asking, share: bytes) -> None:
        """Send the recipient's share, once: Refused `export-taken` for a second one."""
        with asking.lock:
            if asking.phase != phases.PIN or asking.share:
                raise Refused("export-taken")
            asking.share = share
            asking.move(phases.EXCHANGE, self.clock())
            self._mail(asking, recipient.SHARE, share)

    def confirm(self, asking: Asking, confirmation: bytes) -> None:
        with asking.lock:
            answered = asking.box is not None and asking.box.state == mailbox.ANSWERED
            if asking.phase != phases.EXCHANGE or not answered or asking.confirmation:
                raise Refused("export-taken")
            asking.confirmation = confirmation
            asking.move(phases.CONFIRM, self.clock())
            self._mail(asking, recipient.CONFIRMATION, confirmation)

    def chunk(self, asking: Asking, number: int) -> bytes:
        """Raises as the relay, and Refused `export-over` when nothing is served."""
        with asking.lock:
            box = asking.box
            if asking.phase != phases.SERVING or box is None or number >= box.chunks:
                raise Refused("export-over")
        self._read(asking)
        try:
            chunk = self.relay.chunk(asking.meter, number)
        except PortError as error:
            if error.code == "port-refused":  # the meter serves it no longer: it says why
                asking.looked_s = float("-inf")
                self.look(asking)
                if asking.phase == phases.FAILED:
                    raise Refused(asking.why) from error
            raise
        asking.done, asking.total = max(asking.done, number + 1), box.chunks
        asking.changed_s = self.clock()
        return chunk

    def records(self, asking: Asking, first: int, count: int) -> list[bytes]:
        """Sealed records for the browser, unverified; their times are kept, to price them."""
        self._read(asking)
        found = self.relay.records(asking.meter, first, count)
        for data in found:
            with suppress(Malformed):
                record = decode_sealed(data)
                if record.channels and asking.one.start_s <= record.start_s < asking.one.end_s:
                    asking.spans[record.seq] = record.start_s, record.end_s
        return found

    def _read(self, asking: Asking) -> None:
        if not self._reads.take(asking.meter.hex()):
            raise Refused("too-often")

    def _step(self, asking: Asking, box: Mailbox) -> None:
        mine = box.session == asking.one.session
        asking.seen = asking.seen or mine
        if box.result == mailbox.IN_HAND and not mine:
            return  # still being judged
        match asking.phase:
            case (
                phases.BUSY
                | phases.DEPLOYING
                | phases.APPLET
                | phases.SENT
                | phases.ASKED
                | phases.PIN
            ) if mine:
                self._to_the_pin(asking, box)
            case phases.BUSY:
                if box.state in (mailbox.NONE, mailbox.SERVED):
                    self._again(asking, GIVES_WAY_S if asking.deployed_s else 0)
                elif box.state in (mailbox.ASKED, mailbox.SERVING):
                    # The meter knows whether the other has had its minute, or still reads.
                    self._again(asking, GIVES_WAY_S)
            case phases.DEPLOYING:
                self._deployed(asking, box)
            case phases.APPLET:
                self._approval(asking, box)
            case phases.SENT | phases.ASKED | phases.PIN:
                self._not_mine(asking, box)
            case phases.EXCHANGE | phases.CONFIRM | phases.SERVING:
                self._exchange(asking, box, mine)

    def _to_the_pin(self, asking: Asking, box: Mailbox) -> None:
        if box.state == mailbox.ASKED:
            asking.move(phases.ASKED, self.clock())
        elif box.state == mailbox.PIN:
            asking.move(phases.PIN, self.clock())
        else:
            asking.fail("export-over")

    def _deployed(self, asking: Asking, box: Mailbox) -> None:
        if box.code == "meter-busy":  # or nobody approved another one just now: its button rests
            asking.move(phases.BUSY, self.clock())
        elif box.code:
            asking.fail("applet-grid" if box.code == "export-scope" else box.code)
        else:
            asking.move(phases.APPLET, self.clock())
            self._approval(asking, box)

    def _approval(self, asking: Asking, box: Mailbox) -> None:
        """Approved here or at home, the request is taken; otherwise time runs out."""
        if box.result == mailbox.APPROVED:
            self._request(asking)
        elif self.clock() - (asking.deployed_s or 0) > APPROVAL_S:
            asking.fail("applet-unpressed")
        elif box.code:
            if box.code == "export-declined":
                asking.fail(box.code)
            else:
                self._again(asking)  # another message came between

    def _not_mine(self, asking: Asking, box: Mailbox) -> None:
        """The request was refused, or what it began has ended."""
        code = box.code
        if code == "export-late" and asking.phase == phases.ASKED:
            code = "export-unpressed"
        if asking.seen:
            asking.fail(code if code in _ENDS else "export-over")
        elif code == "applet-unknown":
            self._deploy(asking)
        elif code in ("meter-busy", "meter-memory"):
            asking.move(phases.BUSY, self.clock())
        else:
            asking.fail(code or "export-over")

    def _exchange(self, asking: Asking, box: Mailbox, mine: bool) -> None:
        if not mine or box.state == mailbox.NONE:
            code = "export-idle" if box.code == "export-late" else box.code
            asking.fail(code if code in _ENDS else "export-over")
        elif box.result == mailbox.IN_HAND:
            return
        elif asking.phase == phases.EXCHANGE and box.state == mailbox.PIN:
            self._mail(asking, recipient.SHARE, asking.share)  # it was lost on the way
        elif asking.phase == phases.CONFIRM and box.state == mailbox.ANSWERED:
            self._mail(asking, recipient.CONFIRMATION, asking.confirmation)
        elif asking.phase == phases.CONFIRM and box.state in (mailbox.SERVING, mailbox.SERVED):
            asking.move(phases.SERVING, self.clock())
            asking.total = box.chunks
            self.proves(asking.account)

    def _deploy(self, asking: Asking) -> None:
        self.relay.mail(asking.meter, recipient.MANIFEST, self.applet.message)
        asking.deployed_s = asking.mailed_s = self.clock()
        asking.move(phases.DEPLOYING, self.clock())

    def _again(self, asking: Asking, least_s: float = 0) -> None:
        if self.clock() - asking.mailed_s >= max(least_s, RETRY_LOOKS * self._look_s):
            self._request(asking)

    def _request(self, asking: Asking) -> None:
        """Refused `meter-busy` leaves it waiting behind the other request."""
        if asking.phase != phases.BUSY:
            asking.move(phases.BUSY, self.clock())
        asking.mailed_s = self.clock()
        try:
            self.relay.mail(asking.meter, recipient.REQUEST, asking.one.request(self.applet.digest))
        except Refused as error:
            if error.code != "meter-busy":
                raise
            return
        asking.move(phases.SENT, self.clock())

    def _mail(self, asking: Asking, kind: int, message: bytes) -> None:
        """What is lost is sent again when the mailbox is next looked at and shows that it was."""
        try:
            self.relay.mail(asking.meter, kind, message)
        except (Refused, PortError) as error:
            self._broken(asking, error)

    def _broken(self, asking: Asking, error: WattsealError) -> None:
        if asking.phase in phases.OVER:
            return
        if error.code in _MEANWHILE:
            asking.link = error.code
        else:
            asking.fail(error.code)
