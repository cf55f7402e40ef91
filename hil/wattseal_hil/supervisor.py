"""The bench around the VM: grants time, answers its converter, carries bytes, in one thread.

Two ways for time to pass: towards a goal, as fast as the VM can (lock-step), or at a pace of so
many board seconds per second. Without either the board stands still and answers its ports.

Lock-step and clients: while a request may be in flight nothing is granted, that is until 1 ms
after the firmware's last reply, or 0.25 s after the client's last byte if there was none; and
time waits for a client that has the port open to read. At a pace time waits for nobody. Either
way, what a client leaves unread for 2 s is dropped. So a client that asks without pause stops time.
"""

import mmap
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from wattseal_hil.bench_thread import BenchThread
from wattseal_hil.display import Bus
from wattseal_hil.errors import BoardError
from wattseal_hil.faults import ANSWERS, CUT, GO, Fault, FlashOperation
from wattseal_hil.link import MAX_GRANT_US, UARTS, VmProcess
from wattseal_hil.physics import Physics
from wattseal_hil.sampling import Sampling
from wattseal_hil.traffic import Traffic

SILENT_S = 120.0  # a running VM that says nothing for so long is stuck
TICK_S = 0.01  # granularity of a paced clock
ROOM_TICK_S = 0.001  # a pty takes 4 KiB at a time
BOOT_US = 500_000  # what a reset costs, so that even a board that resets for ever sees time pass
CONSOLE_BYTES = 1 << 20

# Told of every start and end of the firmware: which, and board time in us.
SupplyTap = Callable[[bool, int], None]


