"""From load points and a reference meter to the constants of one board (docs/calibration.md).

A meter that runs on the constants of its design tells real and reactive power; a reference tells
the true ones. Their ratio is the gain, the difference of their angles the phase, at each current.
One point without a current gives the noise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wattseal_hil.appliances import Phantom
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.frontend import FrontEnd
from wattseal_hil.questions import SATURATED, Means, means, measurement

BURST_MS = 200
SETTINGS = {"burst_ms": BURST_MS, "telegram_ms": 3_600_000, "checkpoint_ms": 3_600_000}
POINTS_A = (0.15, 0.4, 1.0, 2.0, 4.0, 10.0, 25.0, 50.0)
VOLTS = 230.0
_MOST_BURSTS = 3000
_NOISE_W = 2.7  # of the power of one burst, RMS, at 3 steps of noise
_PRECISION = 0.0008
Advance = Callable[[float, float], None]


@dataclass(frozen=True)
class Reference:
    """What a reference meter shows: lagging current gives positive reactive power."""

    voltage_v: float
    current_a: float
    power_w: float
    reactive_var: float = 0.0


def constants(quiet: Means, pairs: list[tuple[Reference, Means]], ua_per_step: int,
              uv_per_step: int) -> dict[str, Any]:
    """The content of calibration.json.

    quiet: measured without a current. pairs: 1 to 8 points, currents rising. ua_per_step,
    uv_per_step: the constants in use while measuring, without phase and noise. BoardError
    `calibration-points`.
    """
    amps = [reference.current_a for reference, _ in pairs]
    if not 1 <= len(pairs) <= 8 or amps != sorted(set(amps)) or amps[0] <= 0:
        raise BoardError("calibration-points", "1 to 8 points with rising currents are wanted")
    gains = [reference.voltage_v / seen.voltage_v for reference, seen in pairs]
    voltage_gain = sum(gains) / len(gains)
    points = []
    for reference, seen in pairs:
        if seen.flags & SATURATED:
            raise BoardError("calibration-points", f"{reference.current_a} A leaves the range")
        true = complex(reference.power_w, reference.reactive_var)
        shown = complex(seen.power_w, seen.reactive_var) * voltage_gain
        if not 0.5 < abs(true) / abs(shown) < 2:
            raise BoardError("calibration-points", f"{reference.current_a} A: the meter shows "
                             f"{abs(shown):.1f} VA where {abs(true):.1f} are true")
        lead_deg = math.degrees(math.remainder(_angle(true) - _angle(shown), math.tau))
        points.append([
            round(reference.current_a * 1000),
            round(ua_per_step * abs(true) / abs(shown)),
            round(lead_deg * 1000),
        ])
    return {
        "voltage_uv_per_step": round(uv_per_step * voltage_gain),
        "current_noise_msteps": round(quiet.current_a * 1e6 / ua_per_step * 1000),
        "current_points": points,
    }


def _angle(power: complex) -> float:
    return math.atan2(power.imag, power.real)


def bursts_for(watts: float, precision: float) -> int:
    """How many bursts make the mean of `watts` precise to a relative `precision` (one sigma)."""
    return min(_MOST_BURSTS, max(60, math.ceil((_NOISE_W / (watts * precision)) ** 2)))


def observe(board: EmulatedBoard, load: Phantom, bursts: int) -> Means:
    """Plug a load into a board that runs on SETTINGS, wait for it to settle, and measure."""
    board.plug(load)
    board.run_until(board.now_s + 3 * BURST_MS / 1000)
    first = measurement(board.customer_port)
    board.run_until(board.now_s + bursts * BURST_MS / 1000)
    return means(first, measurement(board.customer_port), BURST_MS)


def calibrate_bench(
    front_end: FrontEnd, seed: int, advance: Advance, points_a: tuple[float, ...] = POINTS_A
) -> dict[str, Any]:
    """Calibrate an emulated board whose flash is its own; the content of calibration.json."""
    loads = [Phantom(VOLTS, amps, 0.0) for amps in points_a]
    plan = [bursts_for(load.watts, _PRECISION) for load in loads]
    done, total = 0, 200 + sum(plan)
    with EmulatedBoard(seed=seed, settings=SETTINGS, front_end=front_end) as board:
        board.power_on()
        quiet = observe(board, Phantom(VOLTS, 0.0, 0.0), 200)
        pairs = []
        for load, bursts in zip(loads, plan, strict=True):
            advance(done, total)
            seen = observe(board, load, bursts)
            pairs.append((Reference(VOLTS, load.amps, load.watts), seen))
            done += bursts
        last = measurement(board.customer_port)
    return constants(
        quiet, pairs, last["current_ua_per_step"], last["voltage_uv_per_step"]
    )


CHECKS = (  # amperes, degrees: none of them a point of the calibration
    (0.25, 0.0), (0.7, 60.0), (3.0, 0.0), (5.0, 60.0), (5.0, -36.87), (16.0, 0.0), (40.0, 25.84),
)  # fmt: skip


def check_bench(
    front_end: FrontEnd, seed: int, found: dict[str, Any], advance: Advance
) -> list[dict[str, Any]]:
    """Errors in percent of power at other loads, with the design's constants and with `found`."""
    errors: list[list[float]] = []
    for turn, calibration in enumerate((None, found)):
        errors.append([])
        with EmulatedBoard(
            seed=seed, settings=SETTINGS, front_end=front_end, calibration=calibration
        ) as board:
            board.power_on()
            for number, (amps, angle_deg) in enumerate(CHECKS):
                advance(turn * len(CHECKS) + number, 2 * len(CHECKS))
                load = Phantom(VOLTS, amps, angle_deg)
                seen = observe(board, load, bursts_for(load.watts, 3 * _PRECISION))
                errors[turn].append(round(100 * (seen.energy_w / load.watts - 1), 3))
    return [
        {"load": f"{amps:g} A {angle_deg:+g} deg", "before_percent": before, "after_percent": after}
        for (amps, angle_deg), before, after in zip(CHECKS, *errors, strict=True)
    ]
