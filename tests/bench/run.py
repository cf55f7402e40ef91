"""`make bench`: measure, print a table, write build/bench.json. Nothing here asserts a time."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tests", "tests/host")]

from bench import straightforward  # noqa: E402
from bench.batch import many_bills  # noqa: E402
from bench.board import month_through_the_board  # noqa: E402
from bench.measure import Row, Timing, machine, timed  # noqa: E402
from bench.month import SLOTS, Month  # noqa: E402
from bench.proofs import proven_bills  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from wattseal_host.customer.bill import Bill  # noqa: E402
from wattseal_host.garbage import collect_rarely  # noqa: E402
from wattseal_host.ledger import Ledger  # noqa: E402
from wattseal_host.provider.archive import Archive  # noqa: E402
from wattseal_host.provider.bills import check_message  # noqa: E402
from wattseal_host.verify import verify_bundle  # noqa: E402

SLOW = "straightforward, short scalars"


def rows(directory: Path, runs: int, board: bool, slow: bool) -> Iterator[Row]:
    month = Month(directory)
    varied, calendar = month.bill(month.half_hourly), month.bill(month.time_of_use)
    sealed = month.meter.sealed

    def slowly(bill: Bill, full_width: bool = False) -> float:
        def work() -> None:
            _accepted(straightforward.verify(bill.data, sealed, month.trust, full_width))

        return timed(work, max(3, runs // 5), 1).median_ms

    slow_ms, generic_ms = slowly(varied), slowly(varied, full_width=True)
    bundled = timed(lambda: _accepted(verify_bundle(varied.data, month.trust).code), runs)
    title = f"verify {SLOTS:,} half-hours from a bundle, half-hourly prices"
    yield bundled.row(title, 20, slow_ms, SLOW)
    for kind, baseline_ms in (("short scalars", slow_ms), ("generic 256-bit scalars", generic_ms)):
        ratio = baseline_ms / bundled.median_ms
        yield Row(f"ratio to the straightforward verifier, {kind}", ratio, "times", goal=10)
    with Ledger(month.ledger_file) as ledger:
        archive = Archive(month.office.directory, month.office.public)

        def checked(bill: Bill) -> Timing:
            message = month.message(bill)
            return timed(lambda: _accepted(check_message(message, archive, ledger).code), runs)

        title = "the same from the ledger, half-hourly prices"
        yield checked(varied).row(title, 12, slow_ms, SLOW)
        title = "the same from the ledger, time-of-use by prefix sums"
        yield checked(calendar).row(title, 3, slowly(calendar), SLOW)

        def bill_and_prove() -> None:
            month.stretch = ledger.period(month.meter.meter, month.from_s, month.to_s)
            month.bill(month.half_hourly)

        proving = timed(bill_and_prove, max(3, runs // 2))
    yield proving.row("bill and prove, from ledger and secret, half-hourly prices", 100)
    size = len(month.message(varied))
    yield Row(
        "bill message beyond the ledger", size, "bytes", len(varied.data), "the bundle", goal=300
    )
    yield from many_bills(month, directory)
    yield from proven_bills(month, directory, slow, max(3, runs // 4))
    if board:
        spent_s, readings = month_through_the_board()
        title = f"month through the emulated board, {readings:,} readings sealed and collected"
        yield Row(title, spent_s, "s", goal=60)


def _accepted(code: str) -> None:
    if code != "accepted":
        raise SystemExit(f"a bill was refused: {code}")


def show(console: Console, found: list[Row]) -> None:
    table = Table("", "median", "middle half", "CPU", "goal", "baseline", "ratio")
    for row in found:
        spread = "" if row.spread is None else f"{row.spread[0]:.1f} - {row.spread[1]:.1f}"
        cpu = "" if row.cpu is None else f"{row.cpu:.1f}"
        goal = "" if row.goal is None else f"{row.goal:g} {row.unit}{'' if row.met else ' MISSED'}"
        baseline = "" if row.baseline is None else f"{row.baseline:,.1f} {row.unit}, {row.against}"
        ratio = "" if row.ratio is None else f"{row.ratio:g}"
        table.add_row(row.name, f"{row.value:,.1f} {row.unit}", spread, cpu, goal, baseline, ratio)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21, help="timed runs of each fast row")
    parser.add_argument("--no-board", action="store_true", help="leave the emulated board out")
    parser.add_argument("--proofs", action="store_true", help="the proofs of minutes, too")
    chosen = parser.parse_args()
    collect_rarely()  # as the command line and its workers do
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory(prefix="wattseal-bench-") as scratch:
        found = list(rows(Path(scratch), chosen.runs, not chosen.no_board, chosen.proofs))
    on = machine()
    show(console, found)
    console.print(
        f"{on['cores']} cores, Python {on['python']}, gmpy2 {on['gmpy2']}, "
        f"load {on['load_average'][0]} (others' work shows in the spread)"
    )
    if on["load_average"][0] > on["cores"]:
        console.print("More was running than there are cores: times by the clock are too long.")
    out = ROOT / "build"
    out.mkdir(exist_ok=True)
    rows_json = [row.as_json() for row in found]
    (out / "bench.json").write_text(json.dumps(rows_json, indent=1) + "\n")
    (out / "bench-machine.json").write_text(json.dumps(on, indent=1) + "\n")
    console.print(f"written to {os.path.relpath(out / 'bench.json')}")


if __name__ == "__main__":
    main()
