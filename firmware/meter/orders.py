"""The provider's orders: challenges are given and orders taken here (SPEC.md 3.6)."""

import asyncio

from micropython import const
from wattseal.hashing import hmac_sha256
from wattseal.labels import METER_CHALLENGE
from wattseal.orders import CHALLENGE_BYTES

from meter.once import once
from meter.watchdog import ORDERS

# Results beside those of `obey`.
_NONE = const(0)
_IN_HAND = const(2)

_VALID_MS = const(5000)
_JUDGED_MS = const(20_000)


class Orders:
    """Takes orders for `meter`, signed under `provider` (33 bytes, b"" if none is known).

    random: function that returns 32 random bytes under a label. boot: this boot's counter.
    """

    def __init__(self, clock, told, events, meter, boot, provider, random, metering, watchdog):
        self.clock = clock
        self.told = told
        self.events = events
        self.meter = meter
        self.boot = boot
        self.provider = provider
        self._random = random
        self._watchdog = watchdog
        self.metering = metering
        self._challenge = b""
        self._given_ms = 0
        self._order = b""
        self.arrived_ms = 0
        self._work = asyncio.Event()
        self.result = _NONE

    def challenge(self):
        """Return a fresh challenge, which replaces the one before, and the newest counter: 20
        bytes."""
        self._challenge = hmac_sha256(self._random(METER_CHALLENGE), METER_CHALLENGE)[
            :CHALLENGE_BYTES
        ]
        self._given_ms = self.clock.monotonic_ms()
        return self._challenge + self.told.order.to_bytes(4, "big")

    def take(self, order):
        """Take an order of 74 bytes: kind u16, counter u32, time u32, signature. It is judged
        later: `result` tells. False while another is in hand."""
        if self.result == _IN_HAND:
            return False
        self.result = _IN_HAND
        self._order = order
        self.arrived_ms = self.clock.monotonic_ms()
        self._work.set()
        return True

    async def obey_forever(self):
        """Judge orders, one after the other."""
        while True:
            await self._work.wait()
            self._work.clear()
            self._watchdog.promise(ORDERS, _JUDGED_MS)
            challenge = self._challenge
            self._challenge = b""
            late = self.arrived_ms - self._given_ms > _VALID_MS
            self.result = await once(
                "obey", "judge", self, self._order, b"" if late else challenge
            )
            self._watchdog.rest(ORDERS)

