"""A flash that outlives its meter (`make wear` takes a month, and fills a log)."""

import pytest
from wear import BLOCKS, YEARS, erases, report

DAYS = 10


@pytest.mark.slow
def test_the_flash_lasts_fifteen_years(tmp_path):
    """Nearly full of data that never moves, which is the worst: what is free takes all the wear."""
    counted = erases(tmp_path, DAYS)
    assert len(counted) == BLOCKS
    assert sum(1 for count in counted if count) >= 15
    assert report(counted, DAYS) >= YEARS
