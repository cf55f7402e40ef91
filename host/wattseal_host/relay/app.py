"""The relay's ASGI application. Every answer is JSON or bytes; refusals are `{"code": …}`.

    GET  /v1/METER                            who the meter is, how far its log goes
    POST /v1/METER/mail/KIND                  a message for its mailbox (the body)
    GET  /v1/METER/mailbox                    the mailbox, as its registers have it
    GET  /v1/METER/chunk/NUMBER               a chunk of the export in hand
    GET  /v1/METER/span?from=S&to=S           which sealed records make a period
    GET  /v1/METER/records?first=N&count=N    sealed records, each after its length (16 bits)

METER: the meter's id, 32 hexadecimal characters. Each request has `Authorization: Bearer TOKEN`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from wattseal.errors import Malformed, Misuse, Refused, WattsealError

from wattseal_host.errors import PortError
from wattseal_host.portal.mailbox import MAX_CHUNKS
from wattseal_host.relay.line import RECORDS_AT_ONCE, Line
from wattseal_host.relay.tokens import Tokens
from wattseal_host.web.limits import Limit, network

MAX_MESSAGE_BYTES = 242  # 123 registers but for kind and length
KINDS = range(1, 5)
MAX_NUMBER = 2**32 - 1
_STATUS = {
    "relay-token": 401, "relay-meter": 404, "relay-busy": 503, "meter-busy": 409,
    "too-often": 429, "port-missing": 502, "port-answer": 502, "port-silent": 504,
    "port-refused": 422, "relay-message": 413,
}  # fmt: skip
Handler = Callable[[Request, Line], Awaitable[Response]]


class Relay:
    """lines: of the meters it reaches; tokens: of the websites it serves."""

    def __init__(
        self,
        lines: Sequence[Line],
        tokens: Tokens,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lines, self._tokens = lines, tokens
        self._of: dict[str, Line] = {}
        self._mails = Limit(30, 1, clock)
        self._reads = Limit(400, 0.02, clock)
        self._strangers = Limit(20, 3, clock)

    def app(self) -> Starlette:
        def route(path: str, handler: Handler, method: str = "GET") -> Route:
            async def guarded(request: Request) -> Response:
                try:
                    return await handler(request, await self._admit(request))
                except WattsealError as error:
                    if error.code == "relay-meter":  # it may have moved to another line
                        self._of.pop(request.path_params["meter"], None)
                    status = _STATUS.get(error.code, 400)
                    return JSONResponse({"code": error.code}, status)
                except ClientDisconnect:
                    return Response(status_code=400)

            return Route(f"/v1/{{meter}}{path}", guarded, methods=[method])

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            for line in self._lines:
                line.close()

        app = Starlette(
            routes=[
                route("", self._itself),
                route("/mail/{kind}", self._mail, "POST"),
                route("/mailbox", self._mailbox),
                route("/chunk/{number}", self._chunk),
                route("/span", self._span),
                route("/records", self._records),
            ],
            lifespan=lifespan,
        )
        app.router.redirect_slashes = False
        return app

    async def _admit(self, request: Request) -> Line:
        """The meter's line, for who may ask for it."""
        name = self._tokens.name(request.headers.get("authorization", ""))
        if name is None:
            peer = network(request.client.host if request.client else "")
            raise Refused("relay-token" if self._strangers.take(peer) else "too-often")
        if not (self._mails if request.method == "POST" else self._reads).take(name):
            raise Refused("too-often")
        meter = request.path_params["meter"]
        line = self._of.get(meter) or await run_in_threadpool(self._find, meter)
        if line is None:
            raise Refused("relay-meter")
        return line

    def _find(self, meter: str) -> Line | None:
        """Ask the lines that are not open for who is there. A PortError of theirs is told only
        where no other line has the meter: it may be the one that is unplugged."""
        broken: PortError | None = None
        for line in self._lines:
            try:
                known = line.meter or line.identity().meter
            except PortError as error:
                broken = error
                continue
            self._of[known.hex()] = line
        if meter not in self._of and broken is not None:
            raise broken
        return self._of.get(meter)

    async def _itself(self, request: Request, line: Line) -> Response:
        status, sealed_s = await run_in_threadpool(line.status, _meter(request))
        identity = await run_in_threadpool(line.identity)
        if identity.meter != _meter(request):
            raise Refused("relay-meter")
        value = identity.write()
        value.update(oldest_seq=status.oldest_seq, next_seq=status.next_seq, sealed_s=sealed_s)
        return JSONResponse(value)

    async def _mail(self, request: Request, line: Line) -> Response:
        kind = _number(request.path_params["kind"], MAX_NUMBER)
        message = bytearray()
        async for part in request.stream():
            message += part
            if len(message) > MAX_MESSAGE_BYTES:
                raise Malformed("relay-message")
        if kind not in KINDS or not message:
            raise Malformed("relay-request")
        await run_in_threadpool(line.mail, kind, bytes(message), _meter(request))
        return Response(status_code=204)

    async def _mailbox(self, request: Request, line: Line) -> Response:
        return _bytes(await run_in_threadpool(line.mailbox, _meter(request)))

    async def _chunk(self, request: Request, line: Line) -> Response:
        number = _number(request.path_params["number"], MAX_CHUNKS)
        return _bytes(await run_in_threadpool(line.chunk, number, _meter(request)))

    async def _span(self, request: Request, line: Line) -> Response:
        from_s, to_s = (
            _number(request.query_params.get(n, ""), MAX_NUMBER) for n in ("from", "to")
        )
        first, count = await run_in_threadpool(line.span, from_s, to_s, _meter(request))
        return JSONResponse({"first": first, "count": count})

    async def _records(self, request: Request, line: Line) -> Response:
        first = _number(request.query_params.get("first", ""), MAX_NUMBER)
        count = _number(request.query_params.get("count", ""), RECORDS_AT_ONCE)
        records = await run_in_threadpool(line.records, first, count, _meter(request))
        return _bytes(b"".join(len(one).to_bytes(2, "big") + one for one in records))


def _meter(request: Request) -> bytes:
    """The id in the address of a request that was admitted."""
    return bytes.fromhex(request.path_params["meter"])


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise Misuse("relay-request")
    return int(text)


def _bytes(data: bytes) -> Response:
    return Response(data, media_type="application/octet-stream")
