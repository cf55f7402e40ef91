"""Who has not logged on: a cookie that we signed, and nothing kept here, however many come."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable

from wattseal_host.portal.sessions import Session

FORM_S = 3600  # to fill in a form
_TOKEN = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9]{1,10})\.([0-9a-f]{64})")


class Visitors:
    """clock: seconds that never step back. The key is of this run: so are the cookies."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def open(self, before: Session | None = None) -> tuple[str, Session]:
        """(the cookie's value, what stands for a session). before: the visitor's own, whose forms
        in other tabs go on."""
        name = before.key if before else secrets.token_urlsafe(16)
        ends_s = int(self._clock()) + FORM_S
        return f"{name}.{ends_s}.{self._sign(f'{name}.{ends_s}')}", self._session(name)

    def find(self, token: str) -> Session | None:
        """Of a cookie of ours whose time is not over."""
        parts = _TOKEN.fullmatch(token)
        if parts is None or int(parts[2]) < self._clock():
            return None
        signed = self._sign(f"{parts[1]}.{parts[2]}")
        return self._session(parts[1]) if hmac.compare_digest(signed, parts[3]) else None

    def _session(self, name: str) -> Session:
        now = self._clock()
        return Session(name, now, now, csrf=self._sign(f"form {name}"))

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
