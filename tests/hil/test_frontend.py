"""Faults of transformers, burden and converter: each does what its name says, and no more."""

import numpy as np
import pytest
from wattseal_hil.appliances import Rectifier
from wattseal_hil.converter import FINE_PER_MV, Converter
from wattseal_hil.frontend import FrontEnd, bench
from wattseal_hil.waves import Loop, Mains, Sine, looped

TEN = Sine(230, 10, 0.0, 50_000)


def phasors(front_end, wave):
    """(voltage, current) at the pins as complex RMS millivolts of the fundamental."""
    pins = front_end.pins(wave)
    if pins.parts:
        return tuple((a + 1j * b) / np.sqrt(2) for a, b in pins.parts)
    cycles = round(pins.period_us / 20_000)
    return tuple(
        1j * np.fft.rfft(loop)[cycles] / len(loop) * np.sqrt(2) for loop in pins.loops
    )


@pytest.mark.parametrize("wave", [TEN, looped(TEN, 3)], ids=["sine", "loop"])
class TestTransformers:
    def test_flawless(self, wave):
        volts, amps = phasors(FrontEnd(), wave)
        assert abs(volts - 600) < 1e-6 and abs(amps - 110) < 1e-6

    def test_scale(self, wave):
        faulty = FrontEnd(voltage_error=0.02, turns_error=0.01, burden_error=-0.005)
        volts, amps = phasors(faulty, wave)
        assert abs(volts) == pytest.approx(612)
        assert abs(amps) == pytest.approx(110 * 0.995 / 1.01)

    def test_phase(self, wave):
        volts, amps = phasors(FrontEnd(voltage_lead_deg=0.16, ct_lead_deg=1.4), wave)
        assert np.degrees(np.angle(volts)) == pytest.approx(0.16, abs=1e-3)
        assert np.degrees(np.angle(amps)) == pytest.approx(1.4, abs=1e-3)
        assert abs(amps) == pytest.approx(110, rel=1e-4)


def test_small_currents_lead_by_more_and_are_short():
    faulty = FrontEnd(ct_lead_deg=0.5, ct_low_lead_deg=0.6, ct_low_error=-0.01)
    seen = [phasors(faulty, Sine(230, a, 0.0, 50_000))[1] / a for a in (0.05, 1, 5, 60)]
    leads = np.degrees(np.angle(seen))
    assert list(leads) == sorted(leads, reverse=True)
    assert leads[0] == pytest.approx(1.09, abs=0.01) and leads[-1] == pytest.approx(0.53, abs=0.01)
    assert abs(seen[0]) == pytest.approx(11 * 0.9902, rel=1e-4)
    assert abs(seen[-1]) == pytest.approx(11 * 0.9995, rel=1e-4)


def test_a_clamp_passes_no_direct_current_and_leads_harmonics_by_less():
    wave = Rectifier(300).wave(Mains(mains_mhz=50_000))
    assert isinstance(wave, Loop)
    offset = Loop(wave.period_us, wave.volts, wave.amps + 1)
    loops = FrontEnd(ct_lead_deg=1.4).pins(offset).loops
    assert loops is not None
    before, after = np.fft.rfft(wave.amps), np.fft.rfft(loops[1])
    assert abs(after[0]) < 1e-6 * abs(after[1])
    lead = np.degrees(np.angle(after[[1, 3, 5]] / before[[1, 3, 5]]))
    assert lead == pytest.approx([1.4, 1.4 / 3, 1.4 / 5], abs=0.01)


def test_the_core_saturates():
    faulty = FrontEnd(core_a=100)
    linear = [abs(phasors(faulty, Sine(230, a, 0.0, 50_000))[1]) / a for a in (10, 49, 70)]
    assert linear == pytest.approx([11, 11, 11], rel=1e-3)
    over = faulty.pins(Sine(230, 200, 0.0, 50_000)).loops
    assert over is not None
    assert over[1].std() < 0.8 * 200 * 11
    assert np.abs(over[1][7000:10_000]).max() == 0  # behind the crest, at 5000


class TestConverter:
    def test_nominal_scale(self):
        codes = Converter().codes()
        assert codes[142 * FINE_PER_MV] == 0 and codes[-1] == 4095
        assert codes[1300 * FINE_PER_MV] == round((1300 - 142) / 0.805634)

    @pytest.mark.parametrize("vref_mv", [1000, 1100, 1200])
    def test_the_reference_scales_it(self, vref_mv):
        codes = Converter(vref_mv=vref_mv, bent=True).codes()
        assert codes[1300 * FINE_PER_MV] == pytest.approx(1158 / 0.805634 * 1100 / vref_mv, abs=1)

    def test_it_bends_above_2880_steps(self):
        straight, bent = (Converter(bent=bent).codes().astype(int) for bent in (False, True))
        at = [2000 * FINE_PER_MV, 2800 * FINE_PER_MV]
        assert abs(bent[at[0]] - straight[at[0]]) <= 1
        assert bent[at[1]] - straight[at[1]] > 50

    def test_offset_and_gain(self):
        codes = Converter(offset_steps=10, gain_error=0.01).codes().astype(int)
        assert codes[1300 * FINE_PER_MV] == round(1158 / 0.805634 * 1.01 + 10)

    @pytest.mark.parametrize("seed", range(4))
    def test_non_linearity_is_smooth_and_within_its_peak(self, seed):
        bumps = Converter(inl_steps=6, seed=seed).codes().astype(int) - Converter().codes()
        assert 2 <= np.abs(bumps).max() <= 7
        rough = Converter(inl_steps=6, dnl_steps=1, seed=seed).codes().astype(int)
        assert (np.diff(rough) >= 0).all()

    def test_uneven_steps(self):
        codes = Converter(dnl_steps=1.0, seed=3).codes()
        widths = np.bincount(codes)[100:4000] / FINE_PER_MV / 0.805634
        assert widths.mean() == pytest.approx(1, abs=0.01)
        assert widths.min() < 0.6 and widths.max() > 1.4

    def test_read_uv_is_in_whole_millivolts_on_a_chip(self):
        for factory in ("vref", "two-point"):
            assert (Converter(factory=factory).factory_uv() % 1000 == 0).all()

    @pytest.mark.parametrize("factory", ["vref", "two-point"])
    @pytest.mark.parametrize("vref_mv", [1003.0, 1060.0, 1180.0])
    def test_the_factory_calibration_knows_the_reference(self, factory, vref_mv):
        converter = Converter(vref_mv=vref_mv, bent=True, factory=factory)
        code = converter.codes()[1300 * FINE_PER_MV]
        assert converter.factory_uv()[code] == pytest.approx(1_300_000, abs=16_000)


def test_benches_differ_by_seed_alone():
    assert bench(1) == bench(1) != bench(2)
    references = [bench(seed).converter.vref_mv for seed in range(50)]
    assert min(references) >= 1000 and max(references) <= 1200
    assert max(references) - min(references) > 80
