"""Sessions on the server: the cookie is a random number, and only its hash is kept here."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from wattseal.errors import Refused

from wattseal_host.portal.asking import Asking
from wattseal_host.portal.handed import Handed
from wattseal_host.portal.tables import Account

IDLE_S = 15 * 60
LONGEST_S = 2 * 3600
MAX_SESSIONS = 10_000
MAX_HELD = 200  # of 16 MiB each at the very most
TOKEN_BYTES = 32


@dataclass
class Session:
    """account: None before log-on; csrf: what every form must repeat; held: the data handed
    over, in memory only; asking: the export under way."""

    key: str
    began_s: float
    seen_s: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES))
    account: Account | None = None
    held: Handed | None = None
    asking: Asking | None = None

    def wipe(self) -> None:
        held, self.held = self.held, None
        if held is not None:
            held.wipe()

    def end(self) -> None:
        """Wipe, and give up what was asked for."""
        asking, self.asking = self.asking, None
        if asking is not None:
            asking.drop()
        self.wipe()


class Sessions:
    """clock: seconds that never step back. Who logged on has one; the oldest makes room when there
    are too many."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        idle_s: float = IDLE_S,
        longest_s: float = LONGEST_S,
        most: int = MAX_SESSIONS,
        most_held: int = MAX_HELD,
    ) -> None:
        self._clock, self._idle_s, self._longest_s, self._most = clock, idle_s, longest_s, most
        self._most_held = most_held
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, account: Account) -> tuple[str, Session]:
        """(the cookie's value, the new session)."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now = self._clock()
        session = Session(_key(token), now, now, account=account)
        self.sweep()
        with self._lock:
            if len(self._sessions) >= self._most:
                self._drop(next(iter(self._sessions)))
            self._sessions[session.key] = session
        return token, session

    def find(self, token: str) -> Session | None:
        """The live session of a cookie; its idle time begins anew."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_key(token))
            if session is None:
                return None
            if self._over(session, now):
                self._drop(session.key)
                return None
            session.seen_s = now
            return session

    def hold(self, session: Session, handed: Handed) -> None:
        """Keep new data for a session; what it held before is wiped. Where that cannot be, the
        new data are: Refused `session-over` (closed meanwhile: nobody would ever wipe them), or
        `portal-full` when too many sessions hold data."""
        with self._lock:
            live = self._sessions.get(session.key) is session
            held = sum(one.held is not None for one in self._sessions.values())
            if not live or (session.held is None and held >= self._most_held):
                handed.wipe()
                raise Refused("portal-full" if live else "session-over")
            session.wipe()
            session.held = handed

    def ask(self, session: Session, asking: Asking | None) -> None:
        """The session's export is now this one; the one before is given up. Refused
        `session-over`."""
        with self._lock:
            if self._sessions.get(session.key) is not session:
                if asking is not None:
                    asking.drop()
                raise Refused("session-over")
            before, session.asking = session.asking, asking
        if before is not None:
            before.drop()

    def close(self, session: Session) -> None:
        with self._lock:
            self._drop(session.key)

    def close_all(self, account: Account | None = None) -> None:
        """Every session of an account, or every one there is."""
        with self._lock:
            for key, session in list(self._sessions.items()):
                if account is None or session.account == account:
                    self._drop(key)

    def sweep(self) -> None:
        """Wipe what has expired, whether or not anybody asks for it again."""
        now = self._clock()
        with self._lock:
            for key in [k for k, s in self._sessions.items() if self._over(s, now)]:
                self._drop(key)

    def _over(self, session: Session, now: float) -> bool:
        return now - session.seen_s > self._idle_s or now - session.began_s > self._longest_s

    def _drop(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        if session is not None:
            session.end()


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
