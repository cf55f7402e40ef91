"""Loads: power, energy, and files that are none."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattseal_hil.errors import LoadError
from wattseal_hil.loads import ConstantLoad, CsvLoad, ProfileLoad, SlotLoad, SwitchedLoad

T0 = 1_370_044_800
slot_energies = st.lists(st.floats(0, 4000), min_size=1, max_size=40)
moments = st.floats(T0 - 5000, T0 + 90_000)


@given(slot_energies, moments, moments, moments)
def test_energy_adds_up_and_is_never_negative(energies_wh, a, b, c):
    load = SlotLoad(T0, 1800, energies_wh)
    a, b, c = sorted((a, b, c))
    whole = load.energy_wh(a, c)
    assert whole == pytest.approx(load.energy_wh(a, b) + load.energy_wh(b, c), abs=1e-6)
    assert whole >= 0


@given(slot_energies)
def test_energy_is_power_times_time_in_every_slot(energies_wh):
    load = SlotLoad(T0, 900, energies_wh)
    for number, wh in enumerate(energies_wh):
        start = T0 + 900 * number
        assert load.power_w(start) * 0.25 == pytest.approx(wh)
        assert load.power_w(start + 899.999) == load.power_w(start)
        assert load.energy_wh(start, start + 900) == pytest.approx(wh, abs=1e-6)
    assert load.power_w(T0 - 0.001) == load.power_w(T0 + 900 * len(energies_wh)) == 0


@given(st.lists(st.tuples(moments, st.floats(0, 9000)), max_size=6), moments, moments)
def test_switching_keeps_account(switches, a, b):
    load = SwitchedLoad(ConstantLoad(500))
    times = sorted(time for time, _ in switches)
    for time, (_, watts) in zip(times, switches, strict=True):
        load.switch(time, ConstantLoad(watts))
    a, b = sorted((a, b))
    cuts = [a, *(time for time in times if a < time < b), b]
    by_hand = sum(
        load.power_w((x + y) / 2) * (y - x) / 3600
        for x, y in pairwise(cuts)
        if y - x > 1e-3
    )
    assert load.energy_wh(a, b) == pytest.approx(by_hand, abs=0.02)


def test_a_household_file_is_taken_as_utc(data_dir):
    load = CsvLoad(data_dir / "households" / "lcl_MAC000002_2013-06_07.csv")
    assert load.start_s == datetime(2013, 6, 1, tzinfo=UTC).timestamp()
    assert (load.slot_s, load.end_s - load.start_s) == (1800, 2928 * 1800)
    assert load.energy_wh(load.start_s, load.end_s) == pytest.approx(571_100, rel=1e-4)
    assert load.power_w(load.start_s) == pytest.approx(428)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "load-malformed"),
        ("time,kwh\n", "load-malformed"),
        ("start,kwh\n2026-01-01 00:00,1\n", "load-malformed"),
        ("start,kwh\n2026-01-01 00:00,1\n2026-01-01 00:30,x\n", "load-malformed"),
        ("start,kwh\n2026-01-01 00:00,1\n2026-13-01 00:30,1\n", "load-malformed"),
        ("start,kwh\n2026-01-01 00:00,1\n2026-01-01 00:30\n", "load-malformed"),
        ("start,kwh\n2026-01-01 00:00,1\n2026-01-01 00:30,nan\n", "load-range"),
        ("start,kwh\n2026-01-01 00:00,1\n2026-01-01 00:30,-1\n", "load-range"),
        ("start,kwh\n2026-01-01 00:00,1\n2026-01-01 00:30,99\n", "load-range"),
        ("start,kwh\n2026-01-01 00:30,1\n2026-01-01 00:00,1\n", "load-gap"),
        ("start,kwh\n2026-01-01 00:00,1\n2026-01-01 00:30,1\n2026-01-01 01:30,1\n", "load-gap"),
    ],
)
def test_a_file_that_is_no_load_is_refused(text, code, tmp_path):
    path = tmp_path / "load.csv"
    path.write_text(text)
    with pytest.raises(LoadError) as refused:
        CsvLoad(path)
    assert refused.value.code == code


def test_binary_and_missing_files_are_refused(tmp_path):
    with pytest.raises(LoadError) as refused:
        CsvLoad(tmp_path / "none.csv")
    assert refused.value.code == "load-missing"
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(LoadError) as refused:
        CsvLoad(tmp_path / "binary")
    assert refused.value.code == "load-malformed"


def test_the_standard_household_draws_its_annual_energy_every_year():
    load = ProfileLoad(annual_kwh=3500)
    for year in (2024, 2025):
        start = datetime(year, 1, 1, tzinfo=UTC).timestamp()
        end = datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()
        assert load.energy_wh(start, end) == pytest.approx(3_500_000)
    night = datetime(2025, 1, 15, 3, tzinfo=UTC).timestamp()
    evening = datetime(2025, 1, 15, 19, tzinfo=UTC).timestamp()
    assert 50 < load.power_w(night) < load.power_w(evening) < 1500


def test_the_year_turns_without_a_gap():
    load = ProfileLoad()
    turn = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    parts = load.energy_wh(turn - 3600, turn) + load.energy_wh(turn, turn + 3600)
    assert load.energy_wh(turn - 3600, turn + 3600) == pytest.approx(parts)


def test_a_csv_as_spreadsheets_write_it(tmp_path):
    path = tmp_path / "load.csv"
    path.write_bytes(b"\xef\xbb\xbfstart,kwh\r\n2026-01-01 00:00,1\r\n2026-01-01 00:30,2\r\n\r\n")
    load = CsvLoad(path)
    assert load.energy_wh(load.start_s, load.end_s) == 3000


def test_what_might_never_end_is_not_read():
    with pytest.raises(LoadError) as refused:
        CsvLoad("/dev/zero")
    assert refused.value.code == "load-malformed"
