"""The rig without hardware: an emulated board in this process, with every feature."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattseal_hil.appliances import appliance
from wattseal_hil.board import START_S, EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.faults import Fault
from wattseal_hil.frontend import bench
from wattseal_hil.loads import ConstantLoad, Load
from wattseal_hil.rig.identity import source_identity
from wattseal_hil.rig.interface import FEATURES, Rig
from wattseal_hil.vm import find_vm

RESET_S = 0.5


class EmulatedRig(Rig):
    """Board time stands still but for `sleep`, unless a `pace` is set.

    seed: of noise, randomness and identity. bits: word size of the VM. load: watts, a load, or an
    appliance's description; nothing is drawn by default. start_s: what time it is at first.
    settings, calibration: the meter's own files. faulty: clamp and converter with the faults of
    real ones, by the seed. flash: an image to go on with, kept. rtc: whether the clock is set at
    power-on. pace: see `set_pace`. firmware: another directory with main.py. chip: whose board,
    esp32, esp32s3 or esp32c3.
    """

    name = "emulated"
    features = FEATURES

    def __init__(
        self,
        *,
        seed: int = 1,
        bits: int = 64,
        load: Load | float | Mapping[str, Any] = 0.0,
        start_s: float = START_S,
        settings: Mapping[str, Any] | None = None,
        calibration: Mapping[str, Any] | None = None,
        faulty: bool = False,
        flash: str | Path | None = None,
        rtc: bool = True,
        heap_bytes: int | None = None,
        pace: float | None = None,
        firmware: str | Path | None = None,
        workdir: str | Path | None = None,
        chip: str = "esp32",
    ) -> None:
        options: dict[str, Any] = {} if firmware is None else {"firmware": firmware}
        self.board = EmulatedBoard(
            find_vm(bits),
            workdir,
            seed,
            as_load(load),
            start_s,
            settings,
            rtc,
            flash=flash,
            heap_bytes=heap_bytes,
            front_end=bench(seed) if faulty else None,
            calibration=calibration,
            chip=chip,
            **options,
        )
        self._heap_watched = False
        if pace is not None:
            self.board.set_pace(pace)

    @classmethod
    def around(cls, board: EmulatedBoard) -> EmulatedRig:
        """The rig of a board that somebody else has made."""
        rig = cls.__new__(cls)
        rig.board = board
        rig._heap_watched = False
        return rig

    def close(self) -> None:
        self.board.close()

    def identity(self) -> dict[str, Any]:
        return {**source_identity(self.board.firmware), "vm": self.board.vm_info}

    @property
    def customer_port(self) -> str:
        return self.board.customer_port

    @property
    def utility_port(self) -> str:
        return self.board.utility_port

    @property
    def console(self) -> str:
        return self.board.console

    @property
    def now_s(self) -> float:
        return self.board.now_s

    def sleep(self, seconds: float) -> None:
        self.board.run_until(self.board.now_s + seconds)

    def sleep_until(self, t_s: float) -> None:
        self.board.run_until(t_s)

    def set_pace(self, speed: float | None) -> None:
        self.board.set_pace(speed)

    @property
    def powered(self) -> bool:
        return self.board.powered

    def power_on(self) -> None:
        self.board.power_on()

    def power_off(self) -> None:
        self.board.power_off()

    def reset(self) -> None:
        """To the chip, its reset line is like the power: the clock is lost, the flash is kept."""
        self.board.power_off()
        self.sleep(RESET_S)
        self.board.power_on()

    @property
    def failure(self) -> BoardError | None:
        return self.board.failure

    def press_button(self, seconds: float = 0.2) -> None:
        self.board.press_button(seconds)

    def drive_pin(self, pin: int, level: int) -> None:
        self.board.drive_pin(pin, level)

    def pin(self, pin: int) -> int:
        return self.board.pin(pin)

    def plug(self, load: Load | float | Mapping[str, Any]) -> None:
        self.board.plug(as_load(load))

    def load_energy_wh(self, from_s: float, to_s: float) -> float:
        return self.board.load_energy_wh(from_s, to_s)

    def inject(self, fault: Mapping[str, Any] | Fault) -> None:
        """A description, or, on this rig alone, a Fault object (faults.py)."""
        self.board.inject(fault)

    def clear(self) -> None:
        self.board.inject(None)

    def wear(self) -> dict[str, int]:
        flash = self.board.flash
        return {"programs": flash.total_programs, "erases": flash.total_erases}

    def heap_low_bytes(self) -> int:
        if not self._heap_watched:
            self.board.watch_heap()
            self._heap_watched = True
            self.sleep(1.0)  # the heap is seen when the firmware next waits
        return self.board.heap_low_bytes

    def display_text(self) -> str:
        return self.board.display_text()

    def display_png(self) -> bytes:
        return self.board.display_png()

    def record(self, tape_path: str | Path) -> None:
        self.board.record(tape_path)

    def stop_recording(self) -> None:
        self.board.stop_recording()


def as_load(load: Load | float | Mapping[str, Any]) -> Load:
    """A load of watts, of an appliance's description, or itself. Raises LoadError."""
    if isinstance(load, int | float):
        return ConstantLoad(load)
    return appliance(dict(load)) if isinstance(load, Mapping) else load
