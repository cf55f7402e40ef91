"""A sample of the power-cut matrix (`make cuts` makes all of it)."""

import pytest
from cut_check import Survival, choose
from cut_days import record_event_day, record_first_day, record_full_day

CUTS = 16


@pytest.mark.parametrize("record", [record_first_day, record_full_day, record_event_day])
def test_a_sample_of_the_power_cut_matrix(tmp_path, rng, record):
    day = record(tmp_path / "day")
    survival = Survival(day, tmp_path / "after")
    cuts = choose(day, rng, CUTS)
    for number, image in enumerate(day.recorder.images()):
        for at, kind in cuts:
            if at == number:
                try:
                    survival.check(at, kind, image, rng)
                except Exception as error:
                    error.add_note(f"day {day.name}, cut at operation {at}, {kind}")
                    raise
