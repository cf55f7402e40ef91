"""What passes between the firmware's UARTs, the lines with their faults, and the ptys."""

import time
from collections.abc import Callable

from wattseal_hil.line import Line
from wattseal_hil.link import UARTS, VmProcess
from wattseal_hil.ports import Pty

REPLY_S = 0.25
QUIET_S = 0.001
NEVER_US = 1 << 62

# Told of what passes between the firmware's UART and the line: port, whether towards the meter,
# bytes, board time in us.
Tap = Callable[[int, bool, bytes, int], None]


class Traffic:
    """Both ports of a board. hear(number, data): of all that the firmware says. In the bench's
    thread; `vm` is None while the power is off, when nothing reaches the firmware."""

    def __init__(self, hear: Callable[[int, bytes], None]) -> None:
        self.ports = [Pty() for _ in range(UARTS)]
        self.lines = [Line() for _ in range(UARTS)]
        self.taps: list[Tap] = []
        self._hear = hear
        self._quiet_at_s = [0.0] * UARTS
        self._said = [bytearray() for _ in range(UARTS)]  # by the VM since its last message

    def say(self, vm: VmProcess | None, number: int, data: bytes, now_us: int) -> None:
        """To the firmware's UART, past the line."""
        if data and vm:
            for tap in self.taps:
                tap(number, True, data, now_us)
            vm.write_port(number, data)

    def send(self, vm: VmProcess | None, number: int, data: bytes, now_us: int) -> None:
        """To the firmware, over the line, as a client's."""
        self.say(vm, number, self.lines[number].carry(True, data, now_us), now_us)

    def from_client(self, vm: VmProcess | None, number: int, now_us: int) -> None:
        data = self.ports[number].receive()
        if data and vm:
            self._quiet_at_s[number] = time.monotonic() + REPLY_S
            self.send(vm, number, data, now_us)

    def take(self, vm: VmProcess, number: int) -> None:
        """Take what the firmware sends; it is passed on with the next message, at its time."""
        self._said[number] += vm.read_port(number)

    def pass_on(self, number: int, now_us: int) -> None:
        data = bytes(self._said[number])
        if not data:
            return
        self._said[number].clear()
        now_s = time.monotonic()
        for tap in self.taps:
            tap(number, False, data, now_us)
        self._hear(number, data)
        self.ports[number].send(self.lines[number].carry(False, data, now_us), now_s)
        if self._quiet_at_s[number]:
            self._quiet_at_s[number] = now_s + QUIET_S

    def release(self, vm: VmProcess | None, now_us: int) -> int:
        """Pass on what is due on the lines by now; when the next of it is (far off: nothing)."""
        due = [NEVER_US]
        for number, line in enumerate(self.lines):
            while (due_us := line.due_us) is not None and due_us <= now_us:
                for to_meter, data in line.release(now_us):
                    if to_meter:
                        self.say(vm, number, data, now_us)
                    else:
                        self.ports[number].send(data, time.monotonic())
            due.append(NEVER_US if due_us is None else due_us)
        return min(due)

    def pending(self, now_s: float) -> bool:
        """Whether bytes wait for a client to read."""
        for port in self.ports:
            port.push(now_s)
        return any(port.pending for port in self.ports)

    def hold_s(self, now_s: float) -> float:
        """How long a request may still be in flight; above 0: time must not pass."""
        left_s = max(self._quiet_at_s) - now_s
        if left_s <= 0:
            self._quiet_at_s = [0.0] * UARTS
        return left_s

    def close(self) -> None:
        for port in self.ports:
            port.close()
