"""How often somebody may try: a bucket of tries for each name, which fills up again with time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_NAMES = 20_000


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
