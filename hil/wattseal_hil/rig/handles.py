"""What a test holds in its hands: load, supply, faults, console and display of a rig.

Each needs its feature from the start, and puts back what it changed when the test is over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wattseal_hil.errors import BoardError
from wattseal_hil.rig.interface import CONSOLE, DISPLAY, LOAD, SUPPLY, Rig

if TYPE_CHECKING:
    from wattseal_hil.loads import Load


class LoadHandle:
    """What the household draws."""

    def __init__(self, rig: Rig, at_rest: Load | float | Mapping[str, Any] = 0.0) -> None:
        rig.require(LOAD)
        self._rig = rig
        self._at_rest = at_rest

    def plug(self, load: Load | float | None = None, **appliance: Any) -> None:
        """Watts; a load; or an appliance: plug(kind="motor", watts=500, power_factor=0.6)."""
        self._rig.plug(appliance if load is None else load)

    def unplug(self) -> None:
        """Nothing is drawn any more."""
        self._rig.plug(0.0)

    def energy_wh(self, since_s: float, until_s: float | None = None) -> float:
        """Energy drawn since then, by the load's own account."""
        return self._rig.load_energy_wh(since_s, self._rig.now_s if until_s is None else until_s)

    def restore(self) -> None:
        """Draw what was drawn before any test."""
        self._rig.plug(self._at_rest)


class SupplyHandle:
    """The mains behind the meter's power supply."""

    def __init__(self, rig: Rig) -> None:
        rig.require(SUPPLY)
        self._rig = rig

    def off(self) -> None:
        self._rig.power_off()

    def on(self) -> None:
        self._rig.power_on()

    def cut(self, seconds: float) -> None:
        """Without power for so much board time."""
        self._rig.power_off()
        self._rig.sleep(seconds)
        self._rig.power_on()

    def restore(self) -> None:
        if not self._rig.powered:
            self._rig.power_on()


class FaultsHandle:
    """What goes wrong: faults.inject("bit-errors", line="utility", rate=0.01)."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def inject(self, fault: str | Mapping[str, Any], **details: Any) -> None:
        """A fault by its kind and details, or by its whole description."""
        described = {"fault": fault} if isinstance(fault, str) else dict(fault)
        self._rig.inject({**described, **details})

    def clear(self) -> None:
        self._rig.clear()


class ConsoleHandle:
    """What the firmware prints; `text` is what it has printed since the test began."""

    def __init__(self, rig: Rig, begin: int = 0) -> None:
        rig.require(CONSOLE)
        self._rig = rig
        self._begin = begin

    @property
    def text(self) -> str:
        return self._rig.console[self._begin :]

    def expect(self, pattern: str, seconds: float = 10.0) -> re.Match[str]:
        """Let board time pass until `pattern` is printed; the match.

        Raises BoardError `console-silent` with what was printed instead.
        """
        deadline_s = self._rig.now_s + seconds
        while True:
            if found := re.search(pattern, self.text):
                return found
            if self._rig.now_s >= deadline_s:
                raise BoardError("console-silent", f"no {pattern!r} in {self.text[-500:]!r}")
            self._rig.sleep(min(0.25, max(0.01, deadline_s - self._rig.now_s)))


class DisplayHandle:
    """What the meter's display shows; asleep it is dark, and a press of the button wakes it."""

    def __init__(self, rig: Rig) -> None:
        rig.require(DISPLAY)
        self._rig = rig

    @property
    def text(self) -> str:
        """8 lines of up to 16 characters; characters that are none read as U+FFFD."""
        return self._rig.display_text()

    def png(self) -> bytes:
        """A picture of it, as a file."""
        return self._rig.display_png()

    def expect(self, pattern: str, seconds: float = 60.0) -> re.Match[str]:
        """Let board time pass until `pattern` is shown; the match.

        Raises BoardError `display-silent` with what was shown instead.
        """
        deadline_s = self._rig.now_s + seconds
        while True:
            if found := re.search(pattern, shown := self.text):
                return found
            if self._rig.now_s >= deadline_s:
                raise BoardError("display-silent", f"no {pattern!r} in {shown!r}")
            self._rig.sleep(min(0.25, max(0.01, deadline_s - self._rig.now_s)))
