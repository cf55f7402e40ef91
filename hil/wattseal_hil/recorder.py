"""What is done to a board and passes at its ports, onto a tape. In the bench's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wattseal_hil.loads import Load, described
from wattseal_hil.supervisor import Supervisor
from wattseal_hil.tape import PORTS, TapeWriter


class BoardRecorder:
    """Writes one tape until `close`. now_us: the bench's time."""

    def __init__(self, path: str | Path, header: dict[str, Any], now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._tape = TapeWriter(path, {**header, "at_us": now_us()})

    def close(self) -> None:
        self._tape.close(self._now_us())

    def hear(self, number: int, to_meter: bool, data: bytes, at_us: int) -> None:
        end = "client" if to_meter else "meter"
        if data:
            self._tape.write(
                at_us, "bytes", port=PORTS[number], **{"from": end, "hex": bytes(data).hex()}
            )

    def supply(self, on: bool, at_us: int) -> None:
        self._tape.write(at_us, "power", on=on)

    def console(self, data: bytes) -> None:
        if data:
            self._tape.write(self._now_us(), "console", text=data.decode("utf-8", "replace"))

    def pin(self, pin: int, level: int) -> None:
        self._tape.write(self._now_us(), "pin", pin=pin, level=level)

    def load(self, load: Load) -> None:
        self._tape.write(self._now_us(), "load", load=described(load))

    def fault(self, fault: Any) -> None:
        known = isinstance(fault, Mapping)
        said = dict(fault) if known else {"fault": type(fault).__name__}
        self._tape.write(self._now_us(), "fault", fault=said)

    def cleared(self) -> None:
        self._tape.write(self._now_us(), "clear")


class Taping:
    """The tape of a board, when there is one. `header`: asked once; `load`: what is plugged in."""

    def __init__(
        self, bench: Supervisor, header: Callable[[], dict[str, Any]], load: Callable[[], Load]
    ) -> None:
        self.tape: BoardRecorder | None = None
        self._bench = bench
        self._ask_header = header
        self._load = load
        self._header: dict[str, Any] = {}

    def begin(self, path: str | Path) -> None:
        """A tape that runs is stopped first."""
        self.end()
        self._header = self._header or self._ask_header()

        def begin() -> None:
            tape = BoardRecorder(path, self._header, lambda: self._bench.now_us)
            tape.load(self._load())
            self._bench.traffic.taps.append(tape.hear)
            self._bench.supply_taps.append(tape.supply)
            self._bench.console_taps.append(tape.console)
            self.tape = tape

        self._bench.call(begin)

    def end(self) -> None:
        def end() -> None:
            tape, self.tape = self.tape, None
            if tape:
                self._bench.traffic.taps.remove(tape.hear)
                self._bench.supply_taps.remove(tape.supply)
                self._bench.console_taps.remove(tape.console)
                tape.close()

        self._bench.call(end)
