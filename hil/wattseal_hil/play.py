"""Plays a scenario on an emulated board, with a witness at its ports, and says what came of it."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattseal_hil.account import Account
from wattseal_hil.appliances import appliance
from wattseal_hil.audit import audit
from wattseal_hil.board import EmulatedBoard
from wattseal_hil.errors import BoardError
from wattseal_hil.expectations import Situation, failed
from wattseal_hil.fault_kinds import parse as parse_fault
from wattseal_hil.loads import ConstantLoad, Load
from wattseal_hil.nor import ERASE_BYTES
from wattseal_hil.provider_order import provider_key, set_clock
from wattseal_hil.scenario import FLAG_BITS, PORTS, Scenario, Step
from wattseal_hil.talk import CUSTOMER, UTILITY, Talk
from wattseal_hil.tree import FIRMWARE
from wattseal_hil.witness import Problem, Witness

FLASH_KINDS = ("flash-refuses", "worn-block", "flash-full")
SENSOR_KINDS = ("adc-stuck", "clamp-unplugged", "voltage-unplugged")
RESET_S = 0.5
_AGAIN = 8  # records
_PATIENCE = 6  # questions to a port that ought to answer again
_PATIENCE_S = 10.0

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class Result:
    """What came of a step. note: what a failed expectation found, or what an action was refused."""

    step: Step
    good: bool
    note: str = ""

    def described(self) -> dict[str, Any]:
        return {**self.step.described(), "good": self.good, "note": self.note}


@dataclass
class Outcome:
    """What came of a scenario: `results` of its steps, `problems` the witness found."""

    scenario: Scenario
    results: list[Result] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    records: int = 0
    register_wh: int = 0
    board_s: float = 0.0
    tape: Path | None = None

    @property
    def good(self) -> bool:
        return not self.problems and all(result.good for result in self.results)

    @property
    def codes(self) -> frozenset[str]:
        """What is wrong, in codes: `expectation`, and those of the problems."""
        wrong = {problem.code for problem in self.problems}
        return frozenset(
            wrong | ({"expectation"} if not all(r.good for r in self.results) else set())
        )

    def described(self) -> dict[str, Any]:
        """As JSON: the same for the same scenario and firmware."""
        return {
            "scenario": self.scenario.name,
            "good": self.good,
            "steps": [result.described() for result in self.results],
            "problems": [
                {"code": p.code, "detail": p.detail, "at_s": round(p.at_s - self._start_s, 3)}
                for p in self.problems
            ],
            "records": self.records,
            "register_wh": self.register_wh,
            "board_s": round(self.board_s, 3),
            "tape": str(self.tape) if self.tape else None,
        }

    @property
    def _start_s(self) -> float:
        return self.scenario.meter.start_s


def play(
    scenario: Scenario,
    *,
    tape: Path | None = None,
    firmware: str | Path = FIRMWARE,
    progress: Progress | None = None,
) -> Outcome:
    """Play it from the first step to the audit after the last. progress(board s, of all)."""
    with tempfile.TemporaryDirectory(prefix="wattseal-scenario-") as folder:
        player = _Player(scenario, Path(folder), firmware)
        try:
            return player.run(tape, progress or (lambda done, total: None))
        finally:
            player.board.close()


class _Player:
    def __init__(self, scenario: Scenario, folder: Path, firmware: str | Path) -> None:
        meter = scenario.meter
        settings = dict(meter.settings)
        if not meter.clock:
            settings.setdefault("provider", provider_key())
        flash = None
        if meter.blocks:
            flash = folder / "small.bin"
            flash.write_bytes(b"\xff" * ERASE_BYTES * meter.blocks)
        self.scenario = scenario
        self.board = EmulatedBoard(
            workdir=folder, seed=meter.seed, load=_load(meter.load), start_s=meter.start_s,
            settings=settings, rtc=meter.clock, flash=flash, firmware=firmware, form="romfs",
        )  # fmt: skip
        self.witness = Witness()
        self.board.tap(self.witness.hear, self.witness.supply)
        self.talk = Talk(self.board)
        self.account = Account(
            self.board.load_energy_wh,
            settings.get("burst_ms", 970) / 1000,
            settings.get("checkpoint_ms", 60_000) / 1000,
        )
        self.interval_s = settings.get("interval_s", 1800)
        self.secrets: dict[int, bytes | None] = {}
        self.timely = True
        self.at_work: list[tuple[float, str]] = []  # (since, kind)
        self.pairings = 0

    def run(self, tape: Path | None, progress: Progress) -> Outcome:
        outcome = Outcome(self.scenario)
        start_s = self.scenario.meter.start_s
        end_s = start_s + self.scenario.steps[-1].at_s + 2.5 * self.interval_s + 1
        if tape:
            self.board.record(tape)
            outcome.tape = tape
        try:
            for step in self.scenario.steps:
                self._pass_to(
                    start_s + step.at_s, lambda now_s: progress(now_s - start_s, end_s - start_s)
                )
                outcome.results.append(self._do(step))
            self._settle(outcome, end_s)
        except BoardError as error:
            # The firmware ended, or the bench itself: nothing after that is worth asking.
            self.witness.problem(error.code, error.detail[-300:])
        outcome.board_s = self.board.now_s - start_s
        outcome.problems = self.witness.problems
        if outcome.tape:
            self.board.stop_recording()
        return outcome

    def _pass_to(self, t_s: float, progress: Callable[[float], None]) -> None:
        if t_s > self.board.now_s:
            self.board.run_until(t_s, progress)

    def _do(self, step: Step) -> Result:
        if step.action == "expect":
            wrong = failed(step.value, self._situation())
            return Result(step, not wrong, "; ".join(wrong))
        method = getattr(self, "_do_" + step.action.replace("-", "_"))
        try:
            return Result(step, True, method(step.value) or "")
        except BoardError as error:
            if not error.code.startswith("meter-"):
                raise
            return Result(step, True, f"{error.code}: {error.detail}")

    # What steps do

    def _do_power(self, on: bool) -> None:
        if on:
            self.board.power_on()
        else:
            self.board.power_off()

    def _do_reset(self, _: bool) -> None:
        self.board.power_off()
        self.board.run_until(self.board.now_s + RESET_S)
        self.board.power_on()

    def _do_load(self, value: Any) -> None:
        self.account.changes.append(self.board.now_s)
        self.board.plug(_load(value))

    def _do_inject(self, description: dict[str, Any]) -> None:
        described = parse_fault(description)
        now_s = self.board.now_s
        if described.kind == "clock-jump":
            self.timely = False
        elif described.kind in FLASH_KINDS or described.kind in SENSOR_KINDS:
            self.at_work.append((now_s, described.kind))
        self.board.inject(described.description)

    def _do_clear(self, _: bool) -> None:
        self.board.inject(None)
        for since_s, kind in self.at_work:
            spans = self.account.flash if kind in FLASH_KINDS else self.account.blind
            spans.append((since_s, self.board.now_s))
        self.at_work.clear()

    def _do_button(self, seconds: float) -> None:
        self.board.press_button(seconds)

    def _do_pair(self, _: bool) -> str:
        self.pairings += 1
        drawn = random.Random(f"{self.scenario.meter.seed} {self.pairings}")
        epoch = max(self.secrets, default=0) + 1
        try:
            paired = self.talk.pair(drawn.randbytes)
        except BoardError as error:
            if error.code == "meter-silent":
                # It may have been heard and its answer lost: nobody knows the secret then.
                for unsure in (epoch - 1, epoch, epoch + 1):
                    if unsure > 0:
                        self.secrets[unsure] = None
            raise
        self.secrets[paired.epoch] = paired.secret
        return f"epoch {paired.epoch}"

    def _do_collect(self, port: str) -> str:
        if port == PORTS[CUSTOMER]:
            # Telegrams have shown the newest; some of those before are read again.
            first = max(0, max(self.witness.records, default=-1) + 1 - _AGAIN)
            return f"{len(self.talk.history(first))} records from {first} on"
        self.talk.registers(0, 32)
        count = int.from_bytes(self.talk.registers(64, 13)[:4], "big")
        newest = self.talk.registers(128, 120)
        if count:
            self.talk.file_record(count - 1)
        return f"{count} records, newest {int.from_bytes(newest[:2], 'big')} bytes"

    def _do_set_clock(self, off_s: int) -> str:
        if off_s:
            self.timely = False
        result = set_clock(self.talk, round(self.board.now_s) + off_s)
        return f"result {result}"

    # The end

    def _settle(self, outcome: Outcome, end_s: float) -> None:
        """Every fault ends, power is on: now the meter must be whole again."""
        self._do_clear(True)
        if not self.board.powered:
            self.board.power_on()
        if not self.scenario.meter.clock and self._answer(UTILITY):
            self._set_lost_clock()
        self._pass_to(max(end_s, self.board.now_s + 2.2 * self.interval_s), lambda now_s: None)
        if self._answer(CUSTOMER) and self._answer(UTILITY):
            for power in _spans_off(self.witness.power, self.board.now_s):
                self.account.off.append(power)
            records = audit(
                self.witness, self.talk, self.account, self.secrets, self.board.now_s, self.timely
            )
            outcome.records = len(records)
            outcome.register_wh = self.talk.status()["register_wh"]

    def _set_lost_clock(self) -> None:
        if not self.talk.registers(74, 1)[1] & FLAG_BITS["clock-set"]:
            set_clock(self.talk, round(self.board.now_s))

    def _answer(self, port: int) -> bool:
        """Whether a port answers, given time; a problem if not."""
        for _ in range(_PATIENCE):
            if self.talk.answers(port):
                return True
            self.board.run_until(self.board.now_s + _PATIENCE_S)
        self.witness.problem("port-dead", f"the {PORTS[port]}'s port")
        return False

    def _situation(self) -> Situation:
        return Situation(self.board, self.talk, self.witness, self.scenario.meter.start_s)


def _spans_off(power: list[tuple[float, bool]], now_s: float) -> list[tuple[float, float]]:
    spans = []
    for number, (at_s, on) in enumerate(power):
        if not on:
            after = power[number + 1][0] if number + 1 < len(power) else now_s
            spans.append((at_s, after))
    return spans


def _load(value: Any) -> Load:
    return appliance(dict(value)) if isinstance(value, dict) else ConstantLoad(value)
