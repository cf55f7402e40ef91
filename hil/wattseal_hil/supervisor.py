"""The bench around the VM: grants time, answers its converter, carries bytes, in one thread.

Two ways for time to pass: towards a goal, as fast as the VM can (lock-step), or at a pace of so
many board seconds per second. Without either the board stands still and answers its ports.

Lock-step and clients: while a request may be in flight nothing is granted, that is until 3 ms
after the firmware's last reply, or 0.25 s after the client's last byte if there was none; and
while a client that has the port open does not read, time waits for it up to 2 s, then the bytes
are dropped. At a pace nothing waits, and a port keeps at most 8 KiB for a slow reader.
"""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.link import MAX_GRANT_US, UARTS, VmProcess
from wattseal_hil.physics import BLOCK, CONVERSION_US, Physics
from wattseal_hil.ports import Pty

SILENT_S = 120.0  # a running VM that says nothing for so long is stuck
REPLY_S = 0.25
QUIET_S = 0.003
ROOM_S = 2.0
TICK_S = 0.01  # granularity of a paced clock
SLOW_READER_BYTES = 8192
CONSOLE_BYTES = 1 << 20


class Supervisor:
    """Owns the VM process and the ptys; every method but `call` and `close` runs in its thread."""

    def __init__(
        self, start_us: int, physics: Physics, put_samples: Callable[[bytes], None]
    ) -> None:
        self.now_us = start_us
        self.physics = physics
        self.console = bytearray()
        self.ports = [Pty() for _ in range(UARTS)]
        self.goal_us: int | None = None
        self.failure: BoardError | None = None
        self.on_reset: Callable[[int], None] = lambda clock_us: None
        self.vm: VmProcess | None = None
        self._put_samples = put_samples
        self._idle = False
        self._fault = False
        self._pace: tuple[float, float, int] | None = None
        self._heard_s = 0.0
        self._quiet_at_s = [0.0] * UARTS
        self._room_until_s = 0.0
        self._waiting: Future[None] | None = None
        self._ahead: tuple[int, bytes] | None = None
        self._last_block_us = 0
        self._calls: list[tuple[Callable[[], Any], Future[Any]]] = []
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_r, False)
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._listen(self._wake_r, self._take_calls)
        for number, port in enumerate(self.ports):
            self._listen(port.watch, port.notice)
            self._listen(port.master, lambda number=number: self._from_client(number))
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="wattseal-board", daemon=True)
        self._thread.start()

    # Calls from other threads

    def call(self, function: Callable[[], Any]) -> Any:
        """Run `function` in the supervisor's thread and return what it returns."""
        if not self._thread.is_alive():
            raise BoardError("board-closed")
        future: Future[Any] = Future()
        self._calls.append((function, future))
        os.write(self._wake_w, b"!")
        return future.result()

    def close(self) -> None:
        """End the VM and the thread, close everything. May be called twice."""
        if self._thread.is_alive():
            self.call(self._stop)
            self._thread.join()

    def _stop(self) -> None:
        self.detach()
        self._closing = True

    # What the board asks for

    def attach(self, vm: VmProcess) -> Future[None]:
        """Take over a VM that has just been started; done when it first goes idle."""
        self.vm = vm
        self.failure = None
        self._idle = self._fault = False
        self._heard_s = time.monotonic()
        self._listen(vm.control.fileno(), self._from_vm)
        self._listen(vm.console, self._from_console)
        for number in range(UARTS):
            self._listen(vm.tx[number], lambda number=number: self._from_port(number))
        return self._promise()

    def detach(self) -> int | None:
        """Cut the power; the exit status of the VM."""
        vm, self.vm = self.vm, None
        if vm is None:
            return None
        # It dies before its last words are read: they are all there are.
        vm.process.kill()
        vm.process.wait()
        for number in range(UARTS):
            self.ports[number].send(vm.read_port(number))
        self._log(vm.read_console())
        for fd in (vm.control.fileno(), vm.console, *vm.tx):
            self._epoll.unregister(fd)
            del self._handlers[fd]
        return vm.end()

    def run_to(self, goal_us: int) -> Future[None]:
        """Lock-step up to `goal_us`; done when the VM is idle there."""
        if self.failure:
            raise self.failure
        self.goal_us = goal_us
        return self._promise()

    def set_pace(self, speed: float | None) -> None:
        """Board seconds per second from now on; None: stand still."""
        self._pace = None if speed is None else (speed, time.monotonic(), self.now_us)

    def forget_samples(self) -> None:
        """What was computed ahead no longer holds: the load has changed."""
        self._ahead = None

    def _promise(self) -> "Future[None]":
        self._waiting = Future()
        return self._waiting

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
        while not self._closing:
            for fd, _ in self._epoll.poll(timeout):
                if handler := self._handlers.get(fd):
                    handler()
            timeout = self._advance()
        for port in self.ports:
            port.close()
        self._epoll.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _take_calls(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_r, 4096)
        calls, self._calls = self._calls, []
        for function, future in calls:
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

    def _advance(self) -> float:
        """Grant what may be granted; seconds until this is worth asking again (-1: an event)."""
        if self._waiting and self.goal_us is not None and self.vm is None:
            self.now_us = max(self.now_us, self.goal_us)
            self._settle()
        if self.vm is None:
            return self._advance_without_vm()
        now_s = time.monotonic()
        if not self._idle:
            if now_s - self._heard_s > SILENT_S:
                self._fail("vm-stuck", f"the firmware has been busy for {SILENT_S:.0f} s")
            return SILENT_S / 4
        lock_step = self.goal_us is not None
        if self._pending(now_s, lock_step):
            return TICK_S / 10
        if lock_step:
            hold_s = max(self._quiet_at_s) - now_s
            if hold_s > 0:
                return hold_s
            target_us = self.goal_us or 0
        elif self._pace:
            speed, since_s, since_us = self._pace
            target_us = since_us + int((now_s - since_s) * speed * 1_000_000)
        elif self._waiting:
            self._settle()  # power-on is complete
            return -1
        else:
            return -1
        if target_us > self.now_us:
            self._idle = False
            self._heard_s = now_s
            self.vm.grant(min(target_us - self.now_us, MAX_GRANT_US))
            return SILENT_S / 4
        if self._waiting:
            self._settle()
        return TICK_S if self._pace else -1

    def _advance_without_vm(self) -> float:
        if not self._pace:
            return -1
        speed, since_s, since_us = self._pace
        self.now_us = since_us + int((time.monotonic() - since_s) * speed * 1_000_000)
        return TICK_S

    def _pending(self, now_s: float, lock_step: bool) -> bool:
        """Whether time must wait for a client to read."""
        waiting = False
        for port in self.ports:
            if not port.pending:
                continue
            if port.push():
                self._room_until_s = now_s + ROOM_S
            if lock_step and now_s > self._room_until_s:
                port.drop()
            elif not lock_step:
                del port.pending[SLOW_READER_BYTES:]
            waiting = waiting or (lock_step and bool(port.pending))
        return waiting

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
        if kind == "A":
            self._answer_samples(vm)
        elif kind == "I":
            for number in range(UARTS):
                self._from_port(number)
            self._idle = current
        elif kind == "F":
            self._fault = True
        elif kind == "R":
            clock_us = vm.receive_clock_us()
            self.detach()
            self.on_reset(clock_us)

    def _answer_samples(self, vm: VmProcess) -> None:
        """The block from now on; then, while the VM works, the one it is likely to want next."""
        at_us = self.now_us
        ahead = self._ahead
        block = ahead[1] if ahead and ahead[0] == at_us else self.physics.block(at_us)
        self._put_samples(block)
        vm.samples_done()
        if at_us - self._last_block_us != BLOCK * CONVERSION_US:
            self._period_us = at_us - self._last_block_us
        next_us = at_us + self._period_us
        self._last_block_us = at_us
        self._ahead = (next_us, self.physics.block(next_us))

    def _from_port(self, number: int) -> None:
        if self.vm is None:
            return
        data = self.vm.read_port(number)
        if data:
            port = self.ports[number]
            if not port.pending:
                self._room_until_s = time.monotonic() + ROOM_S
            port.send(data)
            if self._quiet_at_s[number]:
                self._quiet_at_s[number] = time.monotonic() + QUIET_S

    def _from_client(self, number: int) -> None:
        data = self.ports[number].receive()
        if data and self.vm:
            self._quiet_at_s[number] = time.monotonic() + REPLY_S
            self.vm.write_port(number, data)

    def _from_console(self) -> None:
        if self.vm:
            self._log(self.vm.read_console())

    def _log(self, data: bytes) -> None:
        self.console += data
        del self.console[:-CONSOLE_BYTES]

    def _died(self) -> None:
        fault = self._fault
        vm = self.vm
        assert vm is not None
        vm.process.wait()
        status = self.detach()
        if fault:
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
