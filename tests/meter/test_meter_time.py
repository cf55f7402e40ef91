"""Time that misbehaves on a meter without a provider, whose clock is the board's: jumps and loss.

A task beside the firmware sets the real-time clock as somebody at the bench would.
"""

import pytest
from meter_bench import START_S
from order_bench import desk, story
from test_meter_events import faulty
from wattseal.record import CLOCK_STEPPED, CLOCK_UNSET, LEAD_IN

HOUR_S = 3600
SINCE_2000_S = START_S - 946_684_800
SETTER = """
async def set_by(after_s, seconds):
    import time
    await asyncio.sleep(after_s)
    to = time.time() + seconds if seconds else 0
    y, mo, d, h, mi, s, wd = time.gmtime(to)[:7]
    machine.RTC().datetime((y, mo, d, wd, h, mi, s, 0))
async def fault():
"""


def life(tmp_path, *steps, until_s, rtc=True):
    """The story of a meter whose clock is moved: steps of (after s, by s; by 0: it is lost)."""
    lines = "".join(f"    asyncio.create_task(set_by({at}, {by}))\n" for at, by in steps)
    firmware = faulty(tmp_path, SETTER + lines)
    settings = {"provider": "", "burst_ms": 5000}
    with desk(tmp_path, firmware=firmware, settings=settings, rtc=rtc) as at:
        at.after(until_s)
        records = at.records()
        status = at.customer.status()
        sealed_to_s = records[-1].end_s if records else START_S
        assert status["register_wh"] == pytest.approx(until_s / 3.6, abs=8)
        return [entry for entry in story(records) if entry not in ("boot", "calibrated")], (
            status["sealed_units"][0], sealed_to_s - START_S
        )  # fmt: skip


def test_a_jump_ahead_makes_one_long_record(tmp_path):
    told, (sealed_wh, _) = life(tmp_path, (2700, 7000), until_s=2 * HOUR_S)
    assert told == [
        "origin", ("interval", 0, 1800, 0), ("outage", 1800, 9000, CLOCK_STEPPED),
        ("interval", 10800, 1800, 0),
    ]  # fmt: skip
    assert sealed_wh == pytest.approx(5600 / 3.6, abs=8)


def test_a_jump_back_makes_the_interval_longer(tmp_path):
    """Behind the sealed end nothing is sealed until the clock has come past it again."""
    told, (sealed_wh, to_s) = life(tmp_path, (4000, -3000), until_s=3 * HOUR_S)
    assert told == [
        "origin", ("interval", 0, 1800, 0), ("interval", 1800, 1800, 0),
        ("interval", 3600, 1800, 0), ("interval", 5400, 1800, 0),
    ]  # fmt: skip
    assert (sealed_wh, to_s) == (pytest.approx((7200 + 3000) / 3.6, abs=8), 7200)


def test_a_clock_lost_amid_an_interval(tmp_path):
    told, (sealed_wh, _) = life(
        tmp_path, (2700, 0), (4000, SINCE_2000_S + 4000 - 1300), until_s=2 * HOUR_S
    )
    assert told[:2] == ["origin", ("interval", 0, 1800, 0)]
    assert told[2][0] == "outage" and told[2][1] == 1800
    assert told[2][3] & CLOCK_UNSET
    assert sealed_wh <= 2000


def test_a_boot_without_a_clock_that_somebody_sets_later(tmp_path):
    told, _ = life(tmp_path, (3000, SINCE_2000_S), until_s=2 * HOUR_S, rtc=False)
    (origin, lead_in, *rest) = told
    assert origin == "origin"
    assert lead_in[0] == "outage" and lead_in[3] == LEAD_IN | CLOCK_UNSET
    assert [entry[2] for entry in rest] == [1800] * len(rest) and rest


def test_small_steps_pass_unremarked(tmp_path):
    told, _ = life(tmp_path, (2001, 1), (2601, -1), until_s=HOUR_S + 5)
    assert told == ["origin", ("interval", 0, 1800, 0), ("interval", 1800, 1800, 0)]
