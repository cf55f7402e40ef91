"""Every parser of the host on mutated real input: only documented errors come out, and nothing
that was there before has changed. `make fuzz` does the same with coverage as its guide."""

from __future__ import annotations

import pytest
from fuzz.seeds import seeds
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLES = 60
SLOW = {"disclosure": 25, "bundle": 15, "bundle-fields": 40, "capture": 25, "arrival": 25}


@st.composite
def mutated(draw: st.DrawFn, target: str) -> bytes:
    """A seed, changed in up to four places as damage, cheats and splices would change it."""
    data = draw(st.sampled_from(seeds()[target]))
    for _ in range(draw(st.integers(0, 4))):
        at, to = sorted(draw(st.integers(0, len(data))) for _ in range(2))
        kind = draw(st.sampled_from(("flip", "insert", "delete", "repeat", "splice", "cut")))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
        elif kind == "insert":
            data = data[:at] + draw(st.binary(max_size=8)) + data[at:]
        elif kind == "delete":
            data = data[:at] + data[to:]
        elif kind == "repeat":
            data = data[:to] + data[at:to] * draw(st.integers(1, 3)) + data[to:]
        elif kind == "splice":
            data = data[:at] + draw(st.sampled_from(seeds()[target]))[to:]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_good_and_many_enough(target: str) -> None:
    assert seeds()[target] and all(seeds()[target])
    for data in seeds()[target]:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_mutations_of_real_input(target: str) -> None:
    @settings(max_examples=SLOW.get(target, EXAMPLES))
    @given(data=mutated(target))
    def check(data: bytes) -> None:
        TARGETS[target](data)

    check()


@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes(target: str) -> None:
    @settings(max_examples=SLOW.get(target, EXAMPLES))
    @given(data=st.binary(max_size=300))
    def check(data: bytes) -> None:
        TARGETS[target](data)

    check()
