"""The provider's orders: challenge, signature, counter, and what is then done (SPEC.md 3.6)."""

import asyncio

from micropython import const
from wattseal.hashing import hmac_sha256
from wattseal.labels import METER_CHALLENGE
from wattseal.orders import CHALLENGE_BYTES, order_digest

from meter.watchdog import ORDERS

# Results, as the utility port shows them.
NONE = const(0)
OBEYED = const(1)
IN_HAND = const(2)
NO_PROVIDER = const(3)
CHALLENGE = const(4)
COUNTER = const(5)
SIGNATURE = const(6)
BUDGET = const(7)
TIME = const(8)
FLASH = const(9)

_SET_CLOCK = const(1)
_CLOSE = const(2)
ORDER_BYTES = const(74)
_VALID_MS = const(5000)
_JUDGED_MS = const(20_000)
_EARLIEST_S = const(1262304000)  # 2010
_LATEST_S = const(4102444800)  # 2100


class Orders:
    """Takes orders for `meter`, signed under `provider` (33 bytes, b"" if none is known).

    random: function that returns 32 random bytes under a label. boot: this boot's counter.
    """

    def __init__(self, clock, told, events, meter, boot, provider, random, metering, watchdog):
        self._clock = clock
        self._told = told
        self._events = events
        self._meter = meter
        self._boot = boot
        self._provider = provider
        self._random = random
        self._watchdog = watchdog
        self._metering = metering
        self._challenge = b""
        self._given_ms = 0
        self._order = b""
        self._arrived_ms = 0
        self._work = asyncio.Event()
        self.result = NONE

    def challenge(self):
        """Return a fresh challenge, which replaces the one before, and the newest counter: 20
        bytes."""
        self._challenge = hmac_sha256(self._random(METER_CHALLENGE), METER_CHALLENGE)[
            :CHALLENGE_BYTES
        ]
        self._given_ms = self._clock.monotonic_ms()
        return self._challenge + self._told.order.to_bytes(4, "big")

    def take(self, order):
        """Take an order of ORDER_BYTES: kind u16, counter u32, time u32, signature. It is judged
        later: `result` tells. False while another is in hand."""
        if self.result == IN_HAND:
            return False
        self.result = IN_HAND
        self._order = order
        self._arrived_ms = self._clock.monotonic_ms()
        self._work.set()
        return True

    async def obey_forever(self):
        """Judge orders, one after the other."""
        while True:
            await self._work.wait()
            self._work.clear()
            self._watchdog.promise(ORDERS, _JUDGED_MS)
            self.result = await self._judge(self._order)
            self._watchdog.rest(ORDERS)

    async def _judge(self, order):
        challenge = self._challenge
        self._challenge = b""
        if not self._provider:
            return NO_PROVIDER
        if not challenge or self._arrived_ms - self._given_ms > _VALID_MS:
            return CHALLENGE
        kind = int.from_bytes(order[:2], "big")
        counter = int.from_bytes(order[2:6], "big")
        time_s = int.from_bytes(order[6:10], "big")
        if counter <= self._told.order:
            return COUNTER
        if kind not in (_SET_CLOCK, _CLOSE) or not _EARLIEST_S <= time_s < _LATEST_S:
            return TIME
        if not await self._is_signed(kind, challenge, counter, time_s, order[10:]):
            return SIGNATURE
        if kind == _SET_CLOCK:
            return self._set_clock(counter, time_s)
        self._told.order = counter
        if not self._told.save():
            return FLASH
        return OBEYED if self._metering.close(counter) else TIME

    async def _is_signed(self, kind, challenge, counter, time_s, signature):
        # A rare thing: what it needs is not kept in memory.
        from wattseal.ecdsa import verify_steps
        from wattseal.labels import CLOCK_ORDER, CLOSE_ORDER
        from wattseal.p256 import decode_point

        label = CLOCK_ORDER if kind == _SET_CLOCK else CLOSE_ORDER
        digest = order_digest(label, self._meter, challenge, counter, time_s)
        steps = verify_steps(decode_point(self._provider), digest, signature)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value
            await asyncio.sleep(0)

    def _set_clock(self, counter, time_s):
        from wattseal.events import spend

        clock = self._clock
        told = self._told
        if told.counter or self._events.closed:
            return TIME  # the one before is not told yet, or there is nothing left to seal
        after_ms = 1000 * time_s + clock.monotonic_ms() - self._arrived_ms
        before_s = clock.utc_s() if clock.is_set() else 0
        after_s = after_ms // 1000
        if before_s:
            spent = spend(told.day, told.spent_s, before_s, after_s)
            if spent is None:
                return BUDGET
            told.day, told.spent_s = spent
        told.order = told.counter = counter
        told.before_s = before_s
        told.after_s = after_s
        told.clock_boot = self._boot
        if not told.save():
            told.counter = 0
            return FLASH
        clock.set(after_ms)
        self._events.work.set()
        self._metering.tick()
        return OBEYED
