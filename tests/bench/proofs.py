"""Bills whose amount is proven and not opened, from a bundle's bytes and in batches.

Beside them stand published figures, of work that differs: ZQL (2013), 5 readings of a smart meter:
proven in 0.59 s, verified in 0.60 s, 6,106 bytes. A Nova prototype, 1,500 readings, a bounds check
alone, no tariff and no signatures: 16.5 s, 69 kB; as a SNARK 52 s, 1.25 MB.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import Row
from bench.month import SLOTS, Month
from wattseal_host.provider.batch import Checker, Desk, check_all
from wattseal_host.verify import verify_bundle

BATCH = 100
BEYOND_LEDGER = "bytes beyond the ledger"


def _part(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "name": kind, "channel": "import", **fields}


TIERS = _part(
    "tiers", mode="cumulative", unit_exponent=3, span="period",
    tiers=[{"up_to": 300, "price": 2000}, {"up_to": 900, "price": 4000}, {"price": 6000}],
)  # fmt: skip
DEMAND = _part("demand", price=500_000, highest=1, per_s=3600)
STEPS = _part(
    "steps", unit_exponent=0, per_s=1800,
    steps=[{"up_to": 500, "price": 0}, {"up_to": 1500, "price": 900}, {"price": 2500}],
)  # fmt: skip


def proven_bills(month: Month, directory: Path, slow: bool, runs: int) -> Iterator[Row]:
    """slow: those of minutes too."""
    tiered = month.shaped("tiered", TIERS)
    kinds = [
        ("half-hourly prices, rounded", month.half_hourly, 1.0, 100, 1000, runs),
        ("and cumulative tiers", tiered, 1.5, 120, 1100, runs),
    ]
    if slow:
        kinds += [
            ("and the highest of all readings", month.shaped("demand", DEMAND), 45, 4000, 1600, 1),
            ("and 3 steps on every reading", month.shaped("steps", STEPS), 100, 8000, 1700, 1),
        ]
    for name, papers, prove_s, verify_ms, most_bytes, times in kinds:
        proving, verifying = [], []
        for _ in range(times):
            started = time.perf_counter()
            bill = month.bill(papers, full=False)
            proving.append(time.perf_counter() - started)
            # Making it, the customer verified it: the rest is proving.
            proving[-1] -= sum(spent_ms for _, spent_ms in bill.verdict.checks) / 1000
        for _ in range(max(times, 3)):
            started = time.perf_counter()
            verdict = verify_bundle(bill.data, month.trust)
            verifying.append((time.perf_counter() - started) * 1000)
            if not verdict.accepted:
                raise SystemExit(f"a bill was refused: {verdict.code}")
        message = month.message(bill)
        title = f"{SLOTS:,} half-hours, {name}"
        yield Row(f"{title}: bill and prove", sorted(proving)[times // 2], "s", goal=prove_s)
        middle = sorted(verifying)[len(verifying) // 2]
        yield Row(f"{title}: verify", middle, "ms", goal=verify_ms)
        # The statement is told whatever the proof: what a fee opened has instead is 64 bytes.
        yield Row(f"{title}: proof", len(message) - 188, BEYOND_LEDGER, goal=most_bytes)
    yield _batch(month, directory, month.message(month.bill(tiered, full=False)))


def _batch(month: Month, directory: Path, message: bytes) -> Row:
    folder = directory / "bills proven"
    folder.mkdir()
    paths = [folder / f"{number:04}.bill" for number in range(BATCH)]
    for path in paths:
        path.write_bytes(message)
    desk = Desk(month.office.directory, month.office.public, month.trust, month.ledger_file)
    started = time.perf_counter()
    with Checker(desk) as checker:
        assert all(checker.check(path.read_bytes()).accepted for path in paths[:10])
    alone_ms = (time.perf_counter() - started) * 1000 / 10
    started = time.perf_counter()
    assert all(outcome.verdict.accepted for outcome in check_all(paths, desk))
    spent_ms = (time.perf_counter() - started) * 1000 / BATCH
    title = f"batch of {BATCH} tiered bill messages, each"
    return Row(title, spent_ms, "ms", alone_ms, "one by one", goal=25)
