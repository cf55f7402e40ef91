"""Orders over the utility port: the meter's challenge, the order, and what became of it."""

from __future__ import annotations

import time

from wattseal.errors import Refused
from wattseal.orders import CHALLENGE_BYTES

from wattseal_host.collect.utility import UtilityPort
from wattseal_host.errors import PortError

RESULT_AT = 75
CHALLENGE_AT, CHALLENGE_REGISTERS = 256, 10
ORDER_AT = 272
_OBEYED, _IN_HAND = 1, 2
_REFUSALS = {
    3: "order-no-provider",
    4: "order-expired",
    5: "order-counter",
    6: "order-signature",
    7: "order-budget",
    8: "order-time",
    9: "order-flash",
}
_POLL_S = 0.1


def challenge(port: UtilityPort) -> tuple[bytes, int]:
    """(fresh challenge, the newest order's counter). The challenge is good for 5 s, once."""
    data = port.read(CHALLENGE_AT, CHALLENGE_REGISTERS)
    return data[:CHALLENGE_BYTES], int.from_bytes(data[CHALLENGE_BYTES:], "big")


def send(port: UtilityPort, order: bytes, timeout_s: float = 20.0) -> None:
    """Hand an order over and wait until it is obeyed.

    Raises Refused `order-…`, by what the meter says; PortError `port-silent` if it says nothing
    in time. (A meter takes a second or so to verify a signature.)
    """
    port.write(ORDER_AT, order)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        result = int.from_bytes(port.read(RESULT_AT, 1), "big")
        if result == _OBEYED:
            return
        if result in _REFUSALS:
            raise Refused(_REFUSALS[result])
        if result != _IN_HAND:
            raise PortError("port-answer", f"result {result} of an order")
        time.sleep(_POLL_S)
    raise PortError("port-silent", "the order is not judged")
