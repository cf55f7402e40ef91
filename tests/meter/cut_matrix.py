"""The power-cut matrix: power fails before, inside and after every flash operation of three days.

    python tests/meter/cut_matrix.py [--seed N] [--every K] [--jobs J]

A progress bar while it runs; then how many cuts were made, and those the meter did not survive.
"""

import argparse
import multiprocessing
import os
import random
import secrets
import sys
import tempfile
from pathlib import Path

import conftest  # noqa: F401  what makes the meter's modules importable
from cut_check import Survival, choose
from cut_days import record_event_day, record_first_day, record_full_day
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

CHUNK = 40

_days = []
_survivals = {}


def _try(task):
    """Make some cuts of a day; return how many, and what went wrong: texts."""
    index, cuts, seed, root = task
    day = _days[index]
    if index not in _survivals:
        _survivals[index] = Survival(day, Path(root) / f"{os.getpid()}-{day.name}")
    wanted = {}
    for number, kind in cuts:
        wanted.setdefault(number, []).append(kind)
    failures = []
    for number, image in enumerate(day.recorder.images()):
        for kind in wanted.get(number, ()):
            try:
                rng = random.Random(f"{seed} {day.name} {number} {kind}")
                _survivals[index].check(number, kind, image, rng)
            except Exception as error:
                text = str(error).strip().splitlines() or [""]
                failures.append(
                    f"{day.name} day, operation {number}, {kind}: {type(error).__name__} {text[0]}"
                )
    return len(cuts), failures


def main():
    """Run the matrix; the exit status is 1 if a cut was not survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--every", type=int, default=1, help="only one cut in K, by chance")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    made, failures = 0, []
    with tempfile.TemporaryDirectory(prefix="wattseal-cuts-") as root:
        tasks = []
        for index, record in enumerate((record_first_day, record_full_day, record_event_day)):
            day = record(Path(root) / record.__name__)
            _days.append(day)
            every = choose(day)
            cuts = choose(day, random.Random(options.seed), len(every) // options.every)
            print(f"{day.name} day: {len(day.recorder.operations)} flash operations")
            tasks += [
                (index, cuts[at : at + CHUNK], options.seed, root)
                for at in range(0, len(cuts), CHUNK)
            ]
        columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
        with (
            Progress(*columns) as progress,
            multiprocessing.get_context("fork").Pool(options.jobs) as pool,
        ):
            bar = progress.add_task("cuts", total=sum(len(task[1]) for task in tasks))
            for count, failed in pool.imap_unordered(_try, tasks):
                made += count
                failures += failed
                progress.advance(bar, count)
    for failure in sorted(failures):
        print(failure)
    print(f"{made} power cuts, {len(failures)} not survived (seed {options.seed})")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
