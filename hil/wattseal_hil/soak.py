"""Random scenarios from a seed, each audited; what fails is made short and written to a file.

Scenario `n` of a seed is the same on every machine: `scenario_of(seed, n)`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.faults import KINDS as TEARS
from wattseal_hil.line_faults import BABBLE, LINES, WAYS
from wattseal_hil.play import Outcome, Progress, play
from wattseal_hil.scenario import Scenario, Setting, Step
from wattseal_hil.shrink import shrunk
from wattseal_hil.tree import FIRMWARE

INTERVAL_S = 10
TAMPER_PIN = 27
_LONGEST_S = 240
_LONG = 8  # so much slower are some scenarios, on a small flash: old records are dropped
_LONG_BLOCKS = 34
SHRINKING_S = 60.0


@dataclass
class Failure:
    """A scenario that failed, as short as it could be made, and where it was written."""

    number: int
    outcome: Outcome
    tried: int
    path: Path


@dataclass
class Soak:
    """What came of a soak: how many scenarios, how much board time, and what failed."""

    seed: int
    scenarios: int = 0
    board_s: float = 0.0
    records: int = 0
    failures: list[Failure] = field(default_factory=list)


def soak(
    seed: int,
    seconds: float,
    folder: Path,
    *,
    first: int = 0,
    scenarios: int | None = None,
    firmware: str | Path = FIRMWARE,
    stop_after: int = 1,
    shrinking_s: float = SHRINKING_S,
    progress: Progress = lambda done, total: None,
) -> Soak:
    """Play scenarios of `seed` from number `first` on for so many seconds, or so many of them.

    Ends after `stop_after` failures, each shrunk for `shrinking_s` real seconds at most and written
    to `folder` with its tape. progress(done, of all); of the shrinking while that goes on.
    Raises BoardError `soak-unusable` where there can be no folder.
    """
    place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):  # not when there is one to write
        raise BoardError("soak-unusable", f"{folder}: no folder to write to")
    made = Soak(seed)
    begin_s = time.monotonic()
    number = first
    while True:
        spent_s = time.monotonic() - begin_s
        progress(*((made.scenarios, scenarios) if scenarios else (spent_s, seconds)))
        if scenarios is None and spent_s >= seconds:
            return made
        if scenarios is not None and made.scenarios >= scenarios:
            return made
        scenario = scenario_of(seed, number)
        outcome = play(scenario, firmware=firmware)
        made.scenarios += 1
        made.board_s += outcome.board_s
        made.records += outcome.records
        if not outcome.good:
            made.failures.append(_shorten(number, outcome, folder, firmware, shrinking_s, progress))
            if len(made.failures) >= stop_after:
                return made
        number += 1


def _shorten(
    number: int,
    outcome: Outcome,
    folder: Path,
    firmware: str | Path,
    shrinking_s: float,
    progress: Progress,
) -> Failure:
    """Shrink a failure, write it, and play it once more for its tape."""
    short, tried = shrunk(
        outcome.scenario,
        outcome.codes,
        lambda one: play(one, firmware=firmware),
        shrinking_s,
        progress,
    )
    folder.mkdir(parents=True, exist_ok=True)
    stem = short.name.replace(" ", "-")
    path = folder / f"{stem}.yaml"
    path.write_text(short.text(), "utf-8")
    again = play(short, tape=folder / f"{stem}.tape", firmware=firmware)
    return Failure(number, again, tried, path)


def scenario_of(seed: int, number: int) -> Scenario:
    """Scenario `number` of a seed."""
    return _Maker(random.Random(f"wattseal soak {seed} {number}")).make(f"soak {seed} {number}")


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._now_s = 0.0
        self._start_s = 1_767_225_600
        self._steps: list[Step] = []

    def _do(self, action: str, value: Any) -> None:
        self._steps.append(Step(round(self._now_s, 1), action, value))

    def make(self, name: str) -> Scenario:
        rng = self._rng
        clock = rng.random() < 0.6
        slower = _LONG if rng.random() < 0.07 else 1
        self._start_s += rng.randrange(600)
        settings = {
            "interval_s": INTERVAL_S,
            "burst_ms": rng.choice((970, 2000, 5000)),
            "telegram_ms": rng.choice((1000, 2000)),
            "checkpoint_ms": rng.choice((2000, 5000, 15_000)),
            "tamper_pin": TAMPER_PIN,
        }
        # Watts that leave a remainder in every interval.
        meter = Setting(
            rng.randrange(1 << 16), self._start_s, clock, settings,
            rng.choice((0, 150, 1234, 2999, 7777)),
            _LONG_BLOCKS if slower > 1 else rng.choice((0, 0, 0, 40)),
        )  # fmt: skip
        self._do("power", True)
        if not clock:
            self._now_s = rng.choice((1.0, 4.0, 17.0))
            self._do("set-clock", 0)
        for _ in range(rng.randrange(2, 9)):
            self._now_s += slower * (
                rng.choice((0.0, 0.1, 1.0, 3.0, 10.0, 20.0)) + rng.random() * 10
            )
            if self._now_s > _LONGEST_S * slower:
                break
            if rng.random() < 0.25:
                self._to_the_end_of_an_interval()
            rng.choices(
                (self._fault, self._power, self._load, self._pair, self._collect),
                (8, 4, 2, 2, 3),
            )[0](clock)
        return Scenario(name, meter, tuple(self._steps))

    def _to_the_end_of_an_interval(self) -> None:
        left_s = -(self._start_s + self._now_s) % INTERVAL_S
        self._now_s += left_s + self._rng.choice((0.0, 0.1, 0.3))

    def _load(self, clock: bool) -> None:
        self._do("load", self._rng.choice((0, 80, 500, 2345, 9000)))

    def _pair(self, clock: bool) -> None:
        self._do("pair", True)

    def _collect(self, clock: bool) -> None:
        self._do("collect", self._rng.choice(LINES))

    def _power(self, clock: bool) -> None:
        if self._rng.random() < 0.2:
            self._do("reset", True)
        else:
            self._do("power", False)
            self._now_s += self._rng.choice((0.1, 1.0, 12.0, 45.0))
            self._do("power", True)
        if not clock and self._rng.random() < 0.8:
            self._now_s += self._rng.choice((0.5, 3.0, 12.0))
            self._do("set-clock", 0)

    def _fault(self, clock: bool) -> None:
        description = self._description(clock)
        self._do("inject", description)
        if description["fault"] == "clock-jump":
            return
        if self._rng.random() < 0.3:
            # One more: a second cut meets the boot after the first.
            more = self._description(clock)
            self._do("inject", more)
            if more["fault"] == "power-cut":
                description = more
        self._now_s += self._rng.choice((0.5, 5.0, 15.0, 30.0)) * (0.5 + self._rng.random())
        if self._rng.random() < 0.5:
            self._do("collect", self._rng.choice(LINES))
        if description["fault"] == "power-cut":
            self._do("clear", True)
            self._do("power", True)
            if not clock:
                self._do("set-clock", 0)
        elif self._rng.random() < 0.8:
            self._do("clear", True)

    def _description(self, clock: bool) -> dict[str, Any]:
        rng = self._rng
        line, way = rng.choice(LINES), rng.choice(WAYS)
        seed = rng.randrange(1000)
        rate = rng.choice((0.001, 0.01, 0.1))
        on_line = {"line": line, "way": way}
        kinds: list[Callable[[], dict[str, Any]]] = [
            lambda: {"fault": "bit-errors", **on_line, "rate": rate / 5, "seed": seed},
            lambda: {"fault": "dropped-bytes", **on_line, "rate": rate, "seed": seed},
            lambda: {"fault": "doubled-bytes", **on_line, "rate": rate, "seed": seed},
            lambda: {
                "fault": "delayed-bytes", **on_line, "rate": rate, "seed": seed,
                "delay_ms": rng.choice((2, 50, 1500)),
            },
            lambda: {"fault": "cut-line", **on_line},
            lambda: {
                "fault": "babbling-master", "line": line, "what": rng.choice(BABBLE),
                "period_ms": rng.choice((50, 333, 2000)), "bytes": rng.choice((1, 8, 80)),
                "seed": seed,
            },
            lambda: {
                "fault": "power-cut", "at": rng.randrange(1, 60), "tear": rng.choice(TEARS),
                "off_ms": rng.choice((0, 200, 3000)), "seed": seed,
            },
            lambda: {
                "fault": "brown-out", "at": rng.randrange(1, 48), "tear": rng.choice(TEARS),
                "off_ms": rng.choice((100, 5000)), "seed": seed,
            },
            lambda: {
                "fault": "flash-refuses", "first": rng.randrange(1, 30),
                "count": rng.choice((1, 5, 60, 1 << 40)),
            },
            lambda: {"fault": "worn-block", "block": rng.randrange(40)},
            lambda: {"fault": "flash-full", "free_blocks": rng.choice((0, 1, 4))},
            lambda: {
                "fault": "adc-stuck", "input": rng.choice(("voltage", "current")),
                "code": rng.choice((0, 1447, 4095)),
            },
            lambda: {"fault": "clamp-unplugged"},
            lambda: {"fault": "voltage-unplugged"},
            lambda: {"fault": "clock-jump", "by_s": rng.choice((-3600, -25, -1, 1, 3, 25, 600))},
            lambda: {"fault": "case-opened"},
        ]  # fmt: skip
        # Power that fails while something is written is what meters die of.
        return rng.choices(kinds, [1] * 6 + [2, 4] + [1] * 8)[0]()
