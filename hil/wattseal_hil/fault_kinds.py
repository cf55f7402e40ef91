"""Every kind of fault, by name: what it means, what it takes, and what it is made of.

A fault is described by one JSON object, alike in Python, on the control socket, on the command
line, in a scenario and on a tape:

    {"fault": "bit-errors", "line": "utility", "rate": 0.001}

`parse` is strict: an unknown name, a missing one, a wrong type or a value out of range is one
BoardError `fault-malformed` that names the field. `Described.description` is the same fault with
every parameter said, and parses to the same again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wattseal_hil import line_faults, sensor_faults
from wattseal_hil.errors import BoardError
from wattseal_hil.faults import KINDS as TEARS
from wattseal_hil.faults import BrownOut, PowerCut, Refusal, WornBlock
from wattseal_hil.rig.interface import (
    CLOCK_FAULTS,
    DISPLAY,
    FLASH_FAULTS,
    LINE_FAULTS,
    PINS,
    SENSOR_FAULTS,
)


@dataclass(frozen=True)
class ClockJump:
    """The chip's real-time clock jumps once, when this is put in; it needs power."""

    by_s: int


@dataclass(frozen=True)
class FlashFull:
    """Another file fills the flash but for `free_blocks`."""

    free_blocks: int


@dataclass(frozen=True)
class CaseOpened:
    """The tamper switch is open. pin: None for the one in the meter's settings."""

    pin: int | None


@dataclass(frozen=True)
class DisplayFault:
    """No display is connected, or, `stuck`, a line of its bus is held low."""

    stuck: bool


@dataclass(frozen=True)
class Parameter:
    """One field of a description: a type, a range with its unit, a default unless `required`."""

    name: str
    type: type
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False

    def take(self, kind: str, value: Any) -> Any:
        """The value, or BoardError `fault-malformed`."""
        wanted = self.range_text()
        if self.type is str:
            good = isinstance(value, str) and value in self.choices
        else:
            types = (int, float) if self.type is float else (int,)
            good = isinstance(value, types) and not isinstance(value, bool)
            good = good and math.isfinite(value) and self.low <= value <= self.high
        if not good:
            raise BoardError("fault-malformed", f"{kind}: {self.name} is {wanted}, not {value!r}")
        return float(value) if self.type is float else value

    def range_text(self) -> str:
        """What it may be, for people."""
        if self.type is str:
            return "one of " + ", ".join(self.choices)
        number = "a number" if self.type is float else "a whole number"
        unit = f" {self.unit}" if self.unit else ""
        if math.isinf(self.high):
            return f"{number} from {self.low:g}{unit} on"
        return f"{number} from {self.low:.10g} to {self.high:.10g}{unit}"


@dataclass(frozen=True)
class Kind:
    """One kind of fault. feature: what a rig needs for it."""

    name: str
    feature: str
    meaning: str
    parameters: tuple[Parameter, ...]
    make: Callable[..., Any]


@dataclass(frozen=True)
class Described:
    """A fault as read: its whole description, the feature it needs, and the object that does it."""

    description: dict[str, Any]
    feature: str
    fault: Any

    @property
    def kind(self) -> str:
        return str(self.description["fault"])


_SEED = Parameter("seed", int, "of its chance", 0, (1 << 32) - 1, default=1)
_LINE = Parameter("line", str, "which port", choices=line_faults.LINES, required=True)
_WAY = Parameter("way", str, "what passes", choices=line_faults.WAYS, default=line_faults.BOTH)
_TEAR = Parameter("tear", str, "how far the operation gets", choices=TEARS, default="before")
_OF = Parameter("input", str, "which input", choices=sensor_faults.INPUTS, required=True)
_DAY_MS = 86_400_000


def _rate(of: str, default: float | None = None) -> Parameter:
    return Parameter(
        "rate", float, f"chance of each {of}", 0, 1, default=default, required=default is None
    )


def _on_line(maker: type[line_faults.LineFault]) -> Callable[..., Any]:
    return lambda line, way, rate, seed: maker(line, way, rate, seed)  # type: ignore[call-arg]


