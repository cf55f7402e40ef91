"""Recorded waveforms through the whole meter, against the sum computed from their samples.

The sum is taken here from the file's own rows, over the rows the loop was made of.
"""

import numpy as np
import pytest
from wattseal_hil.appliances import RAW_PER_A, RAW_PER_V, Recording
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.calibrate import BURST_MS, SETTINGS, calibrate_bench
from wattseal_hil.frontend import IDEAL, bench
from wattseal_hil.questions import means, measurement

BURSTS = 500
# file, rate in Hz, first row, mains in Hz; error of the energy in percent: flawless and faulty
RECORDINGS = [
    ("vb_kettle_switch_on_2k", 2000, 1060, 50, 0.05, 0.4),
    ("vb_fridge_switch_on_2k", 2000, 1800, 50, 0.2, 0.8),
    ("hfhadc_fridge_1_6k4_raw", 6400, 0, 50, 0.4, 1.5),
    ("hfhadc_kettle_1_6k4_raw", 6400, 0, 50, 0.05, 0.4),
    ("hfhadc_laptop_1_6k4_raw", 6400, 0, 50, 0.4, 1.5),
    ("hfhadc_washing_machine_1_6k4_raw", 6400, 0, 50, 0.2, 0.8),
    ("hfhadc_induction_cooker_1_6k4_raw", 6400, 0, 50, 0.2, 0.5),
    ("evcpw_hyundai_ioniq_5_1_30k7", 30_753.1, 0, 60, 0.15, 0.5),
]


def truth_w(path, rows):
    values = np.loadtxt(path, delimiter=",", skiprows=1)[slice(*rows)]
    if "raw" in path.name:
        return float(np.mean(values[:, 0] / RAW_PER_A * values[:, 1] / RAW_PER_V))
    return float(np.mean(values[:, 0] * values[:, 1]))


@pytest.fixture(scope="module")
def constants():
    return calibrate_bench(bench(5), 5, lambda done, of_all: None)


@pytest.mark.parametrize("faulty", [False, True], ids=["flawless", "faulty"])
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda r: r[0])
def test_energy_of_a_recording(recording, faulty, data_dir, constants):
    name, rate_hz, from_row, mains_hz, *limits = recording
    path = data_dir / "waveforms" / f"{name}.csv"
    load = Recording(path, rate_hz, from_row)
    true_w = truth_w(path, load.rows)
    with EmulatedBoard(
        seed=5,
        load=load,
        settings={**SETTINGS, "mains_hz": mains_hz, "burst_ms": BURST_MS},
        front_end=bench(5) if faulty else IDEAL,
        calibration=constants if faulty else NOMINAL,
    ) as board:
        board.power_on()
        board.run_until(board.now_s + 1)
        first = measurement(board.customer_port)
        board.run_until(board.now_s + BURSTS * BURST_MS / 1000)
        seen = means(first, measurement(board.customer_port), BURST_MS)
    error = 100 * (seen.energy_w / true_w - 1)
    print(f"{name}: {error:+.3f} % of {true_w:.1f} W")
    assert abs(error) < limits[faulty]


# The flawless board's own scale, so that nothing but the waveform is tested.
NOMINAL = {"voltage_uv_per_step": 308_826, "current_points": [[0, 73_239, 0]]}


@pytest.mark.parametrize(("on", "of"), [(1, 2), (2, 5), (1, 3), (3, 10)])
def test_a_cooker_that_skips_cycles_is_metered_right_in_the_long_run(on, of):
    """A burst is four cycles, and no number of cycles suits every pattern: it takes many bursts,
    that do not keep in step with it."""
    from wattseal_hil.appliances import Cooker

    burst_ms = 970
    with EmulatedBoard(
        load=Cooker(1000, on, of),
        settings={**SETTINGS, "burst_ms": burst_ms},
        calibration=NOMINAL,
    ) as board:
        board.power_on()
        board.run_until(board.now_s + 5)
        first = measurement(board.customer_port)
        board.run_until(board.now_s + 900)
        seen = means(first, measurement(board.customer_port), burst_ms)
    assert seen.energy_w == pytest.approx(1000, rel=0.012)
