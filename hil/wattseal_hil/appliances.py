"""Loads with a wave of their own: motors, rectifiers, cycle-skipping cookers, recorded waveforms.

Each draws one mean power for ever and answers `wave(mains)` beside `power_w` and `energy_wh`.
Negative watts flow out of the household. Errors: LoadError, as in loads.py.
"""

import hashlib
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from wattseal_hil.errors import LoadError
from wattseal_hil.loads import MAX_POWER_W, ConstantLoad, Load
from wattseal_hil.waves import Loop, Mains, Samples, Sine, Wave, finer, looped

# Counts a unit of the recordings with the header i_raw,v_raw, from their source's own script.
RAW_PER_A = 41.4738
RAW_PER_V = 21.3872
_FINER = 16  # a recording at 6400 samples a second is played at 102,400
_POINTS = 20_000  # of a cycle of a computed wave
_RIPPLE = 0.1  # a rectifier's capacitor: what it loses in a half cycle, of its voltage
_TRACKING_US = 300  # how fast the capacitor follows the mains, through the source's impedance


class Appliance(ConstantLoad, ABC):
    """A constant mean power with a wave of its own, made once for each supply."""

    def __init__(self, watts: float) -> None:
        super().__init__(watts)
        self._made: tuple[Mains, Wave] | None = None

    def wave(self, mains: Mains) -> Wave:
        if self._made is None or self._made[0] != mains:
            self._made = (mains, self._make(mains))
        return self._made[1]

    @abstractmethod
    def _make(self, mains: Mains) -> Wave:
        """One period of the current."""


class Motor(Appliance):
    """A sinusoidal current out of phase: `power_factor` in (0, 1], lagging unless `leading`."""

    def __init__(self, watts: float, power_factor: float, leading: bool = False) -> None:
        super().__init__(watts)
        if not 0 < power_factor <= 1:
            raise LoadError("load-range", f"power factor {power_factor} is not in (0, 1]")
        self.power_factor = power_factor
        angle = float(np.arccos(power_factor))
        self.angle_rad = -angle if leading else angle

    def _make(self, mains: Mains) -> Wave:
        amps = self.watts / (mains.volts * self.power_factor)
        return Sine(mains.volts, amps, self.angle_rad, mains.mains_mhz)


class Phantom(Appliance):
    """A meter test bench's phantom load: voltage, current and angle (lagging) set one by one."""

    def __init__(self, volts: float, amps: float, angle_deg: float = 0.0) -> None:
        if not 0 <= volts <= 300 or not 0 <= amps <= 200:
            raise LoadError("load-range", f"{volts} V and {amps} A are beyond 300 V and 200 A")
        self.volts, self.amps, self.angle_rad = volts, amps, float(np.radians(angle_deg))
        super().__init__(volts * amps * float(np.cos(self.angle_rad)))

    def _make(self, mains: Mains) -> Wave:
        return Sine(self.volts, self.amps, self.angle_rad, mains.mains_mhz)


class Rectifier(Appliance):
    """A bridge rectifier into a capacitor and a constant power: current in short pulses."""

    def _make(self, mains: Mains) -> Wave:
        sine = looped(Sine(mains.volts, 0.0, 0.0, mains.mains_mhz), 1, _POINTS)
        shape = _pulses(mains.volts)
        return Loop(sine.period_us, sine.volts, shape * (self.watts / np.mean(sine.volts * shape)))


