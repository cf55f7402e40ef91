"""What can be asked of a rig, and the features that say whether this one can do it.

A rig has those features that are in `features`; everything else it refuses with BoardError
`feature-missing`, whose detail begins with the feature's name. So one test runs on every rig, and
a rig that lacks what the test needs says so instead of pretending.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from wattseal_hil.errors import BoardError

if TYPE_CHECKING:
    from wattseal_hil.loads import Load
    from wattseal_hil.rig.handles import DisplayHandle

CUSTOMER_PORT = "customer-port"  # `customer_port` can be opened
UTILITY_PORT = "utility-port"  # `utility_port` can be opened
CONSOLE = "console"  # what the firmware prints can be read
LOAD = "load"  # what is drawn can be chosen
LOAD_ENERGY = "load-energy"  # and is accounted for, apart from the meter
SUPPLY = "supply"  # the power can be cut, and comes back when told
BUTTON = "button"  # the pairing button can be pressed
PINS = "pins"  # any pin can be driven and read
VIRTUAL_TIME = "virtual-time"  # board time passes as fast as the board can, when told
RESET = "reset"  # the reset line can be pulled
FLASH_FAULTS = "flash-faults"
LINE_FAULTS = "line-faults"
SENSOR_FAULTS = "sensor-faults"
CLOCK_FAULTS = "clock-faults"
FLASH_WEAR = "flash-wear"  # programs and erases are counted
HEAP = "heap"  # the least free heap is watched
DISPLAY = "display"  # what the meter's display shows can be read
TAPE = "tape"  # both ports can be recorded

FEATURES = frozenset(
    {
        CUSTOMER_PORT, UTILITY_PORT, CONSOLE, LOAD, LOAD_ENERGY, SUPPLY, BUTTON, PINS,
        VIRTUAL_TIME, RESET, FLASH_FAULTS, LINE_FAULTS, SENSOR_FAULTS, CLOCK_FAULTS, FLASH_WEAR,
        HEAP, TAPE, DISPLAY,
    }
)  # fmt: skip


class Rig:
    """One meter on a bench. A kind of rig overrides what it can do and names it in `features`.

    A rig is made with the power off (or as it was found, if it has no `supply`), and with its
    console captured already, so nothing the firmware says is lost. It is a context manager;
    `close` leaves the bench as it was found. Times are UTC seconds since 1970, by the bench.
    """

    name: str = "rig"
    features: frozenset[str] = frozenset()

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the bench. May be called twice."""

    def missing(self, feature: str) -> BoardError:
        """The error of a rig that lacks `feature`."""
        if feature not in FEATURES:
            known = ", ".join(sorted(FEATURES))
            return BoardError("feature-unknown", f"{feature} is none of {known}")
        return BoardError("feature-missing", f"{feature}: {self.name} has none")

    def require(self, *features: str) -> None:
        """Raise BoardError `feature-missing` for the first of them this rig lacks."""
        for feature in features:
            if feature not in FEATURES or feature not in self.features:
                raise self.missing(feature)

    def _none(self, feature: str) -> NoReturn:
        raise self.missing(feature)

    # What it is

    def identity(self) -> dict[str, Any]:
        """What is under test: `commit`, `files` {path: sha256} of the firmware, `vm` or `chip`.

        What cannot be known is left out.
        """
        return {}

    # Ports: what pyserial's serial_for_url opens (/dev/pts/4, /dev/ttyUSB1, socket://lab:4001)

    @property
    def customer_port(self) -> str:
        self._none(CUSTOMER_PORT)

    @property
    def utility_port(self) -> str:
        self._none(UTILITY_PORT)

    @property
    def console(self) -> str:
        """All the firmware has printed since this rig was made, the first line included."""
        self._none(CONSOLE)

    # Time

    @property
    def now_s(self) -> float:
        """What time it is on the bench. The meter's own clock may differ."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of board time pass. Virtual time passes as fast as the board can."""
        raise NotImplementedError

    def sleep_until(self, t_s: float) -> None:
        """Let time pass up to `t_s`. Raises BoardError `time-backwards`."""
        if t_s < self.now_s:
            raise BoardError("time-backwards", f"it is {self.now_s:.3f} already")
        self.sleep(t_s - self.now_s)

    def set_pace(self, speed: float | None) -> None:
        """Board seconds a second that pass by themselves, for tools that wait for real.

        None: time stands still but for `sleep`, which is how a rig with virtual time begins.
        """
        self._none(VIRTUAL_TIME)

    # Power

    def start(self) -> None:
        """See to it that the meter runs: power on, where there is a supply to switch."""
        if SUPPLY in self.features:
            self.power_on()

    @property
    def powered(self) -> bool:
        self._none(SUPPLY)

    def power_on(self) -> None:
        self._none(SUPPLY)

    def power_off(self) -> None:
        """Cut the power this instant."""
        self._none(SUPPLY)

    def reset(self) -> None:
        """Pull the reset line: the firmware starts anew, the flash stays. Nothing else does so."""
        self._none(RESET)

    @property
    def failure(self) -> BoardError | None:
        """What stopped the firmware since the last power-on, as far as the rig can tell."""
        return None

    # Hands

    def press_button(self, seconds: float = 0.2) -> None:
        """Hold the pairing button down for `seconds` of board time."""
        self._none(BUTTON)

    def drive_pin(self, pin: int, level: int) -> None:
        self._none(PINS)

    def pin(self, pin: int) -> int:
        self._none(PINS)

    # Load

    def plug(self, load: Load | float | Mapping[str, Any]) -> None:
        """From now on this is drawn: watts, a load, or an appliance's description (appliances.py).

        A load object is for rigs in this process; watts and descriptions are for all.
        """
        self._none(LOAD)

    def load_energy_wh(self, from_s: float, to_s: float) -> float:
        """Energy drawn in [from_s, to_s), by the load's own account and not the meter's."""
        self._none(LOAD_ENERGY)

    # Faults

    def inject(self, fault: Mapping[str, Any]) -> None:
        """From now on this goes wrong, too: {"fault": kind, ...} as `wattseal rig faults` lists.

        Raises BoardError `feature-missing` with the feature the fault needs, `fault-malformed`.
        """
        from wattseal_hil.fault_kinds import feature_of

        self._none(feature_of(fault))

    def clear(self) -> None:
        """No fault is at work from now on. What one has done stays done."""

    # What can be seen

    def wear(self) -> dict[str, int]:
        """Operations of the flash since the rig was made: `programs`, `erases`."""
        self._none(FLASH_WEAR)

    def heap_low_bytes(self) -> int:
        """The least heap that was free since this was first asked (the first answer: now)."""
        self._none(HEAP)

    @property
    def display(self) -> DisplayHandle:
        """The meter's display: `text`, `png()`, `expect(pattern)`."""
        from wattseal_hil.rig.handles import DisplayHandle

        return DisplayHandle(self)

    def display_text(self) -> str:
        """8 lines of up to 16 characters, as a person reads them; empty while it is dark."""
        self._none(DISPLAY)

    def display_png(self) -> bytes:
        """A picture of it."""
        self._none(DISPLAY)

    # Tapes

    def record(self, tape_path: str | Path) -> None:
        """From now on every byte of both ports, and all that is done to the board, is on tape."""
        self._none(TAPE)

    def stop_recording(self) -> None:
        """Close the tape. Without one, nothing."""
