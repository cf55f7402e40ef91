"""Reading the fields of a parsed JSON object: exact names, exact types, stated ranges.

Every getter raises Malformed `field-missing`, `field-unknown` or `field-malformed`, with the
field's path as the detail. Nothing is coerced.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from wattseal.errors import Malformed

from wattseal_host.encoding import from_base64url, from_decimal, from_hex, malformed
from wattseal_host.strict_json import MAX_INTEGER

T = TypeVar("T")
PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
MAX_TIME_S = 2**32 - 1


class Fields:
    """One JSON object whose field names are exactly `required` plus some of `optional`."""

    def __init__(
        self, value: Any, where: str, required: set[str], optional: set[str] | None = None
    ) -> None:
        if type(value) is not dict:
            raise malformed(where)
        names = set(value)
        for name in sorted(required - names):
            raise Malformed("field-missing", f"{where}.{name}")
        for name in sorted(names - required - (optional or set())):
            raise Malformed("field-unknown", f"{where}.{name[:40]}")
        self._value: dict[str, Any] = value
        self._where = where

    def where(self, name: str) -> str:
        return f"{self._where}.{name}"

    def has(self, name: str) -> bool:
        return name in self._value

    def raw(self, name: str) -> Any:
        return self._value[name]

    def text(self, name: str, limit: int = 200) -> str:
        """A printable string of 1..`limit` characters."""
        value = self._value[name]
        if type(value) is not str or len(value) > limit or not PRINTABLE.fullmatch(value):
            raise malformed(self.where(name))
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self._value[name]
        if type(value) is not str or value not in allowed:
            raise malformed(self.where(name))
        return value

    def integer(self, name: str, low: int = -MAX_INTEGER, high: int = MAX_INTEGER) -> int:
        """An integer in low..high, both included (`True` is no integer)."""
        value = self._value[name]
        if type(value) is not int or not low <= value <= high:
            raise malformed(self.where(name))
        return value

    def time_s(self, name: str) -> int:
        """Seconds since 1970-01-01T00:00:00Z, 32 bits unsigned as in the records."""
        return self.integer(name, 0, MAX_TIME_S)

    def hexadecimal(self, name: str, length: int) -> bytes:
        return from_hex(self._string(name, 2 * length), length, self.where(name))

    def decimal(self, name: str) -> int:
        return from_decimal(self._string(name, 81), self.where(name))

    def base64url(self, name: str, limit: int) -> bytes:
        """Bytes from at most `limit` characters of base64url."""
        return from_base64url(self._string(name, limit), self.where(name))

    def items(self, name: str, most: int, least: int = 0) -> list[Any]:
        """A list of `least`..`most` unread values."""
        value = self._value[name]
        if type(value) is not list or not least <= len(value) <= most:
            raise malformed(self.where(name))
        return value

    def each(self, name: str, most: int, read: Callable[[Any, str], T], least: int = 0) -> list[T]:
        """`read(value, path)` of every item of a list."""
        values = self.items(name, most, least)
        return [read(v, f"{self.where(name)}[{i}]") for i, v in enumerate(values)]

    def _string(self, name: str, limit: int) -> str:
        value = self._value[name]
        if type(value) is not str or len(value) > limit:
            raise malformed(self.where(name))
        return value
