"""Who may look: whoever has the key. Other people of this machine can reach the port too."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from wattseal.errors import Misuse

from wattseal_host.files import read_secret
from wattseal_host.web.limits import Limit

LEAST_CHARACTERS = 16
YEAR_S = 365 * 86400


class Entry:
    """key: what lets people in; kept: whether it outlives this run, so that a cookie may too."""

    def __init__(self, key: str, tls: bool, kept: bool) -> None:
        self.key, self._tls, self._kept = key, tls, kept
        self._value = hmac.new(key.encode(), b"wattseal/home/cookie", hashlib.sha256).hexdigest()
        self._tries = Limit(10, 10)

    @classmethod
    def fresh(cls, tls: bool) -> Entry:
        return cls(secrets.token_urlsafe(24), tls, False)

    @classmethod
    def kept_in(cls, path: Path, tls: bool) -> Entry:
        """Raises Misuse `home-key` (too short, or not text), `secret-exposed`."""
        try:
            key = read_secret(path, 1000).decode("ascii").strip()
        except UnicodeDecodeError:
            key = ""
        if len(key) < LEAST_CHARACTERS or not key.isprintable():
            raise Misuse(
                "home-key", f"{path} must hold {LEAST_CHARACTERS} ASCII characters or more"
            )
        return cls(key, tls, True)

    @property
    def _cookie(self) -> str:
        return "__Host-wattseal-home" if self._tls else "wattseal-home"

    def inside(self, request: Request) -> bool:
        told = request.cookies.get(self._cookie, "")
        return hmac.compare_digest(told.encode(), self._value.encode())

    def may_try(self, who: str) -> bool:
        return self._tries.take(who)

    def opens(self, told: str) -> bool:
        return hmac.compare_digest(told.strip().encode("utf-8", "replace"), self.key.encode())

    def admit(self, response: Response) -> Response:
        response.set_cookie(
            self._cookie,
            self._value,
            max_age=YEAR_S if self._kept else None,
            path="/",
            secure=self._tls,
            httponly=True,
            samesite="strict",
        )
        return response

    def forget(self, response: Response) -> Response:
        response.delete_cookie(
            self._cookie, path="/", secure=self._tls, httponly=True, samesite="strict"
        )
        return response
