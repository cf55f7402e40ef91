"""What a website's server does with connections beside answering them: how many there may be, and
how long a request may take to come."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from wattseal_host.web.limits import NO_PEER, is_here, network

MOST = 400
MOST_OF_A_PEER = 40  # but of this machine, where a proxy is: that limits visitors itself
REQUEST_S = 10.0
BYTES_PER_S = 50_000  # of a body that takes longer
SEND_S = 30.0
LOOK_S = 1.0


class Bounded(H11Protocol):
    """One connection. It ends when its next request is not whole within `REQUEST_S` and a second
    for each `BYTES_PER_S` bytes that came, or when nothing of an answer was taken for `SEND_S`.

    Where there are too many, of a peer or in all, the one that has waited longest for its request
    gives way, in all one of the peer with most. What is being answered never does: where nothing
    else is open, the new one is ended. uvicorn's own limits know neither peers nor the time before
    a first request.
    """

    peer = NO_PEER
    _here = False
    _since_s = 0.0
    _got = 0
    _sent_s = 0.0
    _unsent = 0
    _looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        self.peer, self._here = network(host), is_here(host)
        self._since_s = self._sent_s = self.loop.time()
        self._look()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._since_s, self._got = self.loop.time(), 0
        super().on_response_complete()

    @property
    def waits(self) -> bool:
        """For a request, or the rest of one."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def _make_room(self) -> None:
        there = [one for one in self.connections if isinstance(one, Bounded)]
        mine = [one for one in there if one.peer == self.peer]
        if len(there) > MOST:
            peer = Counter(one.peer for one in there).most_common(1)[0][0]
            mine = [one for one in there if one.peer == peer]
        elif self._here or len(mine) <= MOST_OF_A_PEER:
            return
        waiting = [one for one in mine if one.waits and one is not self]
        ends = min(waiting, key=lambda one: one._since_s, default=self)
        ends._end()

    def _look(self) -> None:
        now = self.loop.time()
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._sent_s, self._unsent = now, unsent
        held = self.flow.read_paused  # by us: what is there was not read yet
        late = now - self._since_s > REQUEST_S + self._got / BYTES_PER_S
        if (self.waits and late and not held and not unsent) or now - self._sent_s > SEND_S:
            self._end()
            return
        self._looking = self.loop.call_later(LOOK_S, self._look)

    def _end(self) -> None:
        # At once out of the count: the loop tells of the loss only later.
        self.connections.discard(self)
        self.transport.abort()


def loop(**_: Any) -> asyncio.AbstractEventLoop:
    """For uvicorn, which calls it for its event loop."""
    return _Loop()


class _Loop(asyncio.SelectorEventLoop):
    """A TLS handshake may take as long as a request; asyncio's minute is not uvicorn's to set."""

    async def create_server(self, *args: Any, **options: Any) -> asyncio.Server:
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = REQUEST_S
        return await super().create_server(*args, **options)
