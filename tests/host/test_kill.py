"""kill -9 at any moment: what the ledger then holds is whole, and collecting goes on from it."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import multiprocessing.forkserver
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from collecting_process import collect_from
from scripted_meter import ScriptedMeter, wire
from sealed_house import House
from wattseal.chain import Chain, verify_stretch
from wattseal_host.ledger import Ledger

KILLS = 30
Server = multiprocessing.context.ForkServerContext


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Forks processes that have their modules already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["collecting_process"])
    with pytest.MonkeyPatch.context() as patch:
        # The server looks for the modules on the path of its own, and says nothing if in vain.
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        multiprocessing.forkserver.ensure_running()
        yield context


def whole(path: Path, house: House) -> int:
    """Check that a ledger holds a complete verified stretch, the meter's own; its length."""
    with Ledger(path) as ledger:
        if not ledger.meters():
            return 0
        sealed = ledger.sealed(house.meter.meter)
        assert sealed == house.meter.sealed[: len(sealed)]
        assert not ledger.rejects(house.meter.meter)
    if sealed:
        bodies = [data[:-64] for data in sealed]
        verify_stretch(bodies, sealed[-1][-64:], Chain(house.meter.key))
    return len(sealed)


def unharmed_s(server: Server, port: str, path: Path) -> float:
    """How long collecting takes on this machine where nobody kills it."""
    started = time.monotonic()
    child = server.Process(target=collect_from, args=(port, path, 2))
    child.start()
    child.join()
    return time.monotonic() - started


def test_a_killed_collector_leaves_a_whole_ledger(
    tmp_path: Path, house: House, rng: random.Random, server: Server
) -> None:
    full, stops, kills, rounds = len(house.meter.sealed), set(), 0, 0
    path = tmp_path / "ledger.db"
    with wire(ScriptedMeter(house.meter).answer) as port:
        longest_s = min(
            unharmed_s(server, port, tmp_path / f"unharmed{number}.db") for number in range(2)
        )
        while kills < KILLS:
            batch = rng.choice((1, 2, 5))
            child = server.Process(target=collect_from, args=(port, path, batch))
            child.start()
            child.join(rng.uniform(0, longest_s))
            if child.is_alive():
                child.kill()
                kills += 1
            child.join()
            count = whole(path, house)
            stops.add(count)
            if count == full:
                rounds += 1
                path.unlink()
                path.with_name("ledger.db-journal").unlink(missing_ok=True)
        # The one that is not killed comes to the same end, wherever the last one stopped.
        collect_from(port, path, 64)
    assert whole(path, house) == full
    print(f"{kills} kills, {rounds} whole rounds, stopped at {sorted(stops)}")
    assert len(stops) > 5


def test_two_processes_that_collect_at_the_same_time(
    tmp_path: Path, house: House, server: Server
) -> None:
    """They may make the ledger, its tables and its records at the same time, in any order."""
    path = tmp_path / "ledger.db"
    with (
        wire(ScriptedMeter(house.meter).answer) as one,
        wire(ScriptedMeter(house.meter).answer) as other,
    ):
        children = [
            server.Process(target=collect_from, args=(port, path, 1)) for port in (one, other)
        ]
        for child in children:
            child.start()
        deadline = time.monotonic() + 60
        for child in children:
            child.join(deadline - time.monotonic())
    assert [child.exitcode for child in children] == [0, 0]
    assert whole(path, house) == len(house.meter.sealed)
