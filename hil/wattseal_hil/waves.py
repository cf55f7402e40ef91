"""What hangs on the mains, instant by instant: voltage and current as waves without end.

Current is positive into the household and leads at a negative angle. A wave depends on the
board's time alone: sines start at 1970-01-01T00:00:00Z, loops are laid end to end from there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Mains:
    """The supply of loads that bring none of their own: volts RMS, a pure sine.

    Not quite 50 Hz: a frequency locked to the board's clock would show every burst the same few
    instants of the wave, which no mains does.
    """

    volts: float = 230.0
    mains_mhz: int = 49_987


@dataclass(frozen=True)
class Sine:
    """Sinusoidal voltage (V RMS) and current (A RMS, lagging by `angle_rad`)."""

    volts: float
    amps: float
    angle_rad: float
    mains_mhz: int

    @property
    def power_w(self) -> float:
        return self.volts * self.amps * float(np.cos(self.angle_rad))


@dataclass(frozen=True, eq=False)
class Loop:
    """Whole cycles of the mains, equally spaced samples (V, A), repeated every `period_us`.

    Between samples the wave is a straight line, so they should stand close: 20 kHz and more.
    """

    period_us: int
    volts: Samples
    amps: Samples

    @property
    def power_w(self) -> float:
        return float(np.mean(self.volts * self.amps))

    @property
    def rms_a(self) -> float:
        return float(np.sqrt(np.mean(self.amps**2)))


Wave = Sine | Loop


def finer(samples: Samples, factor: int) -> Samples:
    """The periodic, band-limited signal through `samples`, at `factor` times as many instants."""
    spectrum = np.fft.rfft(samples)
    if len(samples) % 2 == 0:
        spectrum[-1] /= 2  # the Nyquist line is shared by two lines of the finer spectrum
    return np.fft.irfft(spectrum, len(samples) * factor) * factor


def looped(sine: Sine, cycles: int = 1, points: int = 20_000) -> Loop:
    """The same wave as a loop of whole cycles."""
    phase = np.arange(cycles * points) * (2 * np.pi / points)
    return Loop(
        round(cycles * 1e9 / sine.mains_mhz),
        sine.volts * np.sqrt(2) * np.sin(phase),
        sine.amps * np.sqrt(2) * np.sin(phase - sine.angle_rad),
    )
