"""The way to a meter for who has something exported: its utility port, or a supplier's relay."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from wattseal_host.collect.utility import UtilityPort
from wattseal_host.documents import Enrolment
from wattseal_host.portal import mailbox
from wattseal_host.portal.mailbox import Mailbox
from wattseal_host.relay.line import Line

if TYPE_CHECKING:  # it wants httpx, which the way by a port does not
    from wattseal_host.portal.relayed import Relay


class Clock:
    """The time, and waiting, of whoever has something exported; a test's may be a meter's."""

    def now_s(self) -> float:
        """UTC seconds since 1970."""
        return time.time()

    def ticks_s(self) -> float:
        """Seconds that never step back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Log(NamedTuple):
    """next_seq: records in the meter's log; sealed_s: the end of the newest, 0 before the first.
    Nobody signed either."""

    next_seq: int
    sealed_s: int


class Way(Protocol):
    """Raises Refused and PortError as `relay.line.Line` or `portal.relayed.Relay` do. `records`:
    sealed, unverified, at most RECORDS_AT_ONCE."""

    def identity(self) -> Enrolment: ...

    def log(self) -> Log: ...

    def mail(self, kind: int, message: bytes) -> None: ...

    def mailbox(self) -> Mailbox: ...

    def chunk(self, number: int) -> bytes: ...

    def span(self, from_s: int, to_s: int) -> tuple[int, int]: ...

    def records(self, first: int, count: int) -> list[bytes]: ...

    def close(self) -> None: ...


class ByPort:
    """The meter at a utility port of one's own."""

    def __init__(self, port: str, timeout_s: float = 2.0) -> None:
        self._line = Line(partial(UtilityPort, port, timeout_s=timeout_s))
        self.identity, self.mail = self._line.identity, self._line.mail
        self.chunk, self.span = self._line.chunk, self._line.span
        self.records, self.close = self._line.records, self._line.close

    def log(self) -> Log:
        status, sealed_s = self._line.status()
        return Log(status.next_seq, sealed_s)

    def mailbox(self) -> Mailbox:
        return mailbox.read(self._line.mailbox())


class ByRelay:
    """A meter that a supplier's relay reaches."""

    def __init__(self, relay: Relay, meter: bytes) -> None:
        self._relay, self._meter = relay, meter

    def identity(self) -> Enrolment:
        return self._relay.meter(self._meter).enrolment

    def log(self) -> Log:
        found = self._relay.meter(self._meter)
        return Log(found.next_seq, found.sealed_s)

    def mail(self, kind: int, message: bytes) -> None:
        self._relay.mail(self._meter, kind, message)

    def mailbox(self) -> Mailbox:
        return self._relay.mailbox(self._meter)

    def chunk(self, number: int) -> bytes:
        return self._relay.chunk(self._meter, number)

    def span(self, from_s: int, to_s: int) -> tuple[int, int]:
        return self._relay.span(self._meter, from_s, to_s)

    def records(self, first: int, count: int) -> list[bytes]:
        return self._relay.records(self._meter, first, count)

    def close(self) -> None:
        """The relay's connection is its owner's to close."""
