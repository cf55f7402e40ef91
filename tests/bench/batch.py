"""Many bills on all cores against one after another, in one process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from bench.month import Month
from wattseal_host.provider.batch import Checker, Desk, check_all


def many_bills(month: Month, directory: Path) -> Iterator[Row]:
    """Bill messages of each kind of tariff (of one meter, which costs the same as many)."""
    office = month.office
    desk = Desk(office.directory, office.public, month.trust, month.ledger_file)
    for name, papers, count in (
        ("time-of-use", month.time_of_use, 2000),
        ("half-hourly", month.half_hourly, 500),
    ):
        folder = directory / f"bills {name}"
        folder.mkdir()
        message = month.message(month.bill(papers))
        paths = [folder / f"{number:04}.bill" for number in range(count)]
        for path in paths:
            path.write_bytes(message)
        started = time.perf_counter()
        with Checker(desk) as checker:
            assert all(checker.check(path.read_bytes()).accepted for path in paths)
        alone_ms = (time.perf_counter() - started) * 1000 / count
        started = time.perf_counter()
        assert all(outcome.verdict.accepted for outcome in check_all(paths, desk))
        spent_ms = (time.perf_counter() - started) * 1000 / count
        title = f"batch of {count:,} {name} bill messages on {os.cpu_count()} cores, each"
        yield Row(title, spent_ms, "ms", alone_ms, "one by one")
