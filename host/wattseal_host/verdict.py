"""What a verification ends in, and how its stages are timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

from wattseal.errors import Malformed, Refused

from wattseal_host.errors import Unusable
from wattseal_host.statement import AnyStatement

ACCEPTED = "accepted"
FALSE_PROOF = "proof-false"


@dataclass
class Verdict:
    """accepted; code: "accepted" or why not; detail: for people.

    claimed: what the bill says, once it could be read; statement: what was proven (None unless
    accepted); keys: fingerprints of the provider's and
    the meter's key as the bundle claims them, for the trust file; checks: (stage, milliseconds)
    of the stages that passed; records: how many were in the stretch; on_ledger: what was not
    checked now, because the ledger did when the records arrived; notes: what is no reason to
    refuse and yet worth a look.
    """

    accepted: bool = False
    code: str = ""
    detail: str = ""
    claimed: AnyStatement | None = None
    statement: AnyStatement | None = None
    keys: dict[str, str] = field(default_factory=dict)
    checks: list[tuple[str, float]] = field(default_factory=list)
    records: int = 0
    on_ledger: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def amount(self) -> str | None:
        """The amount payable in major units, e.g. "12.34"; None unless accepted."""
        if self.statement is None:
            return None
        return self.statement.currency.major(self.statement.amount)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; one that raises is not among the checks."""
        started = perf_counter()
        yield
        self.checks.append((name, (perf_counter() - started) * 1000))

    def refused(self, code: str, detail: str = "") -> Verdict:
        """The same verification, come to a refusal."""
        return replace(self, accepted=False, code=code, detail=detail, statement=None)

    def with_false_proof(self, code: str = FALSE_PROOF) -> Verdict:
        """This verdict, whatever it was, had the proof been looked at in its turn."""
        before = [name for name, _ in self.checks].index("proof")
        return replace(self.refused(code), checks=self.checks[:before])


def judged(verify: Callable[[Verdict], AnyStatement]) -> Verdict:
    """Run a verification that fills in a verdict. Raises Unusable; never anything else."""
    verdict = Verdict()
    try:
        verdict.statement = verify(verdict)
    except Unusable:
        raise
    except (Malformed, Refused) as error:
        verdict.code, verdict.detail = error.code, error.detail
        return verdict
    verdict.accepted, verdict.code = True, ACCEPTED
    return verdict
