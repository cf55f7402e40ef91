"""Around a whole site: headers that confine the browser, the most a request may send, and the
names the site answers to."""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORM_BYTES = 64 * 1024
FILE_BYTES = 16 * 1024 * 1024
MISDIRECTED = 421
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware. tls: say that the site is only ever to be asked for by TLS; file_path: where
    a file may be sent; hosts: the names in a request's Host that are ours, None for any. A page
    of another website whose name was made to lead to us comes with that name."""

    def __init__(
        self,
        app: ASGIApp,
        tls: bool,
        file_path: str = "",
        hosts: frozenset[str] | None = None,
    ) -> None:
        self._app, self._tls, self._file_path, self._hosts = app, tls, file_path, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = FILE_BYTES if scope["path"] == self._file_path else FORM_BYTES
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise HTTPException(413)
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if self._tls:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        if self._hosts is not None and _host(scope) not in self._hosts:
            refusal = PlainTextResponse("this is another website than you asked for", MISDIRECTED)
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, counted, guarded)


def _host(scope: Scope) -> str:
    """The one Host of a request, without port, in lower case; "" where there is none, or two."""
    told = [value for name, value in scope["headers"] if name == b"host"]
    text = told[0].decode("latin-1").lower() if len(told) == 1 else ""
    return re.sub(r":\d{1,5}$", "", text)
