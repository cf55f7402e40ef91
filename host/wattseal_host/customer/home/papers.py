"""Bills and disclosures in a folder, each put to the verifier that everybody uses."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wattseal.errors import WattsealError

from wattseal_host import account
from wattseal_host.bundle import MAX_BUNDLE_BYTES
from wattseal_host.disclosure.check import check
from wattseal_host.disclosure.document import is_disclosure
from wattseal_host.errors import Unusable
from wattseal_host.files import read_bounded
from wattseal_host.joint_bundle import read_any
from wattseal_host.linear import LinearProof
from wattseal_host.trust import Trust
from wattseal_host.verdict import Verdict
from wattseal_host.verify import verify_bundle
from wattseal_host.words import meaning

MOST_FILES = 500
_MARK = b'"wattseal-bundle/'


@dataclass(frozen=True)
class Paper:
    """name: of the file; bill: whether it is one, or a disclosure; good: the verdict, code and
    words: its reason; what: amount, or question and answer; to: recipient; proof: what proves it;
    checks: each in words, with what came of it; from_s, to_s: 0 where that was not verified."""

    name: str
    bill: bool
    good: bool
    code: str
    words: str
    what: Sequence[str]
    to: str
    proof: str
    checks: Sequence[account.Step]
    from_s: int = 0
    to_s: int = 0
    records: int = 0


class Papers:
    """Verifies each file once; again when it, or the trust, was changed."""

    def __init__(self, folder: Path, trust: Trust) -> None:
        self._folder, self._trust = folder, trust
        self._known: dict[tuple[str, int, int], Paper | None] = {}
        self._lock = threading.Lock()

    def read(self) -> list[Paper]:
        """Newest period first; files that are neither are passed over."""
        found = []
        with self._lock:
            known, self._known = self._known, {}
            for path in sorted(self._folder.glob("*.json"))[:MOST_FILES]:
                try:
                    state = path.stat()
                    key = (path.name, state.st_mtime_ns, state.st_size)
                    paper = known[key] if key in known else self._judge(path)
                except (WattsealError, OSError):
                    continue
                self._known[key] = paper
                if paper is not None:
                    found.append(paper)
        return sorted(found, key=lambda one: (one.to_s, one.name), reverse=True)

    def _judge(self, path: Path) -> Paper | None:
        data = read_bounded(path, MAX_BUNDLE_BYTES)
        if is_disclosure(data):
            return self._disclosure(path.name, data)
        return self._bill(path.name, data) if _MARK in data else None

    def _bill(self, name: str, data: bytes) -> Paper:
        try:
            verdict = verify_bundle(data, self._trust)
        except Unusable as error:
            verdict = Verdict(code=error.code)
        said = verdict.statement
        amount = f"{verdict.amount} {said.currency.code}" if said else ""
        return Paper(
            name,
            True,
            verdict.accepted,
            verdict.code,
            meaning(verdict.code),
            (amount,) if amount else (),
            verdict.keys.get("provider", ""),
            _proof(data) if said else "",
            account.of_bill(verdict).steps,
            said.from_s if said else 0,
            said.to_s if said else 0,
            verdict.records,
        )

    def _disclosure(self, name: str, data: bytes) -> Paper:
        certificate = check(data, self._trust)
        said = certificate.disclosure
        good = certificate.holds
        answers = said.answers if said and good else ()
        return Paper(
            name,
            False,
            good,
            certificate.code,
            meaning(certificate.code),
            [f"{one.query.text} = {one.value}" for one in answers],
            said.recipient if said else "",
            f"{len(said.proof)} bytes" if said and good else "",
            account.of_answers(certificate).steps,
            certificate.from_s if good else 0,
            certificate.to_s if good else 0,
            certificate.records,
        )


def _proof(data: bytes) -> str:
    """Of a bundle that was verified."""
    proof = read_any(data).proof
    if isinstance(proof, LinearProof):
        return "the fee opened at full resolution"
    return f"of the rounded amount alone, {len(proof.data)} bytes"
