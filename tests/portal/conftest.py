"""A portal of its own for every test, and a household of two days."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import MEMORY, Accounts

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "host")]

from portal_bench import Clock, Server, flat_tariff
from sealed_house import SealingMeter


@pytest.fixture(scope="session")
def house() -> SealingMeter:
    """Two days; one of the readings is a number found nowhere else."""
    meter = SealingMeter("portal").origin()
    for at in range(96):
        meter.reading(3_141_592_653 if at == 7 else 100 + at)
    return meter


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(clock: Clock) -> Site:
    return Site(Accounts(MEMORY), tariffs={"Flat": flat_tariff()}, clock=clock)


@pytest.fixture
def portal(site: Site) -> Iterator[Server]:
    server = Server(site)
    yield server
    server.close()
