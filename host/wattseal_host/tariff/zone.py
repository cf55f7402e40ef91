"""Local time of a tariff: a named IANA zone, and the UTC offsets that alone are normative.

Time-zone data differs between machines and years, so the signed document lists every change of
offset within its validity. The IANA name is for people, and for the customer's cross-check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from wattseal.errors import Misuse, Refused

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields

DAY_S = 86400
EPOCH_DAY = date(1970, 1, 1).toordinal()
MAX_CHANGES = 4000
MAX_OFFSET_S = 18 * 3600
_PROBE_S = 6 * 3600


@dataclass(frozen=True)
class Zone:
    """offsets: (from_s, offset_s) ascending, the first at the beginning of validity."""

    name: str
    offsets: tuple[tuple[int, int], ...]

    @classmethod
    def read(cls, value: Any, where: str, from_s: int, to_s: int) -> Zone:
        """Raises Malformed unless the offsets cover from_s..to_s, each a real change."""
        fields = Fields(value, where, {"name", "offsets"})
        offsets = tuple(fields.each("offsets", MAX_CHANGES, _read_offset, least=1))
        starts = [start for start, _ in offsets]
        if starts[0] != from_s or starts[-1] >= to_s:
            raise malformed(fields.where("offsets"))
        for (start, offset), (later, changed) in pairwise(offsets):
            if start >= later or offset == changed:
                raise malformed(fields.where("offsets"))
        return cls(fields.text("name", 64), offsets)

    def write(self) -> dict[str, Any]:
        return {"name": self.name, "offsets": [list(pair) for pair in self.offsets]}

    @classmethod
    def from_iana(cls, name: str, from_s: int, to_s: int) -> Zone:
        """The offsets this machine's time-zone data gives; Misuse `zone-unknown`."""
        try:
            zone = ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:
            raise Misuse("zone-unknown", name) from error
        offsets = [(from_s, _offset_s(zone, from_s))]
        for probe_s in range(from_s, to_s, _PROBE_S):
            end_s = min(probe_s + _PROBE_S, to_s - 1)
            if _offset_s(zone, end_s) != offsets[-1][1]:
                change_s = _first_change_s(zone, probe_s, end_s)
                offsets.append((change_s, _offset_s(zone, change_s)))
        return cls(name, tuple(offsets))

    def check_iana(self, to_s: int) -> None:
        """The customer's cross-check: Refused `zone-differs` when IANA knows it otherwise."""
        if self != Zone.from_iana(self.name, self.offsets[0][0], to_s):
            raise Refused("zone-differs", self.name)

    def text(self, at_s: int) -> str:
        """A time as local clocks show it, "2025-06-01 00:30"."""
        offset_s = next((o for start, o in reversed(self.offsets) if start <= at_s), 0)
        return datetime.fromtimestamp(at_s + offset_s, UTC).strftime("%Y-%m-%d %H:%M")

    def days(self, from_s: int, to_s: int) -> list[date]:
        """The local days that begin in from_s <= t < to_s, by the listed offsets.

        A day begins at the first second whose local date is that day or a later one; so however
        the clocks are moved, consecutive periods share no day and leave none out.
        """
        first, last = self._last_day(from_s), self._last_day(to_s)
        return [date.fromordinal(EPOCH_DAY + day) for day in range(first + 1, last + 1)]

    def _last_day(self, before_s: int) -> int:
        """The last local day (since 1970-01-01) begun before a time; earlier than the first
        listed offset that offset holds."""
        offset_s = self.offsets[0][1]
        latest = (min(before_s, self.offsets[0][0]) - 1 + offset_s) // DAY_S
        for start_s, end_s, offset_s in self.spans(before_s):
            if start_s < before_s:
                latest = max(latest, (min(end_s, before_s) - 1 + offset_s) // DAY_S)
        return latest

    def spans(self, to_s: int) -> Iterator[tuple[int, int, int]]:
        """(from_s, to_s, offset_s) of each stretch of one offset, in order."""
        for index, (start_s, offset_s) in enumerate(self.offsets):
            last = index + 1 == len(self.offsets)
            yield start_s, to_s if last else self.offsets[index + 1][0], offset_s


def _read_offset(value: Any, where: str) -> tuple[int, int]:
    if type(value) is not list or len(value) != 2 or any(type(v) is not int for v in value):
        raise malformed(where)
    start_s, offset_s = value
    if not 0 <= start_s < 2**32 or abs(offset_s) > MAX_OFFSET_S:
        raise malformed(where)
    return start_s, offset_s


def _offset_s(zone: ZoneInfo, at_s: int) -> int:
    offset = datetime.fromtimestamp(at_s, UTC).astimezone(zone).utcoffset() or timedelta(0)
    return int(offset.total_seconds())


def _first_change_s(zone: ZoneInfo, low_s: int, high_s: int) -> int:
    """The first second after low_s whose offset is high_s's (one change between them)."""
    changed = _offset_s(zone, high_s)
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        if _offset_s(zone, middle_s) == changed:
            high_s = middle_s
        else:
            low_s = middle_s
    return high_s
