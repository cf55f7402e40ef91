from meter.clock import Clock
from meter_bench import Ticks


def test_utc_whatever_the_epoch_of_the_port():
    for year in (1970, 2000):
        clock = Clock(Ticks(1_767_225_600, epoch_year=year))
        assert clock.utc_s() == 1_767_225_600
        assert clock.is_set()


def test_a_clock_that_was_never_set():
    assert not Clock(Ticks(946_684_800)).is_set()
    assert not Clock(Ticks(1_262_303_999)).is_set()
    assert not Clock(Ticks(4_102_444_800)).is_set()


def test_monotonic_time_outlives_the_wrap(ticks):
    clock = Clock(ticks)
    for day in range(1, 40):
        ticks.now_ms += 86_400_000
        assert clock.monotonic_ms() == day * 86_400_000


def test_multiples_of_a_period(ticks):
    clock = Clock(ticks)
    assert clock.ms_until_multiple(60_000) == 60_000
    ticks.now_ms += 1
    assert clock.ms_until_multiple(60_000) == 59_999
    ticks.now_ms += 59_998
    assert clock.ms_until_multiple(60_000) == 1


def test_peeking_moves_nothing(ticks):
    clock = Clock(ticks)
    ticks.now_ms += 700
    assert (clock.peek_ms(), clock.peek_ms(), clock.monotonic_ms()) == (700, 700, 700)
