"""A portal of its own for every test, and a household of two days."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from wattseal_host.portal import passwords
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import MEMORY, Accounts

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "host")]

from peer_meter import PeerMeter
from portal_bench import Clock, Server, flat_tariff
from relay_bench import Bench, Customer
from sealed_house import SealingMeter


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """Argon2id at its real cost is in test_portal_serve, whose portals are processes."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._nobody = passwords._hasher.hash("nobody")


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


@pytest.fixture
def meter(house: SealingMeter) -> PeerMeter:
    return PeerMeter(house)


@pytest.fixture
def bench(meter: PeerMeter) -> Iterator[Bench]:
    bench = Bench(lambda: meter)
    meter.clock = bench.clock
    yield bench
    bench.close()


@pytest.fixture
def customer(bench: Bench, house: SealingMeter) -> Customer:
    customer = Customer(bench.server.url)
    customer.sign_up("ada", house.meter)
    return customer
