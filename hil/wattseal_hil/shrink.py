"""Makes a failing scenario short: delta debugging over its steps, then simpler values.

Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002). A smaller
scenario counts if it fails with one of the same codes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from wattseal_hil.errors import BoardError
from wattseal_hil.fault_kinds import parse as parse_fault
from wattseal_hil.play import Outcome
from wattseal_hil.scenario import Scenario, Step

_EARLIER_S = (5.0, 1.0)
_SIMPLE = {"at": 1, "off_ms": 200, "first": 1, "tear": "before", "seed": 1, "way": "both"}


def shrunk(
    scenario: Scenario,
    codes: frozenset[str],
    play: Callable[[Scenario], Outcome],
    seconds: float,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> tuple[Scenario, int]:
    """(the shortest scenario found within so many seconds, how many were tried)."""
    begin_s = time.monotonic()

    def watched(candidate: Scenario) -> Outcome:
        progress(time.monotonic() - begin_s, seconds)
        return play(candidate)

    search = _Search(codes, watched, begin_s + seconds)
    best = search.fewer_steps(scenario)
    for candidates in (_simpler_values, _earlier, _simpler_meter):
        best = search.first_that_fails(best, candidates)
    return search.fewer_steps(best), search.tried


class _Search:
    def __init__(
        self, codes: frozenset[str], play: Callable[[Scenario], Outcome], until_s: float
    ) -> None:
        self._codes = codes
        self._play = play
        self._until_s = until_s
        self._known: dict[str, bool] = {}
        self.tried = 0

    def _fails(self, scenario: Scenario) -> bool:
        text = scenario.text()
        if text not in self._known:
            if not scenario.steps or time.monotonic() > self._until_s:
                return False
            self.tried += 1
            self._known[text] = bool(self._play(scenario).codes & self._codes)
        return self._known[text]

    def fewer_steps(self, scenario: Scenario) -> Scenario:
        """Leave out runs of steps, long ones first, while it goes on failing."""
        length = max(1, len(scenario.steps) // 2)
        while True:
            at, shorter = 0, False
            while at < len(scenario.steps):
                steps = scenario.steps[:at] + scenario.steps[at + length :]
                candidate = replace(scenario, steps=steps)
                if self._fails(candidate):
                    scenario, shorter = candidate, True
                else:
                    at += length
            if length == 1 and not shorter:
                return scenario
            length = max(1, length // 2)

    def first_that_fails(
        self, scenario: Scenario, candidates: Callable[[Scenario], Iterator[Scenario]]
    ) -> Scenario:
        """Take a candidate that still fails, and go on from there, until none does."""
        while True:
            for candidate in candidates(scenario):
                if candidate != scenario and self._fails(candidate):
                    scenario = candidate
                    break
            else:
                return scenario


def _simpler_values(scenario: Scenario) -> Iterator[Scenario]:
    """One parameter of one fault at its simplest, or left out."""
    for number, step in enumerate(scenario.steps):
        if step.action != "inject":
            continue
        # Where only the time it takes matters.
        yield _with(scenario, number, replace(step, action="clear", value=True))
        for name in step.value:
            for value in _simpler(name, step.value):
                try:
                    parse_fault(value)
                except BoardError:
                    continue
                yield _with(scenario, number, replace(step, value=value))


def _simpler(name: str, fault: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if name == "fault":
        return
    yield {key: value for key, value in fault.items() if key != name}
    if name in _SIMPLE and fault[name] != _SIMPLE[name]:
        yield {**fault, name: _SIMPLE[name]}


def _earlier(scenario: Scenario) -> Iterator[Scenario]:
    """A step and all after it sooner, or at a whole second."""
    for number, step in enumerate(scenario.steps):
        before_s = scenario.steps[number - 1].at_s if number else 0.0
        for by_s in (*_EARLIER_S, step.at_s % 1):
            if by_s and step.at_s - by_s >= before_s:
                later = [replace(s, at_s=round(s.at_s - by_s, 3)) for s in scenario.steps[number:]]
                yield replace(scenario, steps=(*scenario.steps[:number], *later))


def _simpler_meter(scenario: Scenario) -> Iterator[Scenario]:
    meter = scenario.meter
    for simpler in (
        replace(meter, seed=1),
        replace(meter, blocks=0),
        replace(meter, start_s=meter.start_s - meter.start_s % 600),
        *(
            replace(meter, settings={k: v for k, v in meter.settings.items() if k != name})
            for name in meter.settings
            if name != "interval_s"  # by default half an hour, which takes its time
        ),
    ):
        yield replace(scenario, meter=simpler)


def _with(scenario: Scenario, number: int, step: Step) -> Scenario:
    steps = list(scenario.steps)
    steps[number] = step
    return replace(scenario, steps=tuple(steps))
