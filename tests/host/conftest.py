"""One small case shared by the host's tests; building it takes a second."""

from __future__ import annotations

import pytest
from sealed_house import House, SealingMeter


@pytest.fixture(scope="session")
def house() -> House:
    """A paired meter and one day of half-hours; the pairing falls on the period's first second."""
    meter = SealingMeter().origin().paired()
    for slot in range(50):
        meter.reading(100 + 37 * slot % 900)
    return House(meter)
