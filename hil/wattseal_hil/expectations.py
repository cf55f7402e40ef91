"""What a scenario may expect at some moment, and what is found instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wattseal.chain import Chain
from wattseal.errors import WattsealError
from wattseal.record import Record, decode_origin, decode_sealed

from wattseal_hil.board import EmulatedBoard
from wattseal_hil.scenario import EVENTS, FLAG_BITS, PORTS
from wattseal_hil.talk import Talk
from wattseal_hil.witness import Witness


@dataclass
class Situation:
    """A meter at some moment of a scenario that began at `start_s`."""

    board: EmulatedBoard
    talk: Talk
    witness: Witness
    start_s: float

    def number(self, name: str) -> float:
        """register_wh, records, power_w, or missing_wh: drawn since the start, not counted."""
        status = self.talk.status()
        if name == "missing_wh":
            drawn = self.board.load_energy_wh(self.start_s, self.board.now_s)
            return drawn - float(status["register_wh"])
        return float(status["next_seq" if name == "records" else name])

    def records(self) -> list[Record]:
        """The log, as the customer's port gives it."""
        return [decode_sealed(sealed) for sealed in self.talk.history(0)]


def failed(expected: Mapping[str, Any], situation: Situation) -> list[str]:
    """What of an `expect` does not hold, in words; empty if all does."""
    found = []
    for name, wanted in expected.items():
        try:
            wrong = _CHECKS.get(name, _number)(name, wanted, situation)
        except WattsealError as error:
            wrong = f"{error.code}: {error.detail}"
        if wrong:
            found.append(f"{name}: {wrong}")
    return found


def _number(name: str, wanted: Any, situation: Situation) -> str:
    low, high = wanted if isinstance(wanted, list) else (wanted, wanted)
    value = situation.number(name)
    return "" if low <= value <= high else f"{value:g} is not {low:g} to {high:g}"


def _powered(name: str, wanted: bool, situation: Situation) -> str:
    return "" if situation.board.powered == wanted else f"is {'on' if not wanted else 'off'}"


def _flags(name: str, wanted: list[str], situation: Situation) -> str:
    status = situation.talk.status()["status"]
    on = name == "flags"
    wrong = [flag for flag in wanted if bool(status & FLAG_BITS[flag]) != on]
    return f"{', '.join(wrong)} {'not on' if on else 'on'}" if wrong else ""


def _console(name: str, wanted: str, situation: Situation) -> str:
    return "" if wanted in situation.board.console else f"no {wanted!r}"


def _port(name: str, wanted: str, situation: Situation) -> str:
    answers = situation.talk.answers(PORTS.index(name))
    return "" if answers == (wanted == "answers") else ("answers" if answers else "silent")


def _events(name: str, wanted: list[str], situation: Situation) -> str:
    present = {record.event for record in situation.records()}
    missing = [event for event in wanted if EVENTS[event] not in present]
    return f"no {', '.join(missing)}" if missing else ""


def _verdict(name: str, wanted: str, situation: Situation) -> str:
    records = situation.records()
    if not records:
        return "nothing is sealed"
    chain = Chain(decode_origin(records[0].payload)[3])
    for record in records:
        chain.append(record, record.digest)
    chain.check_signature(records[-1].signature)
    return ""


_CHECKS: dict[str, Callable[[str, Any, Situation], str]] = {
    "powered": _powered,
    "flags": _flags,
    "flags_off": _flags,
    "console": _console,
    "customer": _port,
    "utility": _port,
    "events": _events,
    "verdict": _verdict,
}
