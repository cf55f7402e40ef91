"""How often somebody may try: a bucket of tries for each name, which fills up again with time."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_NAMES = 20_000
NO_PEER = "?"


def network(host: str) -> str:
    """What counts as one peer: an IPv4 address, or the /64 of an IPv6 one, which is what the
    least customer has."""
    address = _address(host)
    if address is None:
        return host or NO_PEER
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_here(host: str) -> bool:
    """Whether it is this machine itself."""
    address = _address(host)
    return address is not None and address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Limit:
    """`tries` at once, and one more each `every_s` seconds."""

    def __init__(
        self, tries: int, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tries, self._every_s, self._clock = tries, every_s, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Whether `name` may try now; if so, one try is spent."""
        now = self._clock()
        with self._lock:
            left, at_s = self._buckets.pop(name, (float(self._tries), now))
            left = min(float(self._tries), left + (now - at_s) / self._every_s)
            allowed = left >= 1
            self._buckets[name] = (left - 1 if allowed else left, now)
            while len(self._buckets) > MAX_NAMES:
                self._buckets.popitem(last=False)
        return allowed
