"""Many bills at once: prepared on all cores, their proofs settled by one equation.

Everything that depends on one bill alone is done by this process and others, up to the one
equation on the curve that its proof leaves. Only when the last proof is parsed are the random
weights drawn, and all equations are checked together. (The sum of a bill's commitments has its
short prices for scalars; random weights on every commitment would cost more than they save.)
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from wattseal.errors import Misuse

from wattseal_host.bundle import MAX_BUNDLE_BYTES
from wattseal_host.errors import Unusable
from wattseal_host.files import read_bounded
from wattseal_host.garbage import collect_rarely
from wattseal_host.ledger import Ledger
from wattseal_host.linear import Claim, Equation, Settle, settle_many
from wattseal_host.linear import settle as settle_now
from wattseal_host.proof import verify_many
from wattseal_host.provider.archive import Archive
from wattseal_host.provider.bills import check_bill, check_message, is_message
from wattseal_host.trust import Trust
from wattseal_host.verdict import Verdict

CHUNK = 16
FEW = 64  # bills that take less time than processes take to start
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Desk:
    """What a worker needs to open: the office's directory and public key, whom the office
    trusts, and the ledger's file."""

    directory: Path
    public: bytes
    trust: Trust
    ledger: Path


@dataclass
class Outcome:
    """A bill's file and what became of it; unusable: the file was no bill at all (the verdict's
    code says why)."""

    path: Path
    verdict: Verdict
    unusable: bool = False


@dataclass
class _Pending:
    outcome: Outcome
    left: Equation | Claim | None = None


class Checker:
    """Judges bundles and bill messages for a desk. Use as a context manager."""

    def __init__(self, desk: Desk) -> None:
        self._trust = desk.trust
        self._archive = Archive(desk.directory, desk.public)
        self._ledger = Ledger.existing(desk.ledger)

    def __enter__(self) -> Checker:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.__exit__(None, None, None)

    def check(self, data: bytes, settle: Settle = settle_now) -> Verdict:
        """The verdict on a bundle's or a message's bytes. Raises Unusable if they are neither."""
        if is_message(data):
            return check_message(data, self._archive, self._ledger, settle)
        return check_bill(data, self._trust, self._ledger, settle, self._archive)

    def prepare(self, path: Path) -> _Pending:
        left: list[Equation | Claim] = []
        try:
            verdict = self.check(read_bounded(path, MAX_BUNDLE_BYTES), left.append)
        except Unusable as error:
            return _Pending(Outcome(path, Verdict(code=error.code, detail=error.detail), True))
        return _Pending(Outcome(path, verdict), left[0] if left else None)


def check_all(
    paths: Sequence[Path],
    desk: Desk,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Judge every file; the outcomes in the order of the paths.

    The codes are those of the bills one by one. workers: processes, this one among them, by
    default one for each core; few bills are all done in this one. progress: called with (done,
    of all). Raises Unusable for a desk that cannot be used, Misuse `workers` if a process was
    ended.
    """
    chunks = [paths[at : at + CHUNK] for at in range(0, len(paths), CHUNK)]
    usual = 1 if len(paths) <= FEW else os.cpu_count() or 1
    count = min(workers or usual, len(chunks))
    found: dict[int, list[_Pending]] = {}
    done = 0
    try:
        with ExitStack() as stack:
            for place, chunk in _prepared(chunks, desk, count, stack):
                found[place] = chunk
                done += len(chunk)
                if progress is not None:
                    progress(done, len(paths))
    except BrokenProcessPool as error:
        raise Misuse("workers", "a process that checks bills ended before its work") from error
    pending = [one for place in sorted(found) for one in found[place]]
    _settle(pending)
    return [one.outcome for one in pending]


def _settle(pending: Sequence[_Pending]) -> None:
    """Check what the proofs have left, of each kind all at once; note what is false."""
    opened = [(one, one.left) for one in pending if isinstance(one.left, Equation)]
    for (one, _), true in zip(opened, settle_many([left for _, left in opened]), strict=True):
        if not true:
            one.outcome = Outcome(one.outcome.path, one.outcome.verdict.with_false_proof())
    claimed = [(one, one.left) for one in pending if isinstance(one.left, Claim)]
    errors = verify_many([(left.instance, left.data) for _, left in claimed])
    for (one, _), error in zip(claimed, errors, strict=True):
        if error is not None:
            verdict = one.outcome.verdict.with_false_proof(error.code)
            one.outcome = Outcome(one.outcome.path, verdict)


def _prepared(
    chunks: Sequence[Sequence[Path]], desk: Desk, count: int, stack: ExitStack
) -> Iterator[tuple[int, list[_Pending]]]:
    """Each chunk's place and what became of it, in any order. count: of processes."""
    # Whatever is wrong with the ledger is said here: a process that cannot begin says nothing.
    checker = stack.enter_context(Checker(desk))
    if count <= 1:
        for place, chunk in enumerate(chunks):
            yield place, [checker.prepare(path) for path in chunk]
        return
    # Fresh processes: a fork would share the parent's threads and its open ledger.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count - 1, spawn, _open, (desk,))
    stack.callback(pool.shutdown, cancel_futures=True)
    begun = [pool.submit(_prepare, chunk) for chunk in chunks]
    # The others begin at the front, half a second from now. What they have not begun is done here,
    # from the back.
    front, back = 0, len(chunks)
    while front < back:
        mine = begun[back - 1].cancel()
        if mine:
            back -= 1
            yield back, [checker.prepare(path) for path in chunks[back]]
        while front < back and (begun[front].done() or not mine):
            yield front, begun[front].result()
            front += 1


_checker: Checker | None = None


def _open(desk: Desk) -> None:
    global _checker
    collect_rarely()
    _checker = Checker(desk)


def _prepare(paths: Sequence[Path]) -> list[_Pending]:
    assert _checker is not None
    return [_checker.prepare(path) for path in paths]
