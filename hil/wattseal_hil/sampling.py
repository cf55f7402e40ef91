"""Blocks of samples for the firmware's converter, the next one made while the VM works."""

import contextlib
from collections.abc import Callable

from wattseal_hil.physics import BLOCK, Physics

FAR_US = 3_600_000_000  # bursts farther apart are not prepared ahead


class Sampling:
    """put_samples: gives a block to the VM."""

    def __init__(self, physics: Physics, put_samples: Callable[[bytes], None]) -> None:
        self._physics = physics
        self._put_samples = put_samples
        self._ahead: tuple[int, bytes] | None = None
        self._last_block_us = self._period_us = 0

    def forget(self) -> None:
        """What was computed ahead no longer holds: the load has changed."""
        self._ahead = None

    def answer(self, at_us: int, done: Callable[[], None]) -> None:
        """The block from `at_us` on, then done(); then the one it is likely to want next."""
        ahead = self._ahead
        block = ahead[1] if ahead and ahead[0] == at_us else self._physics.block(at_us)
        self._put_samples(block)
        done()
        if at_us - self._last_block_us != BLOCK * self._physics.conversion_us:
            self._period_us = at_us - self._last_block_us
        next_us = at_us + self._period_us
        self._last_block_us = at_us
        if self._period_us < FAR_US:
            with contextlib.suppress(Exception):  # raised again if the block is wanted in earnest
                self._ahead = (next_us, self._physics.block(next_us))