_ALL = (
    Kind("bit-errors", LINE_FAULTS, "bits on a line turn over",
         (_LINE, _rate("bit"), _WAY, _SEED), _on_line(line_faults.BitErrors)),
    Kind("dropped-bytes", LINE_FAULTS, "bytes on a line are lost",
         (_LINE, _rate("byte"), _WAY, _SEED), _on_line(line_faults.DroppedBytes)),
    Kind("doubled-bytes", LINE_FAULTS, "bytes on a line arrive twice",
         (_LINE, _rate("byte"), _WAY, _SEED), _on_line(line_faults.DoubledBytes)),
    Kind("delayed-bytes", LINE_FAULTS, "a byte on a line, and all after it, comes late",
         (_LINE, Parameter("delay_ms", int, "how late", 1, 60_000, "ms", required=True),
          _rate("byte", 1.0), _WAY, _SEED),
         lambda line, delay_ms, rate, way, seed: line_faults.DelayedBytes(
             line, way, rate, 1000 * delay_ms, seed)),
    Kind("cut-line", LINE_FAULTS, "nothing passes a line", (_LINE, _WAY),
         lambda line, way: line_faults.CutLine(line, way)),
    Kind("babbling-master", LINE_FAULTS, "somebody else talks to the meter, out of turn",
         (Parameter("line", str, "which port", choices=line_faults.LINES, default="utility"),
          Parameter("period_ms", int, "how often", 1, _DAY_MS, "ms", default=100),
          Parameter("what", str, "what it says", choices=line_faults.BABBLE, default="noise"),
          Parameter("bytes", int, "length of it", 1, 250, "bytes", default=16), _SEED),
         lambda line, period_ms, what, bytes, seed: line_faults.BabblingMaster(
             line, 1000 * period_ms, what, bytes, seed)),
    Kind("power-cut", FLASH_FAULTS, "the power fails at an operation of the flash",
         (Parameter("at", int, "which from now on (1: the next)", 1, 1 << 40, default=1),
          _TEAR,
          Parameter("off_ms", int, "how long (0: until it is switched on)", 0, _DAY_MS, "ms",
                    default=0), _SEED),
         lambda at, tear, off_ms, seed: PowerCut(
             at, tear, random.Random(seed), 1000 * off_ms if off_ms else None)),
    Kind("brown-out", FLASH_FAULTS, "the power dips while the next record is being sealed",
         (Parameter("at", int, "which operation of the seal (1: the first)", 1, 1 << 20,
                    default=1),
          _TEAR, Parameter("off_ms", int, "how long", 1, _DAY_MS, "ms", default=300), _SEED),
         lambda at, tear, off_ms, seed: BrownOut(
             at, tear, random.Random(seed), 1000 * off_ms)),
    Kind("flash-refuses", FLASH_FAULTS, "the flash answers operations with an error",
         (Parameter("first", int, "from which on (1: the next)", 1, 1 << 40, default=1),
          Parameter("count", int, "how many", 1, 1 << 40, default=1 << 40)),
         lambda first, count: Refusal(first, count)),
    Kind("worn-block", FLASH_FAULTS, "what is written to a block of the flash does not stick",
         (Parameter("block", int, "which, of 4096 bytes", 0, 4095, required=True),),
         lambda block: WornBlock(block)),
    Kind("flash-full", FLASH_FAULTS, "other files fill the flash, from when the meter next waits",
         (Parameter("free_blocks", int, "blocks of 4096 bytes left", 0, 200, default=0),),
         lambda free_blocks: FlashFull(free_blocks)),
    Kind("adc-stuck", SENSOR_FAULTS, "an input of the converter says the same code for ever",
         (_OF, Parameter("code", int, "which", 0, 4095, required=True)),
         lambda input, code: sensor_faults.StuckAdc(input, code)),
    Kind("clamp-unplugged", SENSOR_FAULTS, "the current clamp is off", (),
         lambda: sensor_faults.Unplugged("current")),
    Kind("voltage-unplugged", SENSOR_FAULTS, "the voltage transformer is off", (),
         lambda: sensor_faults.Unplugged("voltage")),
    Kind("clock-jump", CLOCK_FAULTS, "the chip's clock jumps once, at this moment",
         (Parameter("by_s", int, "how far (negative: back)", -(2**31), 2**31, "s",
                    required=True),),
         lambda by_s: ClockJump(by_s)),
    Kind("case-opened", PINS, "the tamper switch opens; it shuts when the fault ends",
         (Parameter("pin", int, "which GPIO (-1: as in the meter's settings)", -1, 48,
                    default=-1),),
         lambda pin: CaseOpened(None if pin < 0 else pin)),
    Kind("display-absent", DISPLAY, "no display answers on its bus", (),
         lambda: DisplayFault(stuck=False)),
    Kind("bus-stuck", DISPLAY, "a line of the display's bus is held low: transfers time out", (),
         lambda: DisplayFault(stuck=True)),
)  # fmt: skip

KINDS = {kind.name: kind for kind in _ALL}


def parse(description: Mapping[str, Any]) -> Described:
    """Read a description. Raises BoardError `fault-malformed`."""
    if not isinstance(description, Mapping):
        raise BoardError("fault-malformed", "a fault is one object")
    name = description.get("fault")
    if not isinstance(name, str) or name not in KINDS:
        raise BoardError("fault-malformed", f"fault is one of {', '.join(KINDS)}, not {name!r}")
    kind = KINDS[name]
    known = {parameter.name: parameter for parameter in kind.parameters}
    for field in description:
        if field != "fault" and field not in known:
            takes = ", ".join(known) or "no parameter"
            raise BoardError("fault-malformed", f"{name}: {field} is unknown, it takes {takes}")
    values: dict[str, Any] = {}
    for field, parameter in known.items():
        if field in description:
            values[field] = parameter.take(name, description[field])
        elif parameter.required:
            raise BoardError("fault-malformed", f"{name}: {field} is missing")
        else:
            values[field] = parameter.default
    return Described({"fault": name, **values}, kind.feature, kind.make(**values))


def feature_of(description: Mapping[str, Any]) -> str:
    """The feature a rig needs for a fault. Raises BoardError `fault-malformed`."""
    return parse(description).feature
