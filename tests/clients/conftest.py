"""Fixtures of the tests with clients nobody here wrote."""

import sys
from pathlib import Path

import pytest
from house import House, house

sys.path.append(str(Path(__file__).parents[1] / "host"))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> House:
    """A house for a file's tests; none of them leaves consent given."""
    with house(tmp_path_factory.mktemp("house")) as opened:
        yield opened
