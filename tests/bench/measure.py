"""Timing: the median of several warm runs, with how far they spread."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gmpy2


@dataclass(frozen=True)
class Row:
    """One line of the table. baseline: another way to the same, measured in the same run, in the
    same unit (None where there is none), and named by `against`; goal: what was aimed at; spread:
    the middle half of the runs; cpu: the median of the processor's time, which others'
    work on the machine touches less."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    against: str = ""
    goal: float | None = None
    spread: tuple[float, float] | None = None
    cpu: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the baseline is the value."""
        return None if self.baseline is None else round(self.baseline / self.value, 2)

    @property
    def met(self) -> bool:
        """Whether the goal was reached: at least so many "times", at most so much of all else."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.unit == "times" else self.value <= self.goal

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "baseline": None if self.baseline is None else round(self.baseline, 3),
            "ratio": self.ratio,
            "against": self.against,
            "goal": self.goal,
            "met": self.met,
            "spread": None if self.spread is None else [round(end, 3) for end in self.spread],
            "cpu": None if self.cpu is None else round(self.cpu, 3),
        }


@dataclass(frozen=True)
class Timing:
    """Milliseconds of each run, ascending: by the clock, and of this process."""

    runs_ms: tuple[float, ...]
    cpu_runs_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        return statistics.median(self.runs_ms)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles, in ms; the extremes of fewer than four runs."""
        if len(self.runs_ms) < 4:
            return self.runs_ms[0], self.runs_ms[-1]
        low, _, high = statistics.quantiles(self.runs_ms, n=4)
        return low, high

    def row(
        self, name: str, goal_ms: float, baseline_ms: float | None = None, against: str = ""
    ) -> Row:
        return Row(
            name,
            self.median_ms,
            "ms",
            baseline_ms,
            against,
            goal_ms,
            self.spread,
            statistics.median(self.cpu_runs_ms),
        )


def timed(work: Callable[[], object], runs: int, warm: int = 2) -> Timing:
    """Time `work` after `warm` runs that do not count."""
    for _ in range(warm):
        work()
    # What is alive by now is the bench's own: collections need not walk through it.
    gc.collect()
    gc.freeze()
    spent_ms, cpu_ms = [], []
    for _ in range(runs):
        started, cpu_started = time.perf_counter(), time.process_time()
        work()
        cpu_ms.append((time.process_time() - cpu_started) * 1000)
        spent_ms.append((time.perf_counter() - started) * 1000)
    return Timing(tuple(sorted(spent_ms)), tuple(sorted(cpu_ms)))


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "gmpy2": gmpy2.version(),
        "gmp": gmpy2.mp_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
