"""Who waits for the relay, and how many at once: nobody, and no slow meter, has all the threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from wattseal.errors import Refused

from wattseal_host.portal.tables import Account
from wattseal_host.web.limits import Limit

AT_ONCE = 32  # threads: the rest of the site goes on without them
OF_AN_ACCOUNT, OF_A_METER = 4, 8
OWNER_S = 900
_T = TypeVar("_T")


class Turns:
    def __init__(self) -> None:
        self._limiter: CapacityLimiter | None = None
        self._requests: Counter[tuple[str, object]] = Counter()

    @contextmanager
    def of(self, account: Account) -> Iterator[None]:
        """While a request of an account's is answered. Raises Refused `too-often`."""
        own, meter = ("account", account.number), ("meter", account.meter)
        if self._requests[own] >= OF_AN_ACCOUNT or self._requests[meter] >= OF_A_METER:
            raise Refused("too-often")
        self._requests.update((own, meter))
        try:
            yield
        finally:
            self._requests.subtract((own, meter))
            self._requests += Counter()  # what is zero goes

    async def wait(self, ask: Callable[..., _T], *arguments: Any) -> _T:
        """What may wait for the relay, in a thread."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(AT_ONCE)
        return await to_thread.run_sync(ask, *arguments, limiter=self._limiter)


class Owners:
    """Anybody can sign up with anybody's meter. An account that has once typed a PIN of it is of
    somebody who was there: its requests come first, and the others share their tries."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.strangers = Limit(12, 20, clock)
        self._asked: dict[bytes, float] = {}

    def admit(self, meter: bytes, proved: bool) -> None:
        """Raises Refused `meter-busy` while an owner's turn lasts, `too-often`."""
        now = self._clock()
        if proved:
            self._asked = {one: at for one, at in self._asked.items() if now - at < OWNER_S}
            self._asked[meter] = now
        elif now - self._asked.get(meter, float("-inf")) < OWNER_S:
            raise Refused("meter-busy")
        elif not self.strangers.take(meter.hex()):
            raise Refused("too-often")
