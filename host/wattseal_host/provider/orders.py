"""What a provider orders its meters to do: set the clock, end the chain (SPEC.md 3.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wattseal.errors import Refused
from wattseal.labels import CLOCK_ORDER, CLOSE_ORDER
from wattseal.orders import order_digest

from wattseal_host.collect import orders
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.provider.office import Office

CLOCK, CLOSE = 1, 2
_LABELS = {CLOCK: CLOCK_ORDER, CLOSE: CLOSE_ORDER}


@dataclass(frozen=True)
class Done:
    """An order that was obeyed: of which meter, its counter, and the time it named (UTC)."""

    meter: bytes
    counter: int
    time_s: int


def write(
    office: Office, kind: int, meter: bytes, challenge: bytes, counter: int, time_s: int
) -> bytes:
    """The 74 bytes of an order, signed."""
    digest = order_digest(_LABELS[kind], meter, challenge, counter, time_s)
    head = kind.to_bytes(2, "big") + counter.to_bytes(4, "big") + time_s.to_bytes(4, "big")
    return head + office.sign_digest(digest)


def give(
    office: Office,
    port: UtilityPort,
    kind: int,
    clock: Callable[[], float] = time.time,
    meter: bytes | None = None,
) -> Done:
    """Order the meter at a port. Raises Refused `order-…` (see `collect.orders.send`).

    clock: UTC in seconds; the order names the nearest whole one. meter: must be the one at the
    port, where given (Refused `order-meter`).
    """
    there = port.identity().meter
    if meter is not None and meter != there:
        raise Refused("order-meter", f"at the port is {there.hex()}")
    challenge, newest = orders.challenge(port)
    counter, time_s = newest + 1, round(clock())
    orders.send(port, write(office, kind, there, challenge, counter, time_s))
    return Done(there, counter, time_s)
