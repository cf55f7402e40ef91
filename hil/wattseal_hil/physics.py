"""From the household's power to ADC codes: mains, transformer, divider, converter, noise.

Mains: 230 V rms, 50 Hz, a pure sine; the current is in phase. Inputs of the board: voltage on
GPIO34 (0.6 V rms at 230 V), current on GPIO35 (CT 2000:1 on 22 ohm, 11 mV per A), both biased at
1.3 V. Converter: 12 bits over 3.1 V (range 11 dB), 100 us a conversion, Gaussian noise of one
step rms. Codes depend on the seed and the board's time only, never on the order of questions.
Within one block of samples (0.1 s) the power is constant. Not emulated: the converter's bent
characteristic, and that ESP-IDF rounds a calibrated voltage to whole millivolts, which on a chip
bends the scale by some percent below about 0.5 A.
"""

import numpy as np

from wattseal_hil.loads import Load

BLOCK = 1024  # conversions
CONVERSION_US = 100
MAINS_V = 230.0
MAINS_HZ = 50
FULL_SCALE_V = 3.1
STEPS = 4095
BIAS_V = 1.3
DIVIDER = 0.6 / 230.0
CT_V_PER_A = 22.0 / 2000.0
NOISE_STEPS = 1.0
_CYCLE_US = 1_000_000 // MAINS_HZ
_POOL = 1 << 16


class Physics:
    """The analogue side of one board."""

    def __init__(self, seed: int, load: Load) -> None:
        self._load = load
        noise = np.random.Generator(np.random.PCG64(seed)).standard_normal(_POOL + BLOCK)
        self._noise = (noise * NOISE_STEPS + BIAS_V / FULL_SCALE_V * STEPS).astype(np.float32)
        # One cycle at 1 us: the sample at t is at index t mod 20000, whatever t.
        phase = np.arange(_CYCLE_US) * (2 * np.pi / _CYCLE_US)
        self._sine = (np.sqrt(2) * np.sin(phase)).astype(np.float32)
        self._steps = np.arange(BLOCK) * CONVERSION_US

    def block(self, t_us: int) -> bytes:
        """Codes from board time `t_us` (us since 1970) on: BLOCK of GPIO34, then of GPIO35.

        Little-endian 16-bit codes 0 to 4095; number j is what either pin shows j times 100 us
        after `t_us`.
        """
        sine = self._sine[(t_us + self._steps) % _CYCLE_US]
        current_a = self._load.power_w(t_us / 1_000_000) / MAINS_V
        codes = np.empty((2, BLOCK), np.float32)
        np.multiply(sine, MAINS_V * DIVIDER * STEPS / FULL_SCALE_V, out=codes[0])
        np.multiply(sine, current_a * CT_V_PER_A * STEPS / FULL_SCALE_V, out=codes[1])
        for row in (0, 1):
            # A block's noise is a window of the pool, placed by a hash of time and channel.
            mixed = (t_us * 2 + row) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
            at = mixed >> 48
            codes[row] += self._noise[at : at + BLOCK]
        np.rint(codes, out=codes)
        np.clip(codes, 0, STEPS, out=codes)
        return codes.astype("<u2").tobytes()
