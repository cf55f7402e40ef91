"""The ESP32's converter at 11 dB: true characteristic of one chip, and its factory calibration.

Steps over millivolts are straight up to 2880 steps and bend above, by the curves that ESP-IDF's
esp_adc_cal carries for references of 1000 and 1200 mV; one chip's lies between, by its own
reference. On top: offset, gain error, a smooth integral non-linearity (the data sheet allows 12
steps) and uneven steps (differential, 7 at most).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 4095
FINE_PER_MV = 16  # resolution of `codes`
FINE = 3500 * FINE_PER_MV
OFFSET_MV = 142
NOMINAL_VREF_MV = 1100
_MV_PER_STEP_AND_VREF = 196_602 / 4096 / 65_536
_BEND = 2880
_BEND_STEP = 64
_BEND_MV = {  # every 64 steps from 2880 on, at references of 1000 and 1200 mV
    1000: (2240, 2297, 2352, 2405, 2457, 2512, 2564, 2616, 2664, 2709,
           2754, 2795, 2832, 2868, 2903, 2937, 2969, 3000, 3030, 3060),
    1200: (2667, 2706, 2745, 2780, 2813, 2844, 2873, 2901, 2928, 2956,
           2982, 3006, 3032, 3059, 3084, 3110, 3135, 3160, 3184, 3209),
}  # fmt: skip


@dataclass(frozen=True)
class Converter:
    """One chip. Defaults: a flawless one, straight to the end, with millivolts unrounded.

    vref_mv: its reference, 1000 to 1200. bent: the upper end as on a chip. offset_steps,
    gain_error; inl_steps and dnl_steps: peaks, their shapes drawn by `seed`. noise_steps: RMS of
    one conversion. conversion_us: time of one. factory: what read_uv() knows, "exact", "vref" (the
    reference as burnt into the chip, in units of 7 mV) or "two-point" (readings at 150 and 850 mV
    without attenuation). mv_per_step, offset_mv: of another chip (`of_chip`); a slope of 0 is the
    ESP32's, which its reference gives.
    """

    vref_mv: float = NOMINAL_VREF_MV
    bent: bool = False
    offset_steps: float = 0.0
    gain_error: float = 0.0
    inl_steps: float = 0.0
    dnl_steps: float = 0.0
    noise_steps: float = 1.0
    conversion_us: int = 100
    mv_per_step: float = 0.0
    offset_mv: float = OFFSET_MV
    factory: str = "exact"
    seed: int = 0

    def codes(self) -> NDArray[np.uint16]:
        """The code at each 1/16 mV from 0 to 3500 mV, without noise."""
        mv = np.arange(FINE) / FINE_PER_MV
        steps = np.interp(mv, self._curve(self.vref_mv), np.arange(STEPS + 1), left=-1)
        below = mv < self.offset_mv
        steps[below] = (mv[below] - self.offset_mv) / self._slope(self.vref_mv)
        steps = steps * (1 + self.gain_error) + self.offset_steps + self._bumps(steps)
        rng = np.random.Generator(np.random.PCG64([self.seed, 1]))
        edges = np.arange(STEPS) + 0.5 + self.dnl_steps * rng.uniform(-0.5, 0.5, STEPS)
        return np.searchsorted(np.sort(edges), steps).astype(np.uint16)

    def _bumps(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        rng = np.random.Generator(np.random.PCG64([self.seed, 2]))
        turns = steps / (STEPS + 1)
        shape = 0.7 * np.sin(2 * np.pi * (turns + rng.uniform()))
        shape += 0.3 * np.sin(4 * np.pi * (turns + rng.uniform()))
        return self.inl_steps * shape

    def _slope(self, vref_mv: float) -> float:
        return self.mv_per_step or vref_mv * _MV_PER_STEP_AND_VREF

    def _curve(self, vref_mv: float) -> NDArray[np.float64]:
        """Millivolts of every step, by the published curves."""
        steps = np.arange(STEPS + 1, dtype=np.float64)
        mv = self.offset_mv + steps * self._slope(vref_mv)
        if self.bent:
            share = (vref_mv - 1000) / 200
            knots = (1 - share) * np.array(_BEND_MV[1000]) + share * np.array(_BEND_MV[1200])
            above = steps >= _BEND
            knots += mv[_BEND] - knots[0]  # the two pieces meet
            mv[above] = np.interp(steps[above], _BEND + _BEND_STEP * np.arange(20), knots)
        return mv

    def factory_uv(self) -> NDArray[np.uint32]:
        """What read_uv() answers for each code: on a chip, whole millivolts."""
        if self.factory == "exact":
            return np.rint(self._curve(self.vref_mv) * 1000).astype(np.uint32)
        steps = np.arange(STEPS + 1, dtype=np.float64)
        if self.factory == "vref":
            burnt_mv = NOMINAL_VREF_MV + 7 * round((self.vref_mv - NOMINAL_VREF_MV) / 7)
            mv = self._curve(burnt_mv)
        else:
            # The two readings stand in the chip in units of 4 steps; attenuation is nominal.
            slope = self.vref_mv * 57_431 / 4096 / 65_536
            low, high = (4 * round((mv - 75) / slope / 4) for mv in (150, 850))
            slope = 700 / (high - low)
            mv = steps * slope * (224_310 / 65_536) + 150 - low * slope + 54
        return (np.rint(mv) * 1000).astype(np.uint32)


def of_chip(chip: str) -> Converter:
    """A flawless converter of an esp32, esp32s3 or esp32c3 at 11 dB.

    The newer two begin at 0 mV and end at about 3100 and 2800 mV (Espressif's documentation of the
    ranges; where a C3 reads 4095).
    """
    full_mv = {"esp32s3": 3100.0, "esp32c3": 2800.0}.get(chip)
    return Converter(mv_per_step=full_mv / STEPS, offset_mv=0) if full_mv else Converter()
