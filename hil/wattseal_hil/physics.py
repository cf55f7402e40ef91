"""From the household's load to the converter's codes, for one board.

Inputs: voltage on GPIO34 (0.6 V rms at 230 V), current on GPIO35 (CT 2000:1 on 22 ohm, 11 mV per
A), both biased at 1.3 V; faults of all parts: frontend.py and converter.py. Codes depend on the
seed and the board's time only, never on the order of questions. Within one block of samples
(0.1 s) the load is constant.
"""

import numpy as np

from wattseal_hil.converter import FINE, FINE_PER_MV
from wattseal_hil.frontend import FrontEnd, Pins
from wattseal_hil.loads import Load
from wattseal_hil.sensor_faults import SensorFault
from wattseal_hil.waves import Mains, Sine, Wave

BLOCK = 1024  # conversions
_POOL = 1 << 16
_CYCLE = 20_000  # instants of a cycle in the table of sines
_NS_CYCLE = 1_000_000_000
_MV_PER_STEP = 0.805634  # at the nominal reference: noise is the converter's own


class Physics:
    """The analogue side of one board."""

    def __init__(
        self,
        seed: int,
        load: Load,
        front_end: FrontEnd | None = None,
        mains: Mains | None = None,
    ) -> None:
        self._load = load
        self.front_end = front_end or FrontEnd()
        self._mains = mains or Mains()
        converter = self.front_end.converter
        self.conversion_us = converter.conversion_us
        noise = np.random.Generator(np.random.PCG64(seed)).standard_normal(_POOL + BLOCK)
        self._noise = (noise * (converter.noise_steps * _MV_PER_STEP * FINE_PER_MV)).astype(
            np.float32
        )
        self._codes = converter.codes().astype("<u2")
        phase = np.arange(_CYCLE) * (2 * np.pi / _CYCLE)
        self._sine = np.sin(phase).astype(np.float32)
        self._cosine = np.cos(phase).astype(np.float32)
        self._steps_us = np.arange(BLOCK, dtype=np.int64) * self.conversion_us
        bias = (self.front_end.voltage_bias_mv, self.front_end.current_bias_mv)
        self._bias = np.array(bias, np.float32)[:, None] * FINE_PER_MV
        self.faults: list[SensorFault] = []  # at work
        self._wave: Wave | None = None
        self._pins: Pins | None = None

    def block(self, t_us: int) -> bytes:
        """Codes from board time `t_us` (us since 1970) on: BLOCK of GPIO34, then of GPIO35.

        Little-endian 16-bit codes 0 to 4095; number j is what either pin shows j conversions
        after `t_us`.
        """
        levels = self._levels(self._pins_at(t_us / 1_000_000), t_us)
        for fault in self.faults:
            fault.levels(levels)
        levels += self._bias
        for row in (0, 1):
            # A block's noise is a window of the pool, placed by a hash of time and channel.
            mixed = (t_us * 2 + row) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
            at = mixed >> 48
            levels[row] += self._noise[at : at + BLOCK]
        np.clip(levels, 0, FINE - 1, out=levels)
        codes = self._codes[levels.astype(np.int32)]
        for fault in self.faults:
            fault.codes(codes)
        return codes.tobytes()

    def _pins_at(self, t_s: float) -> Pins:
        wave = wave_of(self._load, t_s, self._mains)
        if self._pins is None or wave != self._wave:
            self._wave, self._pins = wave, self.front_end.pins(wave)
        return self._pins

    def _levels(self, pins: Pins, t_us: int) -> np.ndarray:
        """Both pins, in 1/16 mV from the bias."""
        levels = np.empty((2, BLOCK), np.float32)
        if pins.parts:
            into = t_us * pins.mains_mhz % _NS_CYCLE  # of a cycle
            at = (into + self._steps_us * pins.mains_mhz) % _NS_CYCLE // (_NS_CYCLE // _CYCLE)
            sine, cosine = self._sine[at], self._cosine[at]
            for row, (in_phase, ahead) in enumerate(pins.parts):
                levels[row] = sine * (in_phase * FINE_PER_MV) + cosine * (ahead * FINE_PER_MV)
        elif pins.loops:
            points = len(pins.loops[0])
            place = (t_us % pins.period_us + self._steps_us) % pins.period_us
            exact = place * (points / pins.period_us)
            before = exact.astype(np.int64) % points
            share = exact - before
            after = (before + 1) % points
            for row, loop in enumerate(pins.loops):
                levels[row] = (loop[before] * (1 - share) + loop[after] * share) * FINE_PER_MV
        return levels


def wave_of(load: Load, t_s: float, mains: Mains) -> Wave:
    """The wave of whatever is plugged in: its own, or a resistor's."""
    at = getattr(load, "at", None)
    drawn = at(t_s) if at else load
    wave = getattr(drawn, "wave", None)
    if wave:
        made: Wave = wave(mains)
        return made
    return Sine(mains.volts, drawn.power_w(t_s) / mains.volts, 0.0, mains.mains_mhz)