class Supervisor(BenchThread):
    """Owns the VM process and the ptys; every method but `call` and `close` runs in its thread."""

    def __init__(
        self, start_us: int, physics: Physics, put_samples: Callable[[bytes], None]
    ) -> None:
        super().__init__()
        self.now_us = start_us
        self.physics = physics
        self.console = bytearray()
        self.traffic = Traffic(self._hear)
        self.sampling = Sampling(physics, put_samples)
        self.supply_taps: list[SupplyTap] = []
        self.console_taps: list[Callable[[bytes], None]] = []
        self.goal_us: int | None = None
        self.failure: BoardError | None = None
        self.fault: Fault | None = None
        self.cells: mmap.mmap | None = None  # of the flash
        self.bus = Bus()
        self.on_reset: Callable[[int], None] = lambda clock_us: None
        self.on_power: Callable[[], None] = lambda: None
        self.on_at_us: int | None = None  # when the power comes back by itself
        self.vm: VmProcess | None = None
        self._idle = False
        self._overwritten = False
        self._pace: tuple[float, float, int] | None = None
        self._heard_s = 0.0
        self._waiting: Future[None] | None = None
        for number, port in enumerate(self.traffic.ports):
            self._listen(port.watch, port.notice)
            self._listen(port.master, partial(self._from_client, number))
        self._begin()

    # What the board asks for

    def attach(self, vm: VmProcess) -> None:
        """Take over a VM that has just been started."""
        self.vm = vm
        self.on_at_us = None
        self.failure = None
        self._idle = self._overwritten = False
        self._heard_s = time.monotonic()
        for tap in self.supply_taps:
            tap(True, self.now_us)
        self._listen(vm.control.fileno(), self._from_vm)
        self._listen(vm.console, self._from_console)
        for number in range(UARTS):
            self._listen(vm.tx[number], partial(self._from_port, number))

    def detach(self) -> int | None:
        """Cut the power; the exit status of the VM."""
        vm, self.vm = self.vm, None
        if vm is None:
            return None
        # It dies before its last words are read: they are all there are.
        vm.process.kill()
        vm.process.wait()
        for number in range(UARTS):
            self.traffic.take(vm, number)
            self.traffic.pass_on(number, self.now_us)
        for tap in self.supply_taps:
            tap(False, self.now_us)
        self._log(vm.read_console())
        for fd in (vm.control.fileno(), vm.console, *vm.tx):
            self._forget(fd)
        return vm.end()

    def power_off(self) -> None:
        self.detach()
        self.bus.power_off()
        self.failure = self.on_at_us = None

    def run_to(self, goal_us: int) -> "Future[None]":
        """Lock-step up to `goal_us`; done when the VM is idle there. One at a time."""
        if self.failure:
            raise self.failure
        self.goal_us = goal_us
        self._waiting = Future()
        return self._waiting

    def set_pace(self, speed: float | None) -> None:
        """Board seconds per second from now on; None: stand still."""
        self._pace = None if speed is None else (speed, time.monotonic(), self.now_us)

    def _settle(self, error: BoardError | None = None) -> None:
        waiting, self._waiting = self._waiting, None
        self.goal_us = None
        if self._pace:
            self.set_pace(self._pace[0])
        if waiting and error:
            waiting.set_exception(error)
        elif waiting:
            waiting.set_result(None)

    # The loop

    def _broke(self, error: Exception) -> None:
        self.failure = BoardError("bench-failed", f"{type(error).__name__}: {error}")
        self._settle(self.failure)

    def _end(self) -> None:
        self.detach()
        self._settle(BoardError("board-closed"))
        self.traffic.close()

    def _advance(self) -> float:
        """Grant what may be granted; seconds until this is worth asking again (-1: an event)."""
        now_s = time.monotonic()
        wanted_us = target_us = self._target_us(now_s)
        if self.vm is None or self._idle:
            due_us = self.traffic.release(self.vm, self.now_us)
            target_us = min(target_us, max(due_us, self.now_us))
        if self.vm is None:
            if self.on_at_us is not None and self.on_at_us <= target_us:
                self.now_us = max(self.now_us, self.on_at_us)
                self.on_power()
                return SILENT_S / 4
            self.now_us = max(self.now_us, target_us)
            if self.now_us < wanted_us:
                return 0
            if self.goal_us is not None:
                self._settle()
            return TICK_S if self._pace else -1
        if not self._idle:
            if now_s - self._heard_s > SILENT_S:
                self._fail("vm-stuck", f"the firmware has been busy for {SILENT_S:.0f} s")
            return SILENT_S / 4
        pending = self.traffic.pending(now_s)
        if self.goal_us is not None:
            if pending:
                return ROOM_TICK_S
            if (hold_s := self.traffic.hold_s(now_s)) > 0:
                return hold_s
        elif self._pace and wanted_us - self.now_us < TICK_S * 1_000_000 * self._pace[0]:
            return TICK_S
        if target_us > self.now_us:
            self._idle = False
            self._heard_s = now_s
            self.vm.grant(min(target_us - self.now_us, MAX_GRANT_US))
            return SILENT_S / 4
        if self.goal_us is not None:
            self._settle()
        if pending:
            return ROOM_TICK_S
        return TICK_S if self._pace else -1

    def _target_us(self, now_s: float) -> int:
        if self.goal_us is not None:
            return self.goal_us
        if self._pace:
            speed, since_s, since_us = self._pace
            return since_us + int((now_s - since_s) * speed * 1_000_000)
        return self.now_us

    # Handlers

    def _from_vm(self) -> None:
        vm = self.vm
        if vm is None:
            return
        message = vm.receive()
        if message is None:
            self._died()
            return
        kind, current, passed_us = message
        self.now_us += passed_us
        self._heard_s = time.monotonic()
        # What it sent before this message was sent by now.
        for number in range(UARTS):
            self._from_port(number)
            self.traffic.pass_on(number, self.now_us)
        if kind == "A":
            self.sampling.answer(self.now_us, vm.samples_done)
        elif kind == "I":
            self._idle = current
        elif kind == "F":
            self._overwritten = True
        elif kind == "W":
            self._judge(vm)
        elif kind == "T" and (transfer := vm.receive_transfer()):
            vm.transfer_answer(self.bus.write(*transfer))
        elif kind == "R":
            clock_us = vm.receive_clock_us()
            self.detach()
            self.now_us += BOOT_US
            self.on_reset(clock_us + BOOT_US)

    def _judge(self, vm: VmProcess) -> None:
        """Ask the fault what becomes of an operation of the flash."""
        operation = vm.receive_transfer()
        if operation is None:
            return  # the end follows
        verdict = GO
        if self.fault and self.cells:
            verdict = self.fault.judge(FlashOperation(*operation), self.cells)
        if verdict == CUT:
            off_us = self.fault.off_us if self.fault else None
            self.power_off()
            self.on_at_us = None if off_us is None else self.now_us + off_us
        else:
            vm.transfer_answer(ANSWERS[verdict])

    def _from_port(self, number: int) -> None:
        if self.vm:
            self.traffic.take(self.vm, number)

    def _hear(self, number: int, data: bytes) -> None:
        if self.fault:
            self.fault.hear(number, data)

    def _from_client(self, number: int) -> None:
        self.traffic.from_client(self.vm, number, self.now_us)

    def send(self, number: int, data: bytes) -> None:
        """To the firmware, over the line, as a client's."""
        self.traffic.send(self.vm, number, data, self.now_us)

    def _from_console(self) -> None:
        if self.vm:
            self._log(self.vm.read_console())

    def _log(self, data: bytes) -> None:
        self.console += data
        for tap in self.console_taps:
            tap(data)
        del self.console[:-CONSOLE_BYTES]

    def _died(self) -> None:
        overwritten = self._overwritten
        vm = self.vm
        assert vm is not None
        vm.process.wait()
        status = self.detach()
        if overwritten:
            self._fail("flash-overwrite", "")
        elif status == 0:
            self._fail("firmware-ended", "main.py returned")
        else:
            self._fail("firmware-stopped", f"the VM ended with status {status}")

    def _fail(self, code: str, detail: str) -> None:
        self.detach()
        tail = bytes(self.console[-2000:]).decode("utf-8", "replace").strip()
        self.failure = BoardError(code, "\n".join(x for x in (detail, tail) if x))
        self._settle(self.failure)
