"""The emulated board: the firmware as it is, on a real MicroPython VM, with everything below it.

    with EmulatedBoard(load=ConstantLoad(1000), start_s=1767225600) as board:
        board.power_on()
        board.run_until(board.now_s + 3600)
        print(board.customer_port, board.flash.total_erases)

Times are UTC seconds since 1970. The same seed, load, settings and calls give the same bytes,
whatever the machine and whichever VM (64 or 32 bits), as long as no client talks while time runs.
"""

import contextlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wattseal_hil.board_display import BoardDisplay
from wattseal_hil.board_start import BoardStart
from wattseal_hil.board_time import BoardTime
from wattseal_hil.converter import of_chip
from wattseal_hil.deploy import deployed
from wattseal_hil.errors import BoardError
from wattseal_hil.fault_kinds import parse
from wattseal_hil.faults import Fault
from wattseal_hil.frontend import FrontEnd
from wattseal_hil.injection import AtWork
from wattseal_hil.link import EPOCH_2000_S, SHIM, SharedMemory
from wattseal_hil.loads import ConstantLoad, Load, ProfileLoad, SwitchedLoad
from wattseal_hil.nor import FlashImage, FlashStatistics
from wattseal_hil.physics import Physics
from wattseal_hil.real.boards import board_of
from wattseal_hil.recorder import Taping
from wattseal_hil.supervisor import Supervisor
from wattseal_hil.traffic import Tap
from wattseal_hil.tree import FIRMWARE
from wattseal_hil.vm import Vm, find_vm
from wattseal_hil.waves import Mains

FLASH_BYTES = 2 << 20
HEAP_BYTES = {64: 512 << 10, 32: 160 << 10}
START_S = 1_767_225_600  # 2026-01-01T00:00:00Z
CAUSE_AT = 62  # of machine.reset_cause(); the VM itself says so of a reset
POWER_ON = 1
PRESS_S = 0.2
_APART_S = 0.1  # a finger is not faster; contacts are at rest by then


