"""The customer port's `?measurement`: what the meter measured, in sums since its boot.

Two answers, one after the other, give the means between them, whatever the number of bursts. Raises
BoardError `meter-silent` or `meter-answer`.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import serial

from wattseal_hil.errors import BoardError

_NAMES = (
    "bursts", "sum_power_mw", "sum_reactive_mvar", "sum_voltage_mv", "sum_current_ma",
    "import_uj", "export_uj", "voltage_uv_per_step", "current_ua_per_step", "mains_mhz", "flags",
)  # fmt: skip
SATURATED = 1


@dataclass(frozen=True)
class Means:
    """Means over `bursts` bursts. energy_w: mean power by the register, import less export, at
    `burst_ms` a burst; flags and mains_mhz: of the last one."""

    bursts: int
    power_w: float
    reactive_var: float
    voltage_v: float
    current_a: float
    energy_w: float
    mains_mhz: int
    flags: int


def measurement(port: str, timeout_s: float = 5.0) -> dict[str, Any]:
    """The meter's answer, its fields checked to be integers (and `calibrated` a truth value)."""
    deadline_s = time.monotonic() + timeout_s
    try:
        with serial.Serial(port, 115200, timeout=0.2) as line:
            line.write(b"\r\n?measurement\r\n")
            text = b""
            while time.monotonic() < deadline_s:
                text = line.readline() if text.endswith(b"\n") else text + line.readline()
                if text.startswith(b"#measurement ") and text.endswith(b"\n"):
                    return _checked(text[13:])
    except (serial.SerialException, OSError) as error:
        raise BoardError("meter-silent", f"{port}: {error}") from None
    raise BoardError("meter-silent", f"{port} gave no answer to ?measurement")


def _checked(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not all(type(answer.get(n)) is int for n in _NAMES):
        raise BoardError("meter-answer", text[:60].decode("ascii", "replace"))
    return answer


def means(first: dict[str, Any], second: dict[str, Any], burst_ms: int) -> Means:
    """What was measured between two answers of one meter that did not start anew."""
    bursts = second["bursts"] - first["bursts"]
    if bursts <= 0:
        raise BoardError("meter-answer", "no burst between two questions: no mains voltage?")

    def mean(name: str) -> float:
        return (second[name] - first[name]) / bursts / 1000

    energy_uj = second["import_uj"] - first["import_uj"]
    energy_uj -= second["export_uj"] - first["export_uj"]
    return Means(
        bursts,
        mean("sum_power_mw"),
        mean("sum_reactive_mvar"),
        mean("sum_voltage_mv"),
        mean("sum_current_ma"),
        energy_uj / (bursts * burst_ms) / 1000,
        second["mains_mhz"],
        second["flags"],
    )
