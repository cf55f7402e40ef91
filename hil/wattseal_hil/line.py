"""One serial line between the firmware and the clients of a port, in board time, with its faults.

Without faults what enters one end leaves the other at once. With some, each is given what the one
before lets through; what is late waits here, and nothing overtakes it.
"""

from __future__ import annotations

from collections import deque

from wattseal_hil.line_faults import LineFault


class Line:
    """Carries bytes both ways; times are us of the board. Two queues, so order is kept."""

    def __init__(self) -> None:
        self._faults: list[LineFault] = []
        self._speaks_us: list[int] = []  # when each fault speaks next; those that do
        self._late: tuple[deque[tuple[int, bytes]], deque[tuple[int, bytes]]] = (deque(), deque())

    def add(self, fault: LineFault, at_us: int) -> None:
        """From now on this fault has a say, after those before."""
        self._faults.append(fault)
        self._speaks_us.append(at_us + fault.period_us)

    def clear(self) -> None:
        """No fault has a say any more. What is late still arrives."""
        self._faults.clear()
        self._speaks_us.clear()

    def carry(self, to_meter: bool, data: bytes, at_us: int) -> bytes:
        """Let `data` in at one end; what leaves the other at once."""
        pieces = [(0, data)]
        for fault in self._faults:
            passed: list[tuple[int, bytes]] = []
            for delay_us, piece in pieces:
                for more_us, rest in fault.carry(to_meter, piece, at_us):
                    # A line has no overtaking: later pieces are as late as what is before them.
                    late_us = max(delay_us + more_us, passed[-1][0] if passed else 0)
                    passed.append((late_us, rest))
            pieces = passed
        late = self._late[to_meter]
        now = bytearray()
        for delay_us, piece in pieces:
            due_us = max(at_us + delay_us, late[-1][0] if late else 0)
            if due_us > at_us:
                late.append((due_us, piece))
            else:
                now += piece
        return bytes(now)

    @property
    def due_us(self) -> int | None:
        """When something happens on the line by itself, None: never."""
        times = [late[0][0] for late in self._late if late]
        for fault, speaks_us in zip(self._faults, self._speaks_us, strict=True):
            if fault.period_us:
                times.append(speaks_us)
        return min(times, default=None)

    def release(self, at_us: int) -> list[tuple[bool, bytes]]:
        """What leaves the line by now: (towards the meter?, bytes)."""
        out: list[tuple[bool, bytes]] = []
        for to_meter in (False, True):
            late = self._late[to_meter]
            while late and late[0][0] <= at_us:
                out.append((to_meter, late.popleft()[1]))
        for number, fault in enumerate(self._faults):
            while fault.period_us and self._speaks_us[number] <= at_us:
                self._speaks_us[number] += fault.period_us
                out.append((True, fault.babble(at_us)))
        return out
