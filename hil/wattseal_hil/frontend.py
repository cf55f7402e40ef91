"""What stands between the mains and the converter, and its faults: transformers, burden, divider.

The current clamp's phase lead and ratio error grow towards small currents, as the permeability of
its core falls: x(I) = x_full + x_low / (1 + I / 3 A). emonLibDB's documentation gives up to 1.4
degrees for common clamps and 0.16 degrees for voltage transformers; the curve between is ours.
The lead is a first-order high-pass, so harmonics lead by less. Saturation limits the core's flux,
the integral of the current, so the secondary collapses behind each crest.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from wattseal_hil.converter import Converter
from wattseal_hil.waves import Loop, Samples, Sine, Wave, looped

_KNEE_A = 3.0
_NOMINAL_MV_PER_V = 600.0 / 230.0
_TURNS = 2000


@dataclass(frozen=True)
class Pins:
    """Voltages at the two pins (mV): a loop, or the sine and cosine parts of both."""

    mains_mhz: int
    period_us: int
    parts: tuple[tuple[float, float], tuple[float, float]] | None
    loops: tuple[Samples, Samples] | None


@dataclass(frozen=True)
class FrontEnd:
    """One board's analogue side. Defaults: flawless, but for one step of noise (`Converter`).

    Errors are relative (0.01: 1 %). voltage_lead_deg: phase of the voltage transformer, leading.
    burden_ohm as printed, burden_error its tolerance. ct_lead_deg, ct_error: at full current;
    ct_low_lead_deg, ct_low_error: what is added at none. core_a: current (A RMS, 50 Hz sine) at
    which the core saturates. bias_mv: rest voltage of either pin.
    """

    converter: Converter = field(default_factory=Converter)
    voltage_error: float = 0.0
    voltage_lead_deg: float = 0.0
    turns_error: float = 0.0
    burden_ohm: float = 22.0
    burden_error: float = 0.0
    ct_lead_deg: float = 0.0
    ct_low_lead_deg: float = 0.0
    ct_error: float = 0.0
    ct_low_error: float = 0.0
    core_a: float = 1000.0
    voltage_bias_mv: float = 1300.0
    current_bias_mv: float = 1300.0

    @property
    def _mv_per_v(self) -> float:
        return _NOMINAL_MV_PER_V * (1 + self.voltage_error)

    def _mv_per_a(self, rms_a: float) -> float:
        error = self.ct_error + self.ct_low_error / (1 + rms_a / _KNEE_A)
        turns = _TURNS * (1 + self.turns_error)
        return 1000 * self.burden_ohm * (1 + self.burden_error) / turns * (1 + error)

    def _ct_lead_rad(self, rms_a: float) -> float:
        return float(np.radians(self.ct_lead_deg + self.ct_low_lead_deg / (1 + rms_a / _KNEE_A)))

    def pins(self, wave: Wave) -> Pins:
        """Both pins under a wave, without bias, noise and conversion."""
        if isinstance(wave, Sine) and wave.amps < 0.5 * self.core_a:
            return self._sine(wave)
        loop = looped(wave) if isinstance(wave, Sine) else wave
        cycles = round(loop.period_us * 50 / 1e6)
        rms_a = loop.rms_a
        amps = _led(self._saturated(loop), cycles, self._ct_lead_rad(rms_a), 1)
        volts = _led(loop.volts, cycles, float(np.radians(self.voltage_lead_deg)), 0)
        loops = (volts * self._mv_per_v, amps * self._mv_per_a(rms_a))
        return Pins(0, loop.period_us, None, loops)

    def _sine(self, wave: Sine) -> Pins:
        # A resistor that feeds back is a current of negative amperes.
        volts_mv = wave.volts * np.sqrt(2) * self._mv_per_v
        amps_mv = wave.amps * np.sqrt(2) * self._mv_per_a(abs(wave.amps))
        voltage_rad = np.radians(self.voltage_lead_deg)
        current_rad = self._ct_lead_rad(abs(wave.amps)) - wave.angle_rad
        parts = (
            (float(volts_mv * np.cos(voltage_rad)), float(volts_mv * np.sin(voltage_rad))),
            (float(amps_mv * np.cos(current_rad)), float(amps_mv * np.sin(current_rad))),
        )
        return Pins(wave.mains_mhz, 0, parts, None)

    def _saturated(self, loop: Loop) -> Samples:
        """The current as far as the core carries it: none while its flux stands at the limit."""
        step_s = loop.period_us / 1e6 / len(loop.amps)
        limit = self.core_a * np.sqrt(2) / (2 * np.pi * 50)
        steps = loop.amps * step_s
        swing = np.cumsum(steps)
        if swing.max() - swing.min() <= 2 * limit:
            return loop.amps
        carried = np.empty_like(steps)
        flux = 0.0
        for _ in range(2):  # the second time round it repeats
            for k, step in enumerate(steps):
                held = min(max(flux + step, -limit), limit)
                carried[k] = held - flux
                flux = held
        return carried / step_s


def _led(samples: Samples, cycles: int, lead_rad: float, order: int) -> Samples:
    """The loop with its fundamental led by `lead_rad`: harmonic h by as much (order 0: a delay
    undone, h times as much) or as a high-pass of first order leads it (order 1)."""
    if not lead_rad:
        return samples
    spectrum = np.fft.rfft(samples)
    harmonic = np.arange(len(spectrum)) / cycles
    if order == 0:
        turned = np.exp(1j * lead_rad * harmonic)
    else:
        corner = np.tan(lead_rad)
        through = harmonic / np.maximum(np.hypot(harmonic, corner), 1e-12)
        through /= np.cos(lead_rad)  # the ratio is stated at the fundamental
        turned = through * np.exp(1j * np.arctan2(corner, harmonic))
        turned[0] = 0  # no transformer passes direct current
    return np.fft.irfft(spectrum * turned, len(samples))


IDEAL = FrontEnd()


def bench(seed: int) -> FrontEnd:
    """A board as it comes out of the bag: faults drawn by `seed` from the ranges of real parts."""
    rng = np.random.Generator(np.random.PCG64([seed, 0xADC]))

    def within(limit: float) -> float:
        return float(rng.uniform(-limit, limit))

    converter = Converter(
        vref_mv=float(np.clip(rng.normal(1100, 30), 1000, 1200)),
        bent=True,
        offset_steps=within(20),
        gain_error=within(0.01),
        inl_steps=float(rng.uniform(3, 8)),
        dnl_steps=1.0,
        noise_steps=3.0,  # users report some 12 steps from peak to peak, with a capacitor
        factory="vref",
        seed=seed,
    )
    return FrontEnd(
        converter=converter,
        voltage_error=within(0.03),
        voltage_lead_deg=within(0.16),
        turns_error=within(0.01),
        burden_error=within(0.01),
        ct_lead_deg=float(rng.uniform(0.3, 0.7)),
        ct_low_lead_deg=float(rng.uniform(0.3, 0.7)),
        ct_error=-float(rng.uniform(0, 0.003)),
        ct_low_error=-float(rng.uniform(0.002, 0.006)),
        core_a=float(rng.uniform(120, 160)),
        voltage_bias_mv=1300 + within(13),
        current_bias_mv=1300 + within(13),
    )


def with_noise(front_end: FrontEnd, noise_steps: float) -> FrontEnd:
    """The same board with another noise."""
    return replace(front_end, converter=replace(front_end.converter, noise_steps=noise_steps))
