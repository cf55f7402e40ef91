"""JSON of others: decimals exact, no name twice, no field that nobody looked at."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from wattseal.errors import Malformed

from wattseal_host.decimals import read_decimal

MAX_BYTES = 4 * 1024 * 1024


def refuse(field: str, why: str) -> Malformed:
    return Malformed("import-field", f"{field}: {why}")


def load(data: bytes) -> Any:
    """Parse JSON with every number a Decimal. Malformed `import-json`."""
    if len(data) > MAX_BYTES:
        raise Malformed("import-json", f"over {MAX_BYTES} bytes")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_constant,
        )
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise Malformed("import-json", str(error)[:80]) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("import-json", "a name twice in one object")
    return result


def _number(text: str) -> Decimal:
    try:
        return read_decimal(text)
    except Exception as error:
        raise Malformed("import-json", f"the number {text[:40]}") from error


def _constant(text: str) -> Any:
    raise Malformed("import-json", text)


class Object:
    """An object whose every field is taken, or known to say nothing about prices, or refused."""

    def __init__(self, value: Any, where: str, ignored: frozenset[str] = frozenset()) -> None:
        if type(value) is not dict:
            raise refuse(where, "an object is needed")
        self._left: dict[str, Any] = {k: v for k, v in value.items() if k not in ignored}
        self.where = where

    def path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def take(self, name: str, default: Any = None) -> Any:
        return self._left.pop(name, default)

    def has(self, name: str) -> bool:
        return name in self._left

    def number(self, name: str, default: Decimal | None = None) -> Decimal:
        value = self._left.pop(name, default)
        if not isinstance(value, Decimal):
            raise refuse(self.path(name), "a number is needed")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        value = self._left.pop(name, default)
        if type(value) is not str:
            raise refuse(self.path(name), "a text is needed")
        return value

    def list(self, name: str) -> list[Any]:
        value = self._left.pop(name, None)
        if type(value) is not list or not value:
            raise refuse(self.path(name), "a list is needed")
        return value

    def done(self) -> None:
        """Malformed `import-field` if anything is left that nobody took and that says something."""
        for name, value in sorted(self._left.items()):
            if value not in (None, False, "", [], Decimal(0)):
                raise refuse(self.path(name)[:80], "cannot be carried into a tariff")


def whole_thresholds(values: list[Decimal], exponent: int) -> tuple[int, list[int]]:
    """(unit exponent, integers) for ascending thresholds given in 10^exponent units."""
    least = min([0, *(int(value.normalize().as_tuple().exponent) for value in values)])
    return exponent + least, [int(value.scaleb(-least)) for value in values]
