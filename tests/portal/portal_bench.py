"""The portal on a real socket in a thread, and a visitor without a browser."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sealed_house import START_S
from wattseal_host.portal.app import make_app
from wattseal_host.portal.site import Site
from wattseal_host.tariff import Tariff

PASSWORD = "correct horse battery"


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class Running:
    """An ASGI application on a socket; `close` ends it as an operator would."""

    def __init__(self, app: Any, **tls: Any) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", **tls)
        sock = config.bind_socket()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{sock.getsockname()[1]}"
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [sock]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


class Server(Running):
    """A running portal."""

    def __init__(self, site: Site, **tls: Any) -> None:
        self.site = site
        super().__init__(make_app(site), **tls)


class Visitor:
    """A browser's cookies and forms, without the browser."""

    def __init__(self, url: str, **options: Any) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=30, **options)

    def csrf(self, page: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.http.get(page).text)
        assert found, page
        return found[1]

    def post(self, page: str, at: str | None = None, **fields: str) -> httpx.Response:
        return self.http.post(page, data={"csrf": self.csrf(at or page), **fields})

    def sign_up(self, name: str, meter: bytes, password: str = PASSWORD) -> httpx.Response:
        return self.post("/sign-up", name=name, meter=meter.hex(), password=password)

    def log_on(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("/log-on", name=name, password=password)

    def hand_over(self, data: bytes, **fields: str) -> httpx.Response:
        return self.http.post(
            "/hand-over",
            data={"csrf": self.csrf("/hand-over"), "consent": "yes", **fields},
            files={"file": ("readings.json", data, "application/json")},
        )


def flat_tariff() -> Tariff:
    from decimal import Decimal

    from wattseal_host.provider.tariffs import Draft

    draft = Draft("Flat", "EUR", START_S - 86400, START_S + 40 * 86400)
    draft.flat("energy", Decimal("0.25"))
    return draft.finish()


def traces(folders: list[Path], needles: list[bytes]) -> list[Path]:
    """The files that hold one of the needles."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                content = path.read_bytes() if path.is_file() else b""
            except OSError:
                continue
            if any(needle in content for needle in needles):
                found.append(path)
    return found
