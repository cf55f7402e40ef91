"""The website, asked without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from wattseal_host.customer.home.app import make_app
from wattseal_host.customer.home.entry import Entry
from wattseal_host.customer.home.house import House

KEY = "a key of the tests"
HOSTS = frozenset(("localhost", "127.0.0.1"))


class Visitor:
    """Somebody without a browser: the application itself, without a socket."""

    def __init__(
        self, house: House, entry: Entry | None = None, url: str = "http://localhost:8089"
    ) -> None:
        tls = url.startswith("https")
        self._app = make_app(house, entry or Entry(KEY, False), HOSTS, tls)
        self._url = url
        self.cookies = httpx.Cookies()

    def get(self, path: str, **what: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, **what))

    def post(self, path: str, **what: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, **what))

    async def _ask(
        self, method: str, path: str, follow_redirects: bool = True, **what: Any
    ) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url=self._url,
            cookies=self.cookies,
            follow_redirects=follow_redirects,
        ) as client:
            answer = await client.request(method, path, **what)
            self.cookies = client.cookies
        return answer


def visit(house: House, inside: bool = True) -> Visitor:
    """Somebody who has the key, or has not."""
    visitor = Visitor(house)
    if inside:
        assert visitor.get("/enter", params={"key": KEY}).status_code == 200
    return visitor
