"""Loads with a wave of their own."""

import numpy as np
import pytest
from wattseal_hil.appliances import Cooker, Motor, Recording, Rectifier, appliance
from wattseal_hil.errors import LoadError
from wattseal_hil.loads import ConstantLoad
from wattseal_hil.waves import Loop, Mains, Sine, finer

MAINS = Mains()


@pytest.mark.parametrize(
    "load", [Motor(750, 0.6), Motor(750, 0.8, True), Rectifier(90), Cooker(800, 2, 5)]
)
def test_a_wave_carries_the_power_it_is_named_for(load):
    assert load.wave(MAINS).power_w == pytest.approx(load.watts)
    assert load.wave(Mains(volts=207)).power_w == pytest.approx(load.watts)
    assert load.energy_wh(0, 7200) == 2 * load.watts


def test_a_motor_lags_unless_it_leads():
    lagging, leading = Motor(100, 0.5).wave(MAINS), Motor(100, 0.5, leading=True).wave(MAINS)
    assert isinstance(lagging, Sine) and isinstance(leading, Sine)
    assert lagging.angle_rad == pytest.approx(np.pi / 3) == -leading.angle_rad


def test_a_rectifier_draws_pulses():
    wave = Rectifier(300).wave(MAINS)
    assert isinstance(wave, Loop)
    power_factor = wave.power_w / (wave.rms_a * np.sqrt(np.mean(wave.volts**2)))
    assert 0.4 < power_factor < 0.75
    assert np.abs(wave.amps).max() / wave.rms_a > 2.2
    assert wave.amps.mean() == pytest.approx(0, abs=1e-3 * wave.rms_a)
    lines = np.abs(np.fft.rfft(wave.amps))
    assert lines[3] > 0.5 * lines[1]


def test_a_cooker_skips_cycles():
    wave = Cooker(1000, 1, 2).wave(MAINS)
    assert isinstance(wave, Loop)
    halves = wave.amps.reshape(2, -1)
    assert np.abs(halves[1]).max() == 0
    assert halves[0].std() == pytest.approx(2 * 1000 / 230, rel=1e-6)


def test_finer_goes_through_the_samples():
    rng = np.random.default_rng(1)
    for count in (128, 129):
        thrice = np.convolve(np.tile(rng.normal(size=count), 3), np.hanning(9), "same")
        samples = thrice[count:-count]
        fine = finer(samples, 16)
        assert fine[::16] == pytest.approx(samples, abs=1e-9)


class TestRecording:
    @pytest.fixture
    def path(self, tmp_path):
        def write(text):
            file = tmp_path / "wave.csv"
            file.write_text(text)
            return file

        return write

    @staticmethod
    def rows(count=1000, hz=49.97, rate=2000):
        angle = 2 * np.pi * hz / rate * np.arange(count) + 1
        return zip(np.sin(angle) * 325, np.sin(angle - 0.5) * 10, strict=True)

    def test_a_whole_even_number_of_cycles_is_looped(self, path):
        text = "v_volt,i_ampere\n" + "".join(f"{v:.6f},{i:.6f}\n" for v, i in self.rows())
        load = Recording(path(text), 2000, from_row=100)
        first, last = load.rows
        assert first >= 100
        assert (last - first) / 2000 * 49.97 % 2 == pytest.approx(0, abs=0.05)
        assert load.watts == pytest.approx(325 * 5 * np.cos(0.5), rel=0.002)
        wave = load.wave(MAINS)
        assert isinstance(wave, Loop)
        assert wave.power_w == pytest.approx(load.watts, rel=1e-6)
        assert wave.period_us == (last - first) * 500
        seam = np.abs(np.diff(np.append(wave.volts, wave.volts[0])))
        assert seam[-1] < 1.5 * np.median(np.sort(seam)[-100:])

    def test_raw_counts_are_scaled(self, path):
        text = "i_raw,v_raw\n" + "".join(
            f"{round(i * 41.4738)},{round(v * 21.3872)}\n" for v, i in self.rows()
        )
        assert Recording(path(text), 2000).watts == pytest.approx(1426, rel=0.003)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "v_volt,i_ampere\n",
            "v_volt,i_ampere\n1,2,3\n",
            "v_volt,i_ampere\n1,2\nx,3\n",
            "v_volt,i_ampere\n1,nan\n",
            "volt,ampere\n1,2\n",
            "v_volt,i_ampere\n" + "1,2\n" * 500,
        ],
    )
    def test_what_is_no_recording(self, text, path):
        with pytest.raises(LoadError) as refusal:
            Recording(path(text), 2000)
        assert refusal.value.code == "load-malformed"

    def test_a_missing_file(self):
        with pytest.raises(LoadError) as refusal:
            Recording("/nonexistent.csv", 2000)
        assert refusal.value.code == "load-missing"


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"watts": 5}, ConstantLoad),
        ({"kind": "resistive", "watts": -5.5}, ConstantLoad),
        ({"kind": "motor", "watts": 100, "power_factor": 0.5, "leading": True}, Motor),
        ({"kind": "rectifier", "watts": 60}, Rectifier),
        ({"kind": "cooker", "watts": 500, "on": 2, "of": 3}, Cooker),
    ],
)
def test_a_load_from_its_description(request_, kind):
    assert type(appliance(request_)) is kind


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, "load-request"),
        ({"kind": "toaster", "watts": 1}, "load-request"),
        ({"kind": []}, "load-request"),
        ({"watts": "1"}, "load-request"),
        ({"watts": True}, "load-request"),
        ({"watts": float("nan")}, "load-request"),
        ({"watts": 20_000}, "load-range"),
        ({"watts": 1, "power_factor": 1}, "load-request"),
        ({"kind": "motor", "watts": 1}, "load-request"),
        ({"kind": "motor", "watts": 1, "power_factor": 0}, "load-range"),
        ({"kind": "motor", "watts": 1, "power_factor": 1, "leading": 1}, "load-request"),
        ({"kind": "cooker", "watts": 1, "on": 0}, "load-range"),
        ({"kind": "cooker", "watts": 9000, "on": 1, "of": 50}, "load-range"),
        ({"kind": "recording", "path": "/nonexistent", "rate_hz": 2000}, "load-missing"),
        ({"kind": "recording", "path": "/nonexistent", "rate_hz": 1}, "load-range"),
    ],
)
def test_a_description_that_is_none(request_, code):
    with pytest.raises(LoadError) as refusal:
        appliance(request_)
    assert refusal.value.code == code
