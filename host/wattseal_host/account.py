"""An account of a verification for people who decide disputes and know none of the mathematics.

What was claimed; which checks were made, in which order, and what each would have shown; which
failed first; and what follows from that and what does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wattseal_host.words import meaning

if TYPE_CHECKING:
    from wattseal_host.disclosure.check import Certificate
    from wattseal_host.evidence import ForkVerdict
    from wattseal_host.statement import AnyStatement
    from wattseal_host.verdict import Verdict

HELD, FAILED, NOT_MADE = "held", "failed", "not made"

_BILL = {
    "form": "The file has every part a bill must have, each written in the one way allowed.",
    "documents": "The papers (whose meter it is, the contract, the tariff) bear the signature of a "
    "provider trusted here, are about this meter, and its key is trusted here too.",
    "records": "The meter's records are there from the period's beginning to its end, none "
    "missing, repeated, moved or altered, and the meter's own signature covers all of them.",
    "tariff": "The contract names just these tariffs for the whole period, and each record has its "
    "price by them.",
    "proof": "The amount follows from the sealed records by the tariff. That is shown without any "
    "reading; of another amount it cannot be shown.",
    "statement": "What the bill says of itself (meter, period, first and last record, currency, "
    "amount) is what these checks have found.",
}
_LEDGER = "The records are those the provider itself received, and this time was not billed before."
_ANSWERS = {
    "form": "The file has every part it must have, each written in the one way allowed.",
    "documents": "The paper on the meter bears the signature of a provider trusted here, the "
    "meter's key is trusted here too, and the answers are for who asks.",
    "records": "The meter's records are there without a gap, none repeated, moved or altered, and "
    "the meter's own signature covers all of them.",
    "queries": "The questions can be asked of these records.",
    "proof": "The answers follow from the sealed records. That is shown without the readings; of "
    "other answers it cannot be shown.",
}
_FORK = {
    "form": "The file holds a key and two records, written in the one way allowed.",
    "keys": "The key is one of a meter that is trusted here.",
    "records": "Both records are of the form a meter writes.",
    "place": "Both are of this meter, claim the same place in its sequence, and differ.",
    "signatures": "Both bear a valid signature made with this meter's key.",
}


@dataclass(frozen=True)
class Step:
    """A check. says: what it shows when it holds; result: HELD, FAILED or NOT_MADE."""

    name: str
    says: str
    result: str


@dataclass(frozen=True)
class Account:
    """claimed, follows: sentences; steps: in the order in which they are made."""

    claimed: tuple[str, ...]
    steps: tuple[Step, ...]
    follows: tuple[str, ...]

    def write(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "claimed": list(self.claimed),
            "checks": [
                {"name": step.name, "shows": step.says, "result": step.result}
                for step in self.steps
            ],
            "follows": list(self.follows),
        }

    def lines(self) -> list[str]:
        """For people."""
        found = ["What was claimed", *(f"  {one}" for one in self.claimed)]
        found.append("Which checks were made, in this order, and what each shows if it holds")
        for number, step in enumerate(self.steps, 1):
            found.append(f"  {number}. {step.result + ':':9} {step.says}")
        return [*found, "What follows", *(f"  {one}" for one in self.follows)]


def of_bill(verdict: Verdict) -> Account:
    """Of a bill's verdict, by bundle or by message."""
    says = dict(_BILL)
    passed = [name for name, _ in verdict.checks]
    if verdict.on_ledger or (not verdict.accepted and len(passed) == len(_BILL)):
        says["ledger"] = _LEDGER
        passed += ["ledger"] if verdict.accepted else []
    claimed = _claimed_amount(verdict.claimed) if verdict.claimed else _UNREAD
    follows: tuple[str, ...]
    if verdict.accepted:
        follows = (
            "The amount is right, if the keys named as trusted are the right ones and the meter "
            "measured truly.",
            "It does not follow that the meter made no second set of records for the same time: "
            "that shows by comparing them with the provider's.",
        )
    else:
        follows = _refused(verdict.code, "amount")
    return Account(claimed, _steps(says, passed, verdict.accepted), follows)


def of_answers(certificate: Certificate) -> Account:
    """Of a disclosure's verdict."""
    said = certificate.disclosure
    claimed = _UNREAD
    if said is not None:
        claimed = (
            f"Of a meter's readings, made for {said.recipient} ({said.purpose}) at "
            f"{_utc(said.made_s)}:",
            *(f"{one.query.text} is {one.value}" for one in said.answers),
        )
    follows: tuple[str, ...]
    if certificate.holds:
        follows = (
            "The answers are right, if the keys named as trusted are the right ones and the meter "
            "measured truly. Nothing else about the readings follows from the file.",
        )
    else:
        follows = _refused(certificate.code, "answer")
    return Account(claimed, _steps(_ANSWERS, certificate.checks, certificate.holds), follows)


def of_fork(verdict: ForkVerdict) -> Account:
    """Of the verdict on evidence that a meter signed two histories."""
    names = list(_FORK)
    passed = names if verdict.holds else names[: names.index(_fork_step(verdict.code))]
    claimed = _UNREAD
    if verdict.meter is not None:
        claimed = (f"Meter {verdict.meter.hex()} signed two records for one place.",)
    follows: tuple[str, ...]
    if verdict.holds:
        follows = (
            "The meter was set back to an earlier state, or its key is in use outside of it, or it "
            "does not work as specified: one that does never signs two records for one place.",
            "Which of the two is true, and who caused this, does not follow.",
        )
    else:
        follows = (
            f"The evidence fails: {meaning(verdict.code) or verdict.code}",
            "That the meter signed one history only does not follow either.",
        )
    return Account(claimed, _steps(_FORK, passed, verdict.holds), follows)


_UNREAD: tuple[str, ...] = ("The file could not be read so far as to tell.",)


def _claimed_amount(said: AnyStatement) -> tuple[str, ...]:
    amount = f"{said.currency.major(said.amount)} {said.currency.code}"
    lines = [f"{amount} are payable for {_utc(said.from_s)} to {_utc(said.to_s)}."]
    for one in said.stretches:
        lines.append(
            f"Meter {one.meter.hex()} measured from {_utc(one.from_s)} to {_utc(one.to_s)}, "
            f"under contract {one.contract.hex()}."
        )
    lines += [f"Billed by tariff {digest.hex()}." for digest in said.tariffs]
    return tuple(lines)


def _refused(code: str, what: str) -> tuple[str, ...]:
    first = f"The first check that failed ended it: {meaning(code) or code}"
    if code == "untrusted-keys":
        return (first, f"Nothing is said of the {what}: with other keys trusted it may hold.")
    return (
        first,
        "The checks after it were not made, and nothing follows about what they would show.",
        f"The {what} is not proven. That it is wrong does not follow; who claims it can show it by "
        "a file that passes.",
    )


def _steps(says: dict[str, str], passed: Sequence[str], whole: bool) -> tuple[Step, ...]:
    found = []
    failed = False
    for name, text in says.items():
        if name in passed:
            result = HELD
        else:
            result = NOT_MADE if failed or whole else FAILED
            failed = True
        found.append(Step(name, text, result))
    return tuple(found)


def _fork_step(code: str) -> str:
    if code == "untrusted-keys":
        return "keys"
    if code == "fork-signature":
        return "signatures"
    if code.startswith("fork-"):
        return "place"
    return "records" if code.startswith(("record-", "signature-")) else "form"


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
