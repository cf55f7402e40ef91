"""The bench around the VM: grants time, answers its converter, carries bytes, in one thread.

Two ways for time to pass: towards a goal, as fast as the VM can (lock-step), or at a pace of so
many board seconds per second. Without either the board stands still and answers its ports.

Lock-step and clients: while a request may be in flight nothing is granted, that is until 1 ms
after the firmware's last reply, or 0.25 s after the client's last byte if there was none; and
time waits for a client that has the port open to read. At a pace time waits for nobody. Either
way, what a client leaves unread for 2 s is dropped. So a client that asks without pause stops time.
"""

import contextlib
import mmap
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.faults import ANSWERS, CUT, GO, Fault, FlashOperation
from wattseal_hil.line import Line
from wattseal_hil.link import MAX_GRANT_US, UARTS, VmProcess
from wattseal_hil.physics import BLOCK, Physics
from wattseal_hil.ports import Pty

SILENT_S = 120.0  # a running VM that says nothing for so long is stuck
REPLY_S = 0.25
QUIET_S = 0.001
TICK_S = 0.01  # granularity of a paced clock
ROOM_TICK_S = 0.001  # a pty takes 4 KiB at a time
BOOT_US = 500_000  # what a reset costs, so that even a board that resets for ever sees time pass
NEVER_US = 1 << 62
FAR_US = 3_600_000_000  # bursts farther apart are not prepared ahead
CONSOLE_BYTES = 1 << 20

# Told of what passes between the firmware's UART and the line: port, whether towards the meter,
# bytes, board time in us.
Tap = Callable[[int, bool, bytes, int], None]
# Told of every start and end of the firmware: which, and board time in us.
SupplyTap = Callable[[bool, int], None]


