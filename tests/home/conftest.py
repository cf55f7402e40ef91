"""A household with two months behind it, and its website in this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "host")]

from household import Household, furnish


@pytest.fixture(scope="session")
def household(tmp_path_factory: pytest.TempPathFactory) -> Household:
    return furnish(tmp_path_factory.mktemp("household"))
