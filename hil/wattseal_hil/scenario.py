"""A scenario: one meter and timed steps, read strictly from YAML or JSON (docs/faults.md).

    wattseal-scenario: 1
    name: the power fails in mid-seal
    meter: {settings: {interval_s: 60}, load: 3000}
    steps:
    - power: on
    - {at: 100, inject: {fault: brown-out, at: 3, tear: bits}}
    - {at: 300, expect: {powered: true, records: [4, 12]}}

A step does one thing, `at` so many seconds from the start; without `at` right after the step
before. Everything that is wrong is BoardError `scenario-malformed`, naming the step and the field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from wattseal.record import (
    APPLET,
    BOOT,
    CALIBRATED,
    CLOCK_SET,
    CLOSED,
    CONSENT,
    ORIGIN,
    PAIRED,
    ROTATED,
    TAMPER,
)

from wattseal_hil import strict_yaml
from wattseal_hil.appliances import appliance
from wattseal_hil.board import START_S
from wattseal_hil.errors import BoardError, LoadError
from wattseal_hil.fault_kinds import parse as parse_fault

VERSION = 1
LONGEST_S = 400 * 86_400
PORTS = ("customer", "utility")
_NUMBERS = ("register_wh", "records", "power_w", "missing_wh")
_FLAGS = (
    "clock-set", "log-intact", "paired", "settings-refused", "calibrated", "self-test-passed",
    "silent", "consented", "flash-fails", "log-damaged",
)  # fmt: skip
EVENTS = {
    "origin": ORIGIN, "paired": PAIRED, "boot": BOOT, "clock-set": CLOCK_SET, "tamper": TAMPER,
    "calibrated": CALIBRATED, "rotated": ROTATED, "closed": CLOSED, "consent": CONSENT,
    "applet": APPLET,
}  # fmt: skip
FLAG_BITS = {name: 1 << bit for bit, name in enumerate(_FLAGS)}


@dataclass(frozen=True)
class Setting:
    """The meter of a scenario. clock: whether the bench sets its clock at power-on; if not, the
    provider's orders do (`set-clock`). blocks: of its flash, 4096 bytes each; 0: 2 MiB."""

    seed: int = 1
    start_s: float = START_S
    clock: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    load: Any = 0.0
    blocks: int = 0


@dataclass(frozen=True)
class Step:
    """`action` with `value` at so many seconds from the start."""

    at_s: float
    action: str
    value: Any

    def described(self) -> dict[str, Any]:
        """As it stands in a file."""
        return {"at": _short(self.at_s), self.action: self.value}


@dataclass(frozen=True)
class Scenario:
    """A meter, and what happens to it, in the order of time. folder: where relative paths begin."""

    name: str
    meter: Setting
    steps: tuple[Step, ...]
    about: str = ""

    def described(self) -> dict[str, Any]:
        """As it stands in a file: parses to the same."""
        meter: dict[str, Any] = {"seed": self.meter.seed, "clock": self.meter.clock}
        if self.meter.start_s != START_S:
            meter["start_s"] = _short(self.meter.start_s)
        if self.meter.settings:
            meter["settings"] = dict(self.meter.settings)
        if self.meter.blocks:
            meter["blocks"] = self.meter.blocks
        meter["load"] = self.meter.load
        document: dict[str, Any] = {"wattseal-scenario": VERSION, "name": self.name}
        if self.about:
            document["about"] = self.about
        steps = [step.described() for step in self.steps]
        return {**document, "meter": meter, "steps": steps}

    def text(self) -> str:
        """As a file: JSON, a line a step, which is YAML as well."""
        document = self.described()
        steps = document.pop("steps")
        head = json.dumps(document, indent=1)[:-2]
        lines = ",\n".join(f"  {json.dumps(step)}" for step in steps)
        return f'{head},\n "steps": [\n{lines}\n]}}\n'


def _short(number: float) -> float:
    return int(number) if number == int(number) else round(number, 3)


def load(path: str | Path) -> Scenario:
    """Read a file. Raises BoardError `yaml-missing`, `yaml-malformed`, `scenario-malformed`."""
    return parse(strict_yaml.load(path))


def parse(document: Any) -> Scenario:
    """Read a scenario from what a file holds. Raises BoardError `scenario-malformed`."""
    if not isinstance(document, dict) or document.get("wattseal-scenario") != VERSION:
        raise _wrong(f"`wattseal-scenario: {VERSION}` is missing")
    _only(document, ("wattseal-scenario", "name", "about", "meter", "steps"), "the scenario")
    texts = [document.get(name, "") for name in ("name", "about")]
    if not all(isinstance(text, str) for text in texts) or not texts[0]:
        raise _wrong("name and about are texts, and there is a name")
    meter = _meter(document.get("meter", {}))
    entries = document.get("steps")
    if not isinstance(entries, list) or not entries:
        raise _wrong("steps is a list")
    steps: list[Step] = []
    for number, entry in enumerate(entries, 1):
        steps.append(_step(entry, f"step {number}", steps[-1].at_s if steps else 0.0))
    return Scenario(texts[0], meter, tuple(steps), texts[1])


def _wrong(what: str) -> BoardError:
    return BoardError("scenario-malformed", what)


