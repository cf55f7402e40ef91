"""Both cores: a pool of worker processes that does jobs beside this one.

Worker processes start at the first large job (0.2 s) and stay until this process ends. One that
dies is given up, and its job is done here.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

from wattseal_host.proof.jobs import Job, perform
from wattseal_host.proof.worker import receive, send

_lock = threading.Lock()
_children: list[subprocess.Popen[bytes]] = []
_started = False


def processes() -> int:
    """How many processes share a large piece of work, this one included."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def perform_all(jobs: Sequence[Job]) -> list[bytes]:
    """The results of all jobs, in order: the first here, the others by the workers."""
    if len(jobs) == 1:
        return [perform(jobs[0])]
    with _lock:
        _start()
        asked: dict[int, subprocess.Popen[bytes]] = {}
        for index, child in zip(range(1, len(jobs)), list(_children), strict=False):
            if _ask(child, jobs[index]):
                asked[index] = child
        results = [b"" if index in asked else perform(job) for index, job in enumerate(jobs)]
        for index, child in asked.items():
            answer = _answer(child)
            results[index] = perform(jobs[index]) if answer is None else answer
        return results


def _start() -> None:
    global _started
    if _started:
        return
    _started = True
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    for _ in range(processes() - 1):
        _children.append(
            subprocess.Popen(
                [sys.executable, "-c", "from wattseal_host.proof.worker import main; main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
        )
    atexit.register(stop)


def _ask(child: subprocess.Popen[bytes], job: Job) -> bool:
    assert child.stdin is not None
    try:
        send(child.stdin, job)  # type: ignore[arg-type]
    except OSError:
        _give_up(child)
        return False
    return True


def _answer(child: subprocess.Popen[bytes]) -> bytes | None:
    assert child.stdout is not None
    try:
        return bytes(receive(child.stdout))  # type: ignore[arg-type]
    except (EOFError, OSError):
        _give_up(child)
        return None


def _give_up(child: subprocess.Popen[bytes]) -> None:
    _children.remove(child)
    child.kill()
    child.wait()


def stop() -> None:
    """End the workers; the next large job starts new ones."""
    global _started
    while _children:
        child = _children.pop()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.wait()
    _started = False
