"""The JSON the project reads and writes: a subset of RFC 8259 without ambiguity.

Read: UTF-8, no duplicate keys, integers of at most 53 bits and nothing else as numbers (no
floats, no NaN, no minus zero), no lone surrogates, bounded size and depth. Written: sorted
keys, no white space, ASCII only; the one form that signatures are made over.
"""

from __future__ import annotations

import json
from typing import Any

from wattseal.errors import Malformed, Misuse

from wattseal_host.errors import Unusable

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1


def _integer(text: str) -> int:
    if text == "-0" or len(text) > 17 or not -MAX_INTEGER <= int(text) <= MAX_INTEGER:
        raise Malformed("json-number", text[:40])
    return int(text)


def _no_float(text: str) -> Any:
    raise Malformed("json-number", text[:40])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("json-duplicate-key")
    return result


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_no_float,
    parse_constant=_no_float,
)


def _check_tree(root: Any, max_depth: int) -> None:
    """Level by level, not by recursion: depth and well-formed Unicode."""
    level = [root]
    for _ in range(max_depth + 1):
        below: list[Any] = []
        for value in level:
            if type(value) is dict:
                below.extend(value.keys())
                below.extend(value.values())
            elif type(value) is list:
                below.extend(value)
            elif type(value) is str and not value.isascii():
                try:
                    value.encode("utf-8")
                except UnicodeEncodeError as error:
                    raise Malformed("json-unicode") from error
        if not below:
            return
        level = below
    raise Unusable("json-deep", f"more than {max_depth} levels")


def loads(data: bytes, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Parse one JSON text.

    Raises Unusable (`json-huge`, `json-empty`, `json-encoding`, `json-syntax`, `json-deep`)
    when it is no JSON that could be looked into at all, Malformed (`json-duplicate-key`,
    `json-number`, `json-unicode`) when it is JSON outside the subset.
    """
    if len(data) > max_bytes:
        raise Unusable("json-huge", f"over {max_bytes} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusable("json-encoding", "not UTF-8 text") from error
    if not text.strip(" \t\r\n"):
        raise Unusable("json-empty")
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise Unusable("json-deep") from error
    except json.JSONDecodeError as error:
        raise Unusable("json-syntax", f"line {error.lineno}, column {error.colno}") from error
    _check_tree(value, max_depth)
    return value


def dumps(value: Any) -> bytes:
    """The canonical encoding of `value` (dict with str keys, list, str, int, bool, None).

    `loads(dumps(v)) == v`, and equal values have equal bytes. Raises Misuse `json-value` on
    anything the reader would refuse.
    """
    try:
        data = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        ).encode("ascii")
        if loads(data) != value:
            raise Misuse("json-value", "would not read back as written")
    except (TypeError, ValueError, RecursionError, Malformed) as error:
        raise Misuse("json-value", str(error)) from error
    return data


def loads_shape(data: bytes) -> Any:
    """What `loads` refused as Malformed, read leniently: to tell what kind of file it is.

    Never for values: duplicate keys are dropped and every number is None. Raises Unusable
    `json-syntax` or `json-deep` for what comes after the place `loads` had reached.
    """
    try:
        return json.loads(data, parse_int=_nothing, parse_float=_nothing, parse_constant=_nothing)
    except RecursionError as error:
        raise Unusable("json-deep") from error
    except ValueError as error:
        raise Unusable("json-syntax") from error


def _nothing(_: str) -> None:
    return None
