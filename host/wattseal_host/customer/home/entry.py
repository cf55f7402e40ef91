"""Who may look: whoever has the key. Other people of this machine can reach the port too."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from wattseal.errors import Misuse

from wattseal_host.files import read_secret, write_secret

LEAST_CHARACTERS = 16
YEAR_S = 365 * 86400
MOST_BROWSERS = 100
WRONG_S = 0.02
_LINE = re.compile(r"([0-9a-f]{64}) ([0-9]{1,12})")


class Entry:
    """key: what lets people in; kept: the file of the browsers that are in, where they stay so
    after this run. Of their cookies, random numbers, only keyed hashes are held."""

    def __init__(self, key: str, tls: bool, kept: Path | None = None) -> None:
        self.key, self._tls, self._kept = key, tls, kept
        self._in: dict[str, int] = {}  # until when, the oldest first
        self._one_by_one = asyncio.Lock()
        if kept is not None and kept.exists():
            for line in (
                read_secret(kept, 100 * MOST_BROWSERS).decode("ascii", "replace").split("\n")
            ):
                if parts := _LINE.fullmatch(line):
                    self._in[parts[1]] = int(parts[2])

    @classmethod
    def fresh(cls, tls: bool) -> Entry:
        return cls(secrets.token_urlsafe(24), tls)

    @classmethod
    def kept_in(cls, path: Path, tls: bool) -> Entry:
        """Browsers that are in stay so in a file beside it, PATH.in. Raises Misuse `home-key` (too
        short, or not text), `secret-exposed`."""
        try:
            key = read_secret(path, 1000).decode("ascii").strip()
        except UnicodeDecodeError:
            key = ""
        if len(key) < LEAST_CHARACTERS or not key.isprintable():
            raise Misuse(
                "home-key", f"{path} must hold {LEAST_CHARACTERS} ASCII characters or more"
            )
        return cls(key, tls, path.with_name(f"{path.name}.in"))

    @property
    def _cookie(self) -> str:
        return "__Host-wattseal-home" if self._tls else "wattseal-home"

    def inside(self, request: Request) -> bool:
        return self._in.get(self._name(request), 0) > time.time()

    async def opens(self, told: str) -> bool:
        """Wrong keys are told one after the other, whoever sends them: nobody guesses fast, and
        nobody locks others out."""
        async with self._one_by_one:
            right = hmac.compare_digest(told.strip().encode("utf-8", "replace"), self.key.encode())
            if not right:
                await asyncio.sleep(WRONG_S)
        return right

    def admit(self, response: Response) -> Response:
        value = secrets.token_urlsafe(32)
        while len(self._in) >= MOST_BROWSERS:
            del self._in[next(iter(self._in))]
        self._in[self._hash(value)] = int(time.time()) + YEAR_S
        self._keep()
        response.set_cookie(
            self._cookie,
            value,
            max_age=YEAR_S if self._kept else None,
            path="/",
            secure=self._tls,
            httponly=True,
            samesite="strict",
        )
        return response

    def forget(self, request: Request, response: Response) -> Response:
        """From now on the cookie opens nothing, whoever else has it."""
        if self._in.pop(self._name(request), None) is not None:
            self._keep()
        response.delete_cookie(
            self._cookie, path="/", secure=self._tls, httponly=True, samesite="strict"
        )
        return response

    def _name(self, request: Request) -> str:
        return self._hash(request.cookies.get(self._cookie, ""))

    def _hash(self, value: str) -> str:
        """Under the key: with another key in the file nobody is in."""
        return hmac.new(
            self.key.encode(), value.encode("utf-8", "replace"), hashlib.sha256
        ).hexdigest()

    def _keep(self) -> None:
        if self._kept is not None:
            lines = "".join(f"{name} {ends_s}\n" for name, ends_s in self._in.items())
            write_secret(self._kept, lines.encode())
