"""What a provider orders its meters to do: set the clock, end the chain (SPEC.md 3.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wattseal.errors import Refused
from wattseal.events import CLOCK_BUDGET_S
from wattseal.labels import CLOCK_ORDER, CLOSE_ORDER
from wattseal.orders import order_digest
from wattseal.record import decode_sealed

from wattseal_host.collect import orders
from wattseal_host.collect.utility import UtilityPort
from wattseal_host.provider.office import Office

CLOCK, CLOSE = 1, 2
LONGEST_DARK_S = 366 * 86400
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
    far: bool = False,
) -> Done:
    """Order the meter at a port. Raises Refused `order-…` (see `collect.orders.send`).

    clock: UTC in seconds; the order names the nearest whole one. meter: must be the one at the
    port, where given (Refused `order-meter`). far: set a clock even to before the end of the
    newest record or to more than a year after it (else Refused `order-far`): sealed time never
    goes back, so a wrong year is the end of a meter's life.
    """
    there = port.identity().meter
    if meter is not None and meter != there:
        raise Refused("order-meter", f"at the port is {there.hex()}")
    if kind == CLOCK and not far:
        _check_near(port, round(clock()))
    challenge, newest = orders.challenge(port)
    counter, time_s = newest + 1, round(clock())
    orders.send(port, write(office, kind, there, challenge, counter, time_s))
    return Done(there, counter, time_s)


def _check_near(port: UtilityPort, time_s: int) -> None:
    sealed = port.newest()
    end_s = decode_sealed(sealed).end_s if sealed else 0
    # Within the day's budget a clock may be put back across a boundary that is sealed.
    if end_s and not -CLOCK_BUDGET_S <= time_s - end_s <= LONGEST_DARK_S:
        days = (time_s - end_s) / 86400
        raise Refused("order-far", f"{days:+,.1f} days from the end of the newest record")