def _only(mapping: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in mapping:
        if name not in known:
            raise _wrong(f"{where}: {name} is none of {', '.join(known)}")


def _number(value: Any, where: str, low: float, high: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or not low <= value <= high:
        raise _wrong(f"{where} is a number from {low:.10g} to {high:.10g}, not {value!r}")
    return float(value)


def _meter(entry: Any) -> Setting:
    if not isinstance(entry, dict):
        raise _wrong("meter is a mapping")
    _only(entry, ("seed", "start", "start_s", "clock", "settings", "load", "blocks"), "meter")
    seed = entry.get("seed", 1)
    if type(seed) is not int or seed < 0:
        raise _wrong("meter.seed is a whole number from 0 on")
    clock, settings = entry.get("clock", True), entry.get("settings", {})
    if not isinstance(clock, bool) or not isinstance(settings, dict):
        raise _wrong("meter.clock is on or off, meter.settings a mapping")
    start_s = _number(entry.get("start_s", START_S), "meter.start_s", 0, 2**32 - 1 - LONGEST_S)
    if "start" in entry:
        try:
            moment = datetime.fromisoformat(entry["start"])
        except (TypeError, ValueError):
            moment = None
        if moment is None or moment.tzinfo is None or "start_s" in entry:
            raise _wrong("meter.start is a time like 2026-01-01T00:00:00Z, without start_s")
        start_s = moment.timestamp()
    blocks = entry.get("blocks", 0)
    if type(blocks) is not int or (blocks and not 16 <= blocks <= 4096):
        raise _wrong("meter.blocks is a whole number from 16 to 4096")
    drawn = entry.get("load", 0)
    _load(drawn, "meter.load")
    return Setting(seed, start_s, clock, settings, drawn, blocks)


def _load(value: Any, where: str) -> None:
    try:
        appliance(dict(value) if isinstance(value, dict) else {"watts": value})
    except LoadError as error:
        raise _wrong(f"{where}: {error.detail or error.code}") from None


def _step(entry: Any, where: str, before_s: float) -> Step:
    if not isinstance(entry, dict):
        raise _wrong(f"{where} is a mapping")
    at_s = _number(entry.get("at", before_s), f"{where}: at", 0, LONGEST_S)
    if at_s < before_s:
        raise _wrong(f"{where}: at {at_s:g} is before the step before it")
    actions = [name for name in entry if name != "at"]
    if len(actions) != 1 or actions[0] not in _ACTIONS:
        found = ", ".join(actions) or "nothing"
        raise _wrong(f"{where}: one of {', '.join(_ACTIONS)} is wanted, there is {found}")
    value = entry[actions[0]]
    _ACTIONS[actions[0]](value, f"{where}: {actions[0]}")
    return Step(at_s, actions[0], value)


def _switch(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise _wrong(f"{where} is on or off")


def _true(value: Any, where: str) -> None:
    if value is not True:
        raise _wrong(f"{where} is true")


def _inject(value: Any, where: str) -> None:
    try:
        parse_fault(value)
    except BoardError as error:
        raise _wrong(f"{where}: {error.detail}") from None


def _port(value: Any, where: str) -> None:
    if value not in PORTS:
        raise _wrong(f"{where} is one of {', '.join(PORTS)}")


def _button(value: Any, where: str) -> None:
    _number(value, where, 0.01, 60)


def _seconds(value: Any, where: str) -> None:
    if type(value) is not int or abs(value) > 2**31:
        raise _wrong(f"{where} is whole seconds off the true time")


def _expect(value: Any, where: str) -> None:
    if not isinstance(value, dict) or not value:
        raise _wrong(f"{where} is a mapping")
    known = (*_NUMBERS, "powered", "flags", "flags_off", "console", "verdict", "events", *PORTS)
    _only(value, known, where)
    for name, wanted in value.items():
        here = f"{where}.{name}"
        if name in _NUMBERS:
            ends = wanted if isinstance(wanted, list) else [wanted, wanted]
            if len(ends) != 2 or _number(ends[0], here, -1e12, 1e12) > _number(
                ends[1], here, -1e12, 1e12
            ):
                raise _wrong(f"{here} is a number or [lowest, highest]")
        elif name in ("flags", "flags_off", "events"):
            words = EVENTS if name == "events" else FLAG_BITS
            if not isinstance(wanted, list) or not all(
                isinstance(word, str) and word in words for word in wanted
            ):
                raise _wrong(f"{here} is a list of {', '.join(words)}")
        elif name == "powered":
            _switch(wanted, here)
        elif name in PORTS:
            if wanted not in ("answers", "silent"):
                raise _wrong(f"{here} is answers or silent")
        elif name == "verdict":
            if wanted != "good":
                raise _wrong(f"{here} is good")
        elif not isinstance(wanted, str):
            raise _wrong(f"{here} is a text")


_ACTIONS: dict[str, Any] = {
    "power": _switch,
    "reset": _true,
    "load": _load,
    "inject": _inject,
    "clear": _true,
    "button": _button,
    "pair": _true,
    "collect": _port,
    "set-clock": _seconds,
    "expect": _expect,
}