class Supervisor:
    """Owns the VM process and the ptys; every method but `call` and `close` runs in its thread."""

    def __init__(
        self, start_us: int, physics: Physics, put_samples: Callable[[bytes], None]
    ) -> None:
        self.now_us = start_us
        self.physics = physics
        self.console = bytearray()
        self.ports = [Pty() for _ in range(UARTS)]
        self.lines = [Line() for _ in range(UARTS)]
        self.taps: list[Tap] = []
        self.supply_taps: list[SupplyTap] = []
        self.console_taps: list[Callable[[bytes], None]] = []
        self.goal_us: int | None = None
        self.failure: BoardError | None = None
        self.fault: Fault | None = None
        self.cells: mmap.mmap | None = None  # of the flash
        self.on_reset: Callable[[int], None] = lambda clock_us: None
        self.on_power: Callable[[], None] = lambda: None
        self.on_at_us: int | None = None  # when the power comes back by itself
        self.vm: VmProcess | None = None
        self._put_samples = put_samples
        self._idle = False
        self._overwritten = False
        self._pace: tuple[float, float, int] | None = None
        self._heard_s = 0.0
        self._quiet_at_s = [0.0] * UARTS
        self._said = [bytearray() for _ in range(UARTS)]  # by the VM since its last message
        self._waiting: Future[None] | None = None
        self._ahead: tuple[int, bytes] | None = None
        self._last_block_us = self._period_us = 0
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._closing = False
        self._gate = threading.Lock()
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_r, False)
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._listen(self._wake_r, self._take_calls)
        for number, port in enumerate(self.ports):
            self._listen(port.watch, port.notice)
            self._listen(port.master, partial(self._from_client, number))
        self._thread = threading.Thread(target=self._loop, name="wattseal-board", daemon=True)
        self._thread.start()

    # Calls from other threads

    def call(self, function: Callable[[], Any]) -> Any:
        """Run `function` in the supervisor's thread and return what it returns."""
        future: Future[Any] = Future()
        with self._gate:
            if self._closing:
                raise BoardError("board-closed")
            self._calls.append((function, future))
            os.write(self._wake_w, b"!")
        return future.result()

    def close(self) -> None:
        """End the VM and the thread, close everything. May be called twice."""
        with contextlib.suppress(BoardError):
            self.call(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        with self._gate:
            self._closing = True

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
            self._said[number] += vm.read_port(number)
            self._pass_on(number)
        for tap in self.supply_taps:
            tap(False, self.now_us)
        self._log(vm.read_console())
        for fd in (vm.control.fileno(), vm.console, *vm.tx):
            self._epoll.unregister(fd)
            del self._handlers[fd]
        return vm.end()

    def power_off(self) -> None:
        self.detach()
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

    def forget_samples(self) -> None:
        """What was computed ahead no longer holds: the load has changed."""
        self._ahead = None

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

    def _listen(self, fd: int, handler: Callable[[], None]) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN)

    def _loop(self) -> None:
        timeout = -1.0
        try:
            while not self._closing:
                for fd, _ in self._epoll.poll(timeout):
                    if handler := self._handlers.get(fd):
                        handler()
                timeout = self._advance()
        except Exception as error:  # a load that raises, for one: whoever waits must hear of it
            self.failure = BoardError("bench-failed", f"{type(error).__name__}: {error}")
            self._settle(self.failure)
        finally:
            self._release()

    def _release(self) -> None:
        with self._gate:
            self._closing = True
        self.detach()
        self._settle(BoardError("board-closed"))
        for _, future in self._calls:
            future.set_exception(BoardError("board-closed"))
        for port in self.ports:
            port.close()
        self._epoll.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _take_calls(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_r, 4096)
        while self._calls:
            function, future = self._calls.popleft()
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

    def _advance(self) -> float:
        """Grant what may be granted; seconds until this is worth asking again (-1: an event)."""
        now_s = time.monotonic()
        wanted_us = target_us = self._target_us(now_s)
        if self.vm is None or self._idle:
            due_us = self._release_lines()
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
        pending = self._pending(now_s)
        if self.goal_us is not None:
            if pending:
                return ROOM_TICK_S
            if (hold_s := max(self._quiet_at_s) - now_s) > 0:
                return hold_s
            self._quiet_at_s = [0.0] * UARTS
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

    def _release_lines(self) -> int:
        """Pass on what is due on the lines by now; when the next of it is (far off: nothing)."""
        due = [NEVER_US]
        for number, line in enumerate(self.lines):
            while (due_us := line.due_us) is not None and due_us <= self.now_us:
                for to_meter, data in line.release(self.now_us):
                    if to_meter:
                        self.say(number, data)
                    else:
                        self.ports[number].send(data, time.monotonic())
            due.append(NEVER_US if due_us is None else due_us)
        return min(due)

    def say(self, number: int, data: bytes) -> None:
        """To the firmware's UART, past the line."""
        if data and self.vm:
            for tap in self.taps:
                tap(number, True, data, self.now_us)
            self.vm.write_port(number, data)

    def _target_us(self, now_s: float) -> int:
        if self.goal_us is not None:
            return self.goal_us
        if self._pace:
            speed, since_s, since_us = self._pace
            return since_us + int((now_s - since_s) * speed * 1_000_000)
        return self.now_us

    def _pending(self, now_s: float) -> bool:
        """Whether bytes wait for a client to read."""
        for port in self.ports:
            port.push(now_s)
        return any(port.pending for port in self.ports)

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
            self._pass_on(number)
        if kind == "A":
            self._answer_samples(vm)
        elif kind == "I":
            self._idle = current
        elif kind == "F":
            self._overwritten = True
        elif kind == "W":
            self._judge(vm)
        elif kind == "R":
            clock_us = vm.receive_clock_us()
            self.detach()
            self.now_us += BOOT_US
            self.on_reset(clock_us + BOOT_US)

    def _judge(self, vm: VmProcess) -> None:
        """Ask the fault what becomes of an operation of the flash."""
        operation = vm.receive_flash()
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
            vm.flash_answer(ANSWERS[verdict])

    def _answer_samples(self, vm: VmProcess) -> None:
        """The block from now on; then, while the VM works, the one it is likely to want next."""
        at_us = self.now_us
        ahead = self._ahead
        block = ahead[1] if ahead and ahead[0] == at_us else self.physics.block(at_us)
        self._put_samples(block)
        vm.samples_done()
        if at_us - self._last_block_us != BLOCK * self.physics.conversion_us:
            self._period_us = at_us - self._last_block_us
        next_us = at_us + self._period_us
        self._last_block_us = at_us
        if self._period_us < FAR_US:
            with contextlib.suppress(Exception):  # raised again if the block is wanted in earnest
                self._ahead = (next_us, self.physics.block(next_us))

    def _from_port(self, number: int) -> None:
        """Take what the firmware sends; it is passed on with the next message, at its time."""
        if self.vm:
            self._said[number] += self.vm.read_port(number)

    def _pass_on(self, number: int) -> None:
        data = bytes(self._said[number])
        if not data:
            return
        self._said[number].clear()
        now_s = time.monotonic()
        for tap in self.taps:
            tap(number, False, data, self.now_us)
        if self.fault:
            self.fault.hear(number, data)
        self.ports[number].send(self.lines[number].carry(False, data, self.now_us), now_s)
        if self._quiet_at_s[number]:
            self._quiet_at_s[number] = now_s + QUIET_S

    def _from_client(self, number: int) -> None:
        data = self.ports[number].receive()
        if data and self.vm:
            self._quiet_at_s[number] = time.monotonic() + REPLY_S
            self.send(number, data)

    def send(self, number: int, data: bytes) -> None:
        """To the firmware, over the line, as a client's."""
        self.say(number, self.lines[number].carry(True, data, self.now_us))

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
