"""One order judged, and done if it may be (SPEC.md 3.6). Not kept in memory (see `once`)."""

import asyncio

from micropython import const
from wattseal.ecdsa import verify_steps
from wattseal.events import spend
from wattseal.labels import CLOCK_ORDER, CLOSE_ORDER
from wattseal.orders import order_digest
from wattseal.p256 import decode_point

# Results, as the utility port shows them; 0 is none yet, 2 in hand.
OBEYED = const(1)
NO_PROVIDER = const(3)
CHALLENGE = const(4)
COUNTER = const(5)
SIGNATURE = const(6)
BUDGET = const(7)
TIME = const(8)
FLASH = const(9)

_SET_CLOCK = const(1)
_CLOSE = const(2)
_EARLIEST_S = const(1262304000)  # 2010
_LATEST_S = const(4102444800)  # 2100
_DARK_S = const(315576000)  # ten years: longer than a meter lies in the dark


async def judge(orders, order, challenge):
    """Return what became of an order: its result as the utility port shows it.

    challenge: the one it may answer, b"" if there is none. OBEYED only after it is done.
    """
    if not orders.provider:
        return NO_PROVIDER
    if not challenge:
        return CHALLENGE
    kind = int.from_bytes(order[:2], "big")
    counter = int.from_bytes(order[2:6], "big")
    time_s = int.from_bytes(order[6:10], "big")
    if counter <= orders.told.order:
        return COUNTER
    if kind not in (_SET_CLOCK, _CLOSE) or not _EARLIEST_S <= time_s < _LATEST_S:
        return TIME
    if not await _is_signed(orders, kind, challenge, counter, time_s, order[10:]):
        return SIGNATURE
    if kind == _SET_CLOCK:
        return _set_clock(orders, counter, time_s)
    orders.told.order = counter
    if not orders.told.save():
        return FLASH
    return OBEYED if orders.metering.close(counter) else TIME


async def _is_signed(orders, kind, challenge, counter, time_s, signature):
    label = CLOCK_ORDER if kind == _SET_CLOCK else CLOSE_ORDER
    digest = order_digest(label, orders.meter, challenge, counter, time_s)
    steps = verify_steps(decode_point(orders.provider), digest, signature)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        await asyncio.sleep(0)


def _set_clock(orders, counter, time_s):
    clock = orders.clock
    told = orders.told
    if told.counter or orders.events.closed:
        return TIME  # the one before is not told yet, or there is nothing left to seal
    after_ms = 1000 * time_s + clock.monotonic_ms() - orders.arrived_ms
    before_s = clock.utc_s() if clock.is_set() else 0
    after_s = after_ms // 1000
    if before_s:
        spent = spend(told.day, told.spent_s, before_s, after_s)
        if spent is None:
            return BUDGET
        told.day, told.spent_s = spent
    else:
        sealed_s = orders.metering.sealed_s()
        if sealed_s and after_s > sealed_s + _DARK_S:
            return TIME  # sealed time never goes back: one wrong century would be its last
    told.order = told.counter = counter
    told.before_s = before_s
    told.after_s = after_s
    told.clock_boot = orders.boot
    if not told.save():
        told.counter = 0
        return FLASH
    clock.set(after_ms)
    orders.events.work.set()
    orders.metering.tick()
    return OBEYED
