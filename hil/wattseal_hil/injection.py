"""The faults at work on one emulated board: put in one by one, ended all at once.

All of it runs in the supervisor's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.fault_kinds import CaseOpened, ClockJump, DisplayFault, FlashFull
from wattseal_hil.faults import Fault, Overwriting, PowerCut, Several
from wattseal_hil.line_faults import LineFault
from wattseal_hil.link import FILL_AT, FLASH_WATCHED_AT, SharedMemory
from wattseal_hil.sensor_faults import SensorFault
from wattseal_hil.supervisor import Supervisor


class AtWork:
    """What is at work on a board. move: drives a pin. tamper_pin: of its settings, -1: none."""

    def __init__(
        self,
        bench: Supervisor,
        shared: SharedMemory,
        move: Callable[[int, int], None],
        tamper_pin: int,
    ) -> None:
        self._bench = bench
        self._shared = shared
        self._move = move
        self._tamper_pin = tamper_pin
        self._flash: list[Fault] = []
        self._cells: list[Fault] = []  # cells as they are: for good, once something is torn
        self._opened: list[int] = []
        self._full = False

    def add(self, fault: Any) -> None:
        """Put a fault in. Raises BoardError `fault-malformed` where this board has no such part."""
        if isinstance(fault, Fault):
            self._flash.append(fault)
            self._watch()
        elif isinstance(fault, LineFault):
            self._bench.traffic.lines[fault.line].add(fault, self._bench.now_us)
        elif isinstance(fault, SensorFault):
            self._bench.physics.faults.append(fault)
            self._bench.sampling.forget()
        elif isinstance(fault, FlashFull):
            self._shared.set_level(FILL_AT, fault.free_blocks + 2)
            self._full = True
        elif isinstance(fault, ClockJump):
            if self._bench.vm:
                self._bench.vm.clock_jumps(fault.by_s)
        elif isinstance(fault, DisplayFault):
            if fault.stuck:
                self._bench.bus.stuck = True
            else:
                self._bench.bus.take_away()
        elif isinstance(fault, CaseOpened):
            pin = self._tamper_pin if fault.pin is None else fault.pin
            if pin < 0:
                raise BoardError("fault-malformed", "case-opened: pin: the settings name none")
            self._opened.append(pin)
            self._move(pin, 1)
        else:
            raise BoardError("fault-malformed", f"{fault!r} is no fault")

    def described(self, fault: Any) -> None:
        """As `add`, for a fault by description: where it may tear an operation of the flash, its
        cells are from now on those of a real one, which LittleFS may meet half programmed."""
        if isinstance(fault, PowerCut) and not self._cells:
            self._cells.append(Overwriting())
        self.add(fault)

    def clear(self) -> None:
        """End them all. What one has done stays done, and power that is off stays off."""
        self._flash.clear()
        self._watch()
        for line in self._bench.traffic.lines:
            line.clear()
        self._bench.physics.faults.clear()
        self._bench.sampling.forget()
        if self._full:
            self._shared.set_level(FILL_AT, 1)
            self._full = False
        self._bench.bus.stuck = self._bench.bus.absent = False
        while self._opened:
            self._move(self._opened.pop(), 0)

    def _watch(self) -> None:
        faults = [*self._flash, *self._cells]
        self._bench.fault = Several(faults) if faults else None
        self._shared.set_level(FLASH_WATCHED_AT, 1 if faults else 0)
