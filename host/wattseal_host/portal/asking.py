"""One export as a visitor goes through it: what was asked for, and how far it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from wattseal_host.documents import Enrolment
from wattseal_host.export.recipient import Export
from wattseal_host.portal.mailbox import Mailbox

# Phases, in the order in which they come.
BUSY = "busy"  # the meter has another request in hand
DEPLOYING = "deploying"  # the applet was sent, and is being judged
APPLET = "applet"  # the meter waits for the applet's approval
SENT = "sent"  # the request was sent, and is being judged
ASKED = "asked"  # it waits for the button
PIN = "pin"  # it shows the PIN
EXCHANGE = "exchange"  # our share was sent
CONFIRM = "confirm"  # it answered, our confirmation was sent
SERVING = "serving"  # chunks may be fetched
CHECKING = "checking"  # all is here
DONE = "done"
FAILED = "failed"
OVER = (DONE, FAILED)


@dataclass
class Asking:
    """one: the recipient's side; in the browser's mode it holds no key, the browser does. account:
    whose it is; why: the code for which it failed; link: the code for which the meter is not
    reached just now; done of total: chunks and records fetched; seen: the meter has taken the
    request; deployed_s: when the applet was last sent; spans: times of the records that were
    passed on to the browser."""

    meter: bytes
    enrolment: Enrolment
    one: Export = field(repr=False)
    in_browser: bool
    account: int = 0
    phase: str = BUSY
    why: str = ""
    link: str = ""
    done: int = 0
    total: int = 0
    box: Mailbox | None = field(default=None, repr=False)
    share: bytes = field(default=b"", repr=False)
    confirmation: bytes = field(default=b"", repr=False)
    looked_s: float = float("-inf")
    changed_s: float = 0.0
    mailed_s: float = float("-inf")
    deployed_s: float | None = None
    seen: bool = False
    dropped: bool = False
    spans: dict[int, tuple[int, int]] = field(default_factory=dict, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def move(self, phase: str, now_s: float) -> None:
        if phase != self.phase:
            self.phase, self.changed_s, self.link = phase, now_s, ""

    def fail(self, why: str) -> None:
        self.phase, self.why, self.link = FAILED, why, ""
        self.one.wipe()

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self.dropped = True
        self.one.wipe()