class Cooker(Appliance):
    """Resistive, and on for `on` of every `of` cycles only; `watts` is the mean."""

    def __init__(self, watts: float, on: int = 1, of: int = 2) -> None:
        super().__init__(watts)
        if not 0 < on <= of <= 50 or abs(watts) * of / on > 2 * MAX_POWER_W:
            raise LoadError("load-range", f"{on} of {of} cycles")
        self.on, self.of = on, of

    def _make(self, mains: Mains) -> Wave:
        amps = self.watts * self.of / (self.on * mains.volts)
        loop = looped(Sine(mains.volts, amps, 0.0, mains.mains_mhz), self.of, _POINTS // 5)
        switched = np.arange(len(loop.amps)) < self.on * _POINTS // 5
        return Loop(loop.period_us, loop.volts, loop.amps * switched)


class Recording(Appliance):
    """A recorded waveform, sample by sample, looped over an even number of whole cycles.

    A CSV with the header `v_volt,i_ampere` or `i_raw,v_raw` and one row a sample at `rate_hz`;
    `from_row` skips what comes before. The loop lies between two rising zero crossings of the
    voltage that fall alike between rows, so that the seam is smooth; even, for a load that skips
    every other cycle. `rows` is the pair of row numbers it was taken from. The voltage is the
    recording's own, whatever the mains.
    """

    def __init__(self, path: str | Path, rate_hz: float, from_row: int = 0) -> None:
        if not 1000 <= rate_hz <= 100_000:
            raise LoadError("load-range", f"{rate_hz} samples a second are outside 1000 to 100000")
        volts, amps = _columns(Path(path))
        first, last = _whole_cycles(volts[from_row:])
        self.rows = (from_row + first, from_row + last)
        volts, amps = volts[slice(*self.rows)], amps[slice(*self.rows)]
        super().__init__(float(np.mean(volts * amps)))
        samples = np.concatenate((volts, amps)).astype("<f8").tobytes()
        self.sha256 = hashlib.sha256(samples).hexdigest()
        self._wave = Loop(
            round(len(volts) * 1e6 / rate_hz), finer(volts, _FINER), finer(amps, _FINER)
        )

    def _make(self, mains: Mains) -> Wave:
        return self._wave


def appliance(request: dict[str, Any]) -> Load:
    """A load from its description: `kind` and what its class takes, `watts` first.

    Kinds: resistive (the default), motor (power_factor, leading), phantom (volts, amps, angle_deg),
    rectifier, cooker (on, of), recording (path, rate_hz, from_row).
    LoadError `load-request` for anything else.
    """
    values = dict(request)
    kind = values.pop("kind", "resistive")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise LoadError("load-request", f"kind is one of {', '.join(_KINDS)}")
    maker, types = _KINDS[kind]
    for name, value in values.items():
        wanted = types.get(name)
        if wanted is None or not isinstance(value, wanted):
            raise LoadError("load-request", f"{kind}: {name}")
        if isinstance(value, bool) and wanted is not bool:
            raise LoadError("load-request", f"{kind}: {name}")
        if isinstance(value, float) and not abs(value) < 1e12:
            raise LoadError("load-request", f"{kind}: {name}")
    try:
        return maker(**values)
    except TypeError:
        raise LoadError("load-request", f"{kind} takes {', '.join(types)}") from None


_NUMBER = (int, float)
_KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "resistive": (ConstantLoad, {"watts": _NUMBER}),
    "motor": (Motor, {"watts": _NUMBER, "power_factor": _NUMBER, "leading": bool}),
    "phantom": (Phantom, {"volts": _NUMBER, "amps": _NUMBER, "angle_deg": _NUMBER}),
    "rectifier": (Rectifier, {"watts": _NUMBER}),
    "cooker": (Cooker, {"watts": _NUMBER, "on": int, "of": int}),
    "recording": (Recording, {"path": str, "rate_hz": _NUMBER, "from_row": int}),
}


@lru_cache(maxsize=4)
def _pulses(volts: float) -> Samples:
    """One cycle of the current of a capacitor-input rectifier, for any power (A)."""
    sine = volts * np.sqrt(2) * np.sin(np.arange(_POINTS) * (2 * np.pi / _POINTS))
    peak = volts * np.sqrt(2)
    drain = _RIPPLE * peak / (_POINTS / 2)  # volts the capacitor loses a step
    held = peak
    current = np.zeros(_POINTS)
    charge = 20_000 / _POINTS / _TRACKING_US  # of the excess, a step
    for _ in range(3):  # cycles until it repeats
        for k, instant in enumerate(np.abs(sine)):
            excess = max(0.0, instant - held)
            current[k] = excess
            held += excess * charge - drain
    return current * np.sign(sine)


def _columns(path: Path) -> tuple[Samples, Samples]:
    """(volts, amps) of a recording."""
    try:
        header, _, rows = path.read_text("utf-8").partition("\n")
        values = np.array([line.split(",") for line in rows.split()], float)
        if values.ndim != 2 or values.shape[1] != 2 or not np.isfinite(values).all():
            raise ValueError
    except OSError as error:
        raise LoadError("load-missing", f"{path}: {error.strerror}") from None
    except ValueError:
        raise LoadError("load-malformed", f"{path}: rows of two numbers are wanted") from None
    if header.strip() == "v_volt,i_ampere":
        return values[:, 0], values[:, 1]
    if header.strip() == "i_raw,v_raw":
        return values[:, 1] / RAW_PER_V, values[:, 0] / RAW_PER_A
    raise LoadError("load-malformed", f"{path}: the header is v_volt,i_ampere or i_raw,v_raw")


def _whole_cycles(volts: Samples) -> tuple[int, int]:
    """Rows [first, last) of an even number of cycles: the smoothest seam of the longest few."""
    level = volts - volts.mean() if len(volts) else volts
    rises = np.flatnonzero((level[:-1] < 0) & (level[1:] >= 0))
    if len(rises) < 3:
        raise LoadError("load-malformed", "fewer than two whole cycles")
    into = level[rises] / (level[rises] - level[rises + 1])
    rows_a_cycle = (rises[-1] - rises[0]) / (len(rises) - 1)
    best = (np.inf, 0, 0)
    for a in range(min(8, len(rises) - 2)):
        for b in range(a + 2, len(rises), 2):
            # A longer loop is worth a little roughness: a cycle is worth two degrees.
            roughness = 360 * abs(into[a] - into[b]) / rows_a_cycle + 2 * (len(rises) - b + a)
            if roughness < best[0]:
                best = (roughness, int(rises[a]) + 1, int(rises[b]) + 1)
    return best[1], best[2]
