"""How time passes for an emulated board."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from wattseal_hil.errors import BoardError
from wattseal_hil.supervisor import Supervisor

LATE_US = 1_000_000  # a burst under way may carry the clock past a goal by up to this


class BoardTime:
    """What a board has of it; UTC seconds since 1970."""

    _bench: Supervisor

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    @property
    def now_s(self) -> float:
        """The board's true time. Its own clock may differ (`rtc`)."""
        return self._bench.now_us / 1_000_000

    def run_until(self, t_s: float, progress: Callable[[float], None] | None = None) -> None:
        """Let time pass up to `t_s` as fast as the VM can; everything due then has been done.

        `progress(now_s)` is called about ten times a second. Without power the time just passes.
        Raises BoardError: time-backwards, or what stopped the firmware.
        """
        goal_us = round(t_s * 1_000_000)
        with self._one_at_a_time:
            if goal_us < self._bench.now_us - LATE_US:
                raise BoardError("time-backwards", f"it is {self.now_s:.3f} already")
            done: Future[None] = self._bench.call(lambda: self._bench.run_to(goal_us))
            while not wait([done], timeout=0.1).done:
                if progress:
                    progress(self.now_s)
            done.result()
        if progress:
            progress(self.now_s)

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        self.run_until(self.now_s + seconds)

    def set_pace(self, speed: float | None) -> None:
        """Let time pass by itself, `speed` board seconds a second; None: stand still."""
        if speed is not None and not 0 < speed <= 10_000:
            raise BoardError("pace-range", f"{speed} is outside 0 to 10000")
        self._bench.call(lambda: self._bench.set_pace(speed))
