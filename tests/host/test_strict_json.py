"""The JSON subset: what is read, what is refused by which code; writing is canonical."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattseal.errors import Malformed, Misuse
from wattseal_host.errors import Unusable
from wattseal_host.strict_json import MAX_DEPTH, MAX_INTEGER, dumps, loads, loads_shape

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text("abé", max_size=3), below),
    max_leaves=12,
)

UNUSABLE = {
    b"": "json-empty",
    b" \n": "json-empty",
    b"\x00\x01\x02\xff": "json-encoding",
    b"{": "json-syntax",
    b'{"a":1} x': "json-syntax",
    b'{"a":01}': "json-syntax",
    b"{'a':1}": "json-syntax",
    b'["\n"]': "json-syntax",
    b"\xef\xbb\xbf{}": "json-syntax",
    b"[" * 100_000: "json-deep",
    b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2): "json-deep",
    b'{"a":' * 50_000: "json-deep",
}
OUTSIDE = {
    b'{"a":1,"a":1}': "json-duplicate-key",
    b'{"a":{"b":1,"b":2}}': "json-duplicate-key",
    b"[1.0]": "json-number",
    b"[1e3]": "json-number",
    b"[-0]": "json-number",
    b"[NaN]": "json-number",
    b"[-Infinity]": "json-number",
    b"[9007199254740992]": "json-number",
    b"[" + b"9" * 10_000 + b"]": "json-number",
    b'["\\ud800"]': "json-unicode",
    b'{"\\udfff":1}': "json-unicode",
}


@pytest.mark.parametrize(("data", "code"), UNUSABLE.items(), ids=range(len(UNUSABLE)))
def test_what_is_no_json_is_unusable(data: bytes, code: str) -> None:
    with pytest.raises(Unusable) as caught:
        loads(data)
    assert caught.value.code == code


@pytest.mark.parametrize(("data", "code"), OUTSIDE.items(), ids=range(len(OUTSIDE)))
def test_json_outside_the_subset_is_malformed(data: bytes, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        loads(data)
    assert caught.value.code == code
    assert not isinstance(caught.value, Unusable)


def test_size_is_bounded() -> None:
    with pytest.raises(Unusable, match="json-huge"):
        loads(b"[" + b" " * 100 + b"]", max_bytes=50)


@given(VALUES)
def test_what_is_written_reads_back_and_is_canonical(value: object) -> None:
    data = dumps(value)
    assert loads(data) == value
    assert data.isascii()
    assert dumps(loads(data)) == data
    assert json.loads(data) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        loads(data)


@given(VALUES, st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_damaged_json_gives_a_value_or_malformed(value: object, at: int, junk: bytes) -> None:
    data = bytearray(dumps(value))
    at %= len(data)
    data[at : at + len(junk)] = junk
    with contextlib.suppress(Malformed):
        loads(bytes(data))


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**53, {1: 2}, b"x", "\ud800", {"a": object()}]
)
def test_what_could_not_be_read_is_not_written(value: object) -> None:
    with pytest.raises(Misuse):
        dumps(value)


def test_the_lenient_reader_is_bounded_too() -> None:
    with pytest.raises(Unusable):
        loads_shape(b"[1.5," + b"[" * 100_000)
    assert loads_shape(b'{"a":1.5,"a":NaN}') == {"a": None}