class EmulatedBoard(BoardTime, BoardDisplay):
    """One board: its flash, its clock, its load and its two ports, powered or not.

    `workdir` (made if missing; by default a temporary one, removed by `close`) holds `flash.bin`,
    unless `flash` names another image. `settings` replace /settings.json on the flash; without
    any the file is left alone. `rtc=False`: the clock starts at 2000-01-01 after power-on, as on
    hardware; otherwise somebody at the bench sets it, exactly. `firmware` is the directory with
    main.py. `form`: how it is deployed, sources, mpy or romfs (deploy.py); in the latter two the
    emulation below it stays out of the heap as well. `heap_bytes`: heap of the VM. `front_end`: the
    analogue side, by default flawless but for noise; `mains`: the supply. `calibration` is to
    /calibration.json what `settings` are to theirs. `chip`: esp32, esp32s3 or esp32c3, with the
    pins and the converter of the board of that chip in boards/.
    """

    def __init__(
        self,
        vm: Vm | None = None,
        workdir: str | Path | None = None,
        seed: int = 1,
        load: Load | None = None,
        start_s: float = START_S,
        settings: Mapping[str, Any] | None = None,
        rtc: bool = True,
        *,
        flash: str | Path | None = None,
        firmware: str | Path = FIRMWARE,
        form: str = "sources",
        heap_bytes: int | None = None,
        front_end: FrontEnd | None = None,
        mains: Mains | None = None,
        calibration: Mapping[str, Any] | None = None,
        chip: str = "esp32",
    ) -> None:
        super().__init__()
        self.vm = vm or find_vm()
        self.firmware = Path(firmware).resolve()
        if not (self.firmware / "main.py").is_file():
            raise BoardError("firmware-missing", f"{self.firmware} has no main.py")
        self._temporary = None
        if workdir is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="wattseal-board-")
            workdir = self._temporary.name
        self.workdir = Path(workdir)
        self.workdir.mkdir(parents=True, exist_ok=True)
        at_work = deployed(self.firmware, form, self.workdir / "deployed")
        shim = deployed(
            SHIM, "sources" if form == "sources" else "romfs", self.workdir / "deployed"
        )
        self._flash = FlashImage(Path(flash) if flash else self.workdir / "flash.bin", FLASH_BYTES)
        self._load = SwitchedLoad(load or ProfileLoad())
        self._rtc = rtc
        self._shared = SharedMemory()
        self._data = board_of(chip)
        self.button_pin = self._data.pins["PAIRING_BUTTON"]
        self._shared.set_level(self.button_pin, 1)
        front_end = front_end or FrontEnd(converter=of_chip(chip))
        physics = Physics(seed, self._load, front_end, mains)
        self._shared.put_factory(physics.front_end.converter.factory_uv().astype("<u4").tobytes())
        self._vm = BoardStart(
            self.vm,
            self._shared,
            self._flash,
            at_work,
            shim,
            heap_bytes or HEAP_BYTES[self.vm.bits],
            physics.conversion_us,
            seed,
            json.dumps(settings, sort_keys=True) if settings else "",
            json.dumps(calibration, sort_keys=True) if calibration else "",
            self._data,
            self.firmware,
        )
        self._bench = Supervisor(round(start_s * 1_000_000), physics, self._shared.put_samples)
        self._bench.on_reset = self._start
        self._bench.on_power = self._switch_on
        self._bench.cells = self._flash.cells
        self._taping = Taping(self._bench, self._vm.identity, lambda: self._load.at(self.now_s))
        tamper_pin = (settings or {}).get("tamper_pin", -1)
        self._faults = AtWork(self._bench, self._shared, self._move, tamper_pin)
        self.customer_port, self.utility_port = (port.path for port in self._bench.traffic.ports)

    def __enter__(self) -> "EmulatedBoard":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cut the power and leave nothing behind. May be called twice."""
        with contextlib.suppress(BoardError):
            self.stop_recording()
        self._bench.close()
        self._shared.close()
        self._flash.close()
        if self._temporary:
            self._temporary.cleanup()

    # Power

    @property
    def failure(self) -> BoardError | None:
        """What stopped the firmware since the last power-on, if anything did."""
        return self._bench.failure

    @property
    def powered(self) -> bool:
        return self._bench.vm is not None

    def power_on(self) -> None:
        """Start the firmware and wait until it has nothing to do at this very moment.

        Raises BoardError `firmware-stopped` or `firmware-ended` with the console's last lines.
        """
        if not self.powered:
            self._bench.call(self._switch_on)
            self.run_until(self.now_s)

    def _switch_on(self) -> None:
        self._shared.set_level(CAUSE_AT, POWER_ON)
        set_us = self._bench.now_us - EPOCH_2000_S * 1_000_000
        self._start(set_us if self._rtc else 0)

    def _start(self, rtc_us: int) -> None:
        self._bench.attach(self._vm.start(rtc_us))

    def power_off(self) -> None:
        """Cut the power this instant. The flash keeps what was written, the clock is lost."""
        self._bench.call(self._bench.power_off)

    # Hands

    def press_button(self, seconds: float = PRESS_S) -> None:
        """Press the button, release it after `seconds` of board time, and take the finger away."""
        self.drive_pin(self.button_pin, 0)
        try:
            self.run_until(self.now_s + seconds)
        finally:
            self.drive_pin(self.button_pin, 1)
        self.run_until(self.now_s + _APART_S)

    def drive_pin(self, pin: int, level: int) -> None:
        """Put a pin of the board low (0) or high (1) from outside. All but the button start low."""
        self._bench.call(lambda: self._move(pin, level))

    def _move(self, pin: int, level: int) -> None:
        self._shared.set_level(pin, level)
        if self._taping.tape:
            self._taping.tape.pin(pin, level)
        if self._bench.vm:
            self._bench.vm.pin_moved(pin, level)

    def pin(self, pin: int) -> int:
        """The level of a pin, whoever drives it."""
        return self._shared.level(pin)

    def plug(self, load: Load | float) -> None:
        """From now on this load is drawn (a number: watts)."""
        new = ConstantLoad(load) if isinstance(load, int | float) else load

        def switch() -> None:
            self._load.switch(self.now_s, new)
            self._bench.sampling.forget()
            if self._taping.tape:
                self._taping.tape.load(new)

        self._bench.call(switch)

    def inject(self, fault: Fault | Mapping[str, Any] | None) -> None:
        """From now on this fault is at work beside those before; None: none is.

        fault: a description (fault_kinds.py), or an object with a say in every operation of the
        flash. One that cuts the power leaves the board off (`powered`), and time passes.
        Raises BoardError `fault-malformed`.
        """
        made = parse(fault).fault if isinstance(fault, Mapping) else fault

        def put() -> None:
            if made is None:
                self._faults.clear()
            elif isinstance(fault, Mapping):
                self._faults.described(made)
            else:
                self._faults.add(made)
            tape = self._taping.tape
            if tape and fault is None:
                tape.cleared()
            elif tape:
                tape.fault(fault)

        self._bench.call(put)

    # The lines, from inside

    def tap(self, tap: Tap, supply: Callable[[bool, int], None] | None = None) -> None:
        """From now on `tap` is told of every byte at the firmware's UARTs, and `supply` of the
        firmware's starts and ends; in the bench's thread. Faults of a line are beyond it."""

        def add() -> None:
            self._bench.traffic.taps.append(tap)
            if supply:
                self._bench.supply_taps.append(supply)

        self._bench.call(add)

    def send(self, port: int, data: bytes) -> None:
        """Send to a port (0 the customer's, 1 the utility's) as a client would, over its line.

        Nothing waits for an answer: let time pass, and `tap`.
        """
        self._bench.call(lambda: self._bench.send(port, data))

    # Tapes

    def record(self, path: str | Path) -> None:
        """From now on all that passes and is done here goes onto a new tape at `path` (tape.py).

        Raises BoardError `tape-unusable`; a tape that runs is stopped first.
        """
        self._taping.begin(path)

    def stop_recording(self) -> None:
        """Close the tape. Without one, nothing."""
        self._taping.end()

    # What can be seen

    def load_energy_wh(self, from_s: float, to_s: float) -> float:
        """Energy drawn in [from_s, to_s), by the load's own account."""
        return self._load.energy_wh(from_s, to_s)

    @property
    def console(self) -> str:
        """All the VM has printed since power-on of the first start (the last MiB)."""
        return bytes(self._bench.console).decode("utf-8", "replace")

    @property
    def flash(self) -> FlashStatistics:
        programs, erases = self._shared.wear(self._flash.blocks)
        return FlashStatistics(tuple(programs), tuple(erases))

    def watch_heap(self) -> None:
        """From now on collect garbage whenever the firmware waits, and keep what is then free."""
        self._shared.watch_heap()

    @property
    def heap_low_bytes(self) -> int:
        """The least heap that was free since `watch_heap`, in bytes."""
        return self._shared.heap_low_bytes()

    @property
    def vm_info(self) -> str:
        """`sys.implementation` as the VM itself prints it."""
        return self._vm.implementation()
