"""Every byte of every field counts: a small real bundle, walked; and files that are no bundles."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_house import INTERVAL_S, START_S, House, SealingMeter
from wattseal.errors import Malformed
from wattseal_host.bundle import MAX_BUNDLE_BYTES, Bundle
from wattseal_host.errors import Unusable
from wattseal_host.provider.tariffs import flat
from wattseal_host.trust import Trust
from wattseal_host.verify import verify_bundle


@pytest.fixture(scope="module")
def small() -> tuple[bytes, Trust]:
    """Origin, pairing, one reading: a bundle of some 3,500 bytes with every kind of field."""
    tariff = flat("flat", currency="EUR", price="0.3", from_s=START_S, to_s=START_S + 86400)
    house = House(SealingMeter("small").origin().paired().reading(2 * 10**6), tariff)
    house.to_s = START_S + INTERVAL_S
    data = house.bill(consent=True).data
    assert verify_bundle(data, house.trust).accepted
    return data, house.trust


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every string and number in a JSON tree."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(below, (*path, key))
    else:
        yield path


def at_path(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def code_of(data: bytes, trust: Trust) -> str:
    verdict = verify_bundle(data, trust)
    assert not verdict.accepted
    return verdict.code


def test_any_one_character_of_any_field_changed_is_refused(small: tuple[bytes, Trust]) -> None:
    data, trust = small
    tree = json.loads(data)
    seed = random.randrange(10**6)
    print("seed", seed)
    draw = random.Random(seed)
    walked = 0
    for path in places(tree):
        parent, leaf = at_path(tree, path[:-1]), at_path(tree, path)
        for index, character in enumerate(str(leaf)):
            if isinstance(leaf, int):
                others = {str((int(character) + step) % 10) for step in (1, 5)}
            else:
                others = {chr(ord(character) ^ 1), draw.choice("AZaz09-_. é"), character.swapcase()}
            for other in sorted(others - {character}):
                changed = str(leaf)[:index] + other + str(leaf)[index + 1 :]
                parent[path[-1]] = int(changed) if isinstance(leaf, int) else changed
                assert code_of(json.dumps(tree).encode(), trust), (path, index, other)
                walked += 1
        parent[path[-1]] = leaf
    assert walked > 5000
    assert verify_bundle(json.dumps(tree, indent=1).encode(), trust).accepted


def test_any_one_byte_of_the_file_changed_is_not_accepted(small: tuple[bytes, Trust]) -> None:
    data, trust = small
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        with contextlib.suppress(Unusable):
            assert not verify_bundle(bytes(changed), trust).accepted, at


def test_characters_added_or_removed_are_refused(small: tuple[bytes, Trust]) -> None:
    data, trust = small
    tree = json.loads(data)
    changes: list[Callable[[str], str]] = [
        lambda s: s + "A",
        lambda s: s[:-1],
        lambda s: "0" + s,
        lambda s: s + "=",
        lambda s: s + "\n",
        lambda s: " " + s,
        lambda s: "",
    ]
    for path in places(tree):
        parent, leaf = at_path(tree, path[:-1]), at_path(tree, path)
        others: list[Any] = [None, True, [], {}, [leaf], str(leaf) if leaf == 0 else 0]
        if isinstance(leaf, str):
            others += [change(leaf) for change in changes]
        for other in others:
            parent[path[-1]] = other
            assert code_of(json.dumps(tree).encode(), trust), (path, other)
        parent[path[-1]] = leaf


def test_fields_added_or_missing_are_refused(small: tuple[bytes, Trust]) -> None:
    data, trust = small
    for path in [(), ("statement",), ("statement", "currency"), ("proof",)]:
        tree = json.loads(data)
        at_path(tree, path)["note"] = 1
        assert code_of(json.dumps(tree).encode(), trust) == "field-unknown"
        for name in list(at_path(json.loads(data), path)):
            tree = json.loads(data)
            del at_path(tree, path)[name]
            assert code_of(json.dumps(tree).encode(), trust) == "field-missing"
    doubled = data.replace(b'"proof":', b'"format":"wattseal-bundle/1","proof":', 1)
    assert code_of(doubled, trust) == "json-duplicate-key"
    number = data.replace(b'"minor_digits":2', b'"minor_digits":2.0', 1)
    assert code_of(number, trust) == "json-number"


NO_BUNDLES = {
    "empty": b"",
    "binary": bytes(range(256)) * 4,
    "text": b"hello",
    "list": b"[]",
    "number": b"1.5",
    "object": b"{}",
    "other object": b'{"format":"wattseal-trust/1","providers":[],"meters":[]}',
    "floats": b'{"a":1.5}',
    "deep": b'{"statement":' * 100_000,
    "deep after a float": b'{"a":1.5,"statement":' + b"[" * 100_000,
    "huge": b" " * (MAX_BUNDLE_BYTES + 1),
}


@pytest.mark.parametrize("name", NO_BUNDLES)
def test_what_is_no_bundle_is_unusable(name: str) -> None:
    with pytest.raises(Unusable):
        verify_bundle(NO_BUNDLES[name], Trust())


def test_every_truncation_is_unusable(small: tuple[bytes, Trust]) -> None:
    data, trust = small
    for length in range(0, len(data)):
        with pytest.raises(Unusable):
            verify_bundle(data[:length], trust)


SHAPES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["statement", "proof", "records", "format", "tariffs", "hints", "x"]),
            below,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200)
@given(SHAPES)
def test_any_json_gives_a_refusal_or_unusable(value: Any) -> None:
    with contextlib.suppress(Unusable):
        assert not verify_bundle(json.dumps(value).encode(), Trust()).accepted


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_bundle_with_values_exchanged_is_refused(small: tuple[bytes, Trust], data: Any) -> None:
    tree = json.loads(small[0])
    paths = list(places(tree))
    first = data.draw(st.sampled_from(paths))
    second = data.draw(st.sampled_from(paths))
    a, b = at_path(tree, first), at_path(tree, second)
    at_path(tree, first[:-1])[first[-1]] = b
    at_path(tree, second[:-1])[second[-1]] = a
    assert verify_bundle(json.dumps(tree).encode(), small[1]).accepted == (a == b)


def test_parsing_returns_nothing_partial(small: tuple[bytes, Trust]) -> None:
    tree = json.loads(small[0])
    tree["signature"] = "AA"
    with pytest.raises(Malformed):
        Bundle.read(json.dumps(tree).encode())
