"""The rig of a real board: its USB cable, and where they are wired, its two ports.

The bridge on Espressif's boards pulls EN low while RTS is set and DTR is not, and GPIO0 low the
other way round. EN held low stops the whole chip, clock included, as the power's absence does: so
`power_off` holds it, and `power_on` lets it go. The chip's own USB knows a reset only, and a cable
without those lines nothing. Tests run against a pty; no board was at hand.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.real.ports import check_port, is_own_usb
from wattseal_hil.rig.identity import source_identity
from wattseal_hil.rig.interface import (
    CONSOLE,
    CUSTOMER_PORT,
    RESET,
    SUPPLY,
    TAPE,
    UTILITY_PORT,
    Rig,
)
from wattseal_hil.rig.relay import Relays
from wattseal_hil.rig.spec import Board
from wattseal_hil.tree import FIRMWARE

OPTIONS = {"baud": int}
BAUD = 115200
RESET_S = 0.2
_CONSOLE_MAX = 1 << 20


class RealRig(Rig):
    """A board on a USB cable, its console kept from the moment this is made.

    spec.options: baud, the console's line speed. Making and closing it reset nothing. Raises
    BoardError: port-missing, port-denied, port-busy.
    """

    def __init__(self, spec: Board) -> None:
        import serial

        self.name = str(spec)
        self._spec = spec
        check_port(spec.device)
        self._line: Any = serial.serial_for_url(
            spec.device, int(spec.options.get("baud", BAUD)), timeout=0.1, do_not_open=True,
            exclusive=True,
        )  # fmt: skip
        try:
            self._open()
        except (serial.SerialException, OSError) as error:
            raise BoardError("port-busy", f"{spec.device}: {error}") from None
        self._powered = True
        self._said = bytearray()
        self._closing = threading.Event()
        features = {CONSOLE}
        if spec.customer_port:
            features.add(CUSTOMER_PORT)
        if spec.utility_port:
            features.add(UTILITY_PORT)
        if self._has_lines():
            features.add(RESET)
            if not is_own_usb(spec.device):
                features.add(SUPPLY)
        self.features = frozenset(features)
        self._relays = Relays(spec.customer_port, spec.utility_port)
        if self._relays.recordable:
            self.features |= {TAPE}
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _open(self) -> None:
        """Open with both lines set, as the system does anyway, then let go of RTS first: so EN is
        never pulled on the way."""
        self._line.open()
        with contextlib.suppress(OSError):  # a pseudo-terminal has none
            self._line.rts = False
            self._line.dtr = False

    def _has_lines(self) -> bool:
        try:
            return isinstance(self._line.cts, bool)
        except (OSError, AttributeError):
            return False  # a pseudo-terminal

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                data = self._line.read(max(1, self._line.in_waiting))
            except (OSError, TypeError, AttributeError):
                # The chip's own USB goes away with a reset, and comes back.
                if self._closing.wait(0.2):
                    return
                with contextlib.suppress(OSError):
                    self._line.close()
                    self._open()
                continue
            self._said += data
            self._relays.console(data)
            del self._said[:-_CONSOLE_MAX]

    def close(self) -> None:
        if self._closing.is_set():
            return
        if SUPPLY in self.features and not self._powered:
            self.power_on()
        self._closing.set()
        self._reader.join(2)
        self._relays.close()
        with contextlib.suppress(OSError):
            self._line.close()

    def identity(self) -> dict[str, Any]:
        """The checkout's, and the chip. Whether the board has these very files: `rig doctor`."""
        return {**source_identity(FIRMWARE), "chip": self._spec.chip}

    @property
    def customer_port(self) -> str:
        self.require(CUSTOMER_PORT)
        return self._relays.urls["customer"]

    @property
    def utility_port(self) -> str:
        self.require(UTILITY_PORT)
        return self._relays.urls["utility"]

    @property
    def console(self) -> str:
        return bytes(self._said).decode("utf-8", "replace").replace("\r", "")

    @property
    def now_s(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    @property
    def powered(self) -> bool:
        self.require(SUPPLY)
        return self._powered

    def power_on(self) -> None:
        self.require(SUPPLY)
        self._enable(True)

    def power_off(self) -> None:
        """Hold EN low: the chip stops this instant, in whatever it is at."""
        self.require(SUPPLY)
        self._enable(False)

    def reset(self) -> None:
        self.require(RESET)
        self._enable(False)
        time.sleep(RESET_S)
        self._enable(True)

    def _enable(self, on: bool) -> None:
        try:
            self._line.dtr = False  # GPIO0 high: the flash is booted from, not the ROM
            self._line.rts = not on
        except OSError as error:
            raise BoardError("bench-failed", f"{self._spec.device}: {error}") from None
        self._powered = on
        self._relays.supply(on)

    def record(self, tape_path: str | Path) -> None:
        """Stamped by this machine's clock, at its end of the lines."""
        self.require(TAPE)
        identity = self.identity()
        chip = identity.pop("chip")
        header = {"rig": self.name, "firmware": identity, "vm": chip, "board": {"chip": chip}}
        self._relays.record(tape_path, header)

    def stop_recording(self) -> None:
        self._relays.stop_recording()
