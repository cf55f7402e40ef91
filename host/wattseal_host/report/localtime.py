"""Local time by a list of UTC offsets: days of 23, 24 and 25 hours, doubled local hours."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from wattseal_host.report.digits import MINUS

DAY_S = 86400
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch within one local day, on which the local clock runs straight.

    day: days since 1970-01-01 local; clock_s: local time of day, 0..86399; lane: 0 normally, 1
    and 2 for the first and second run of a local hour that happens twice.
    """

    start_s: int
    length_s: int
    day: int
    clock_s: int
    lane: int


class LocalTime:
    """offsets: (from_s, offset_s) ascending; the first holds before its start too."""

    def __init__(self, offsets: Sequence[tuple[int, int]]) -> None:
        self.offsets = tuple(offsets) or ((0, 0),)
        self._starts = [start for start, _ in self.offsets[1:]]
        self._doubled = [
            (change, sooner - later)
            for (_, sooner), (change, later) in pairwise(self.offsets)
            if later < sooner
        ]
        breaks = set(self._starts)
        for change, shift_s in self._doubled:
            breaks |= {change - shift_s, change + shift_s}
        self._breaks = sorted(breaks)

    def offset_s(self, at_s: int) -> int:
        return self.offsets[bisect_right(self._starts, at_s)][1]

    def day(self, at_s: int) -> int:
        return (at_s + self.offset_s(at_s)) // DAY_S

    def clock_s(self, at_s: int) -> int:
        return (at_s + self.offset_s(at_s)) % DAY_S

    def pieces(self, start_s: int, end_s: int) -> Iterator[Piece]:
        """Cut start_s..end_s at local midnights, changes of offset and doubled hours."""
        while start_s < end_s:
            local_s = start_s + self.offset_s(start_s)
            stop_s = min(end_s, start_s + DAY_S - local_s % DAY_S)
            i = bisect_right(self._breaks, start_s)
            if i < len(self._breaks):
                stop_s = min(stop_s, self._breaks[i])
            day, clock_s = divmod(local_s, DAY_S)
            yield Piece(start_s, stop_s - start_s, day, clock_s, self._lane(start_s))
            start_s = stop_s

    def midnights(self, from_s: int, to_s: int) -> list[tuple[int, int]]:
        """(day, first UTC second of that day within from_s..to_s), in order."""
        found: list[tuple[int, int]] = []
        for piece in self.pieces(from_s, to_s):
            if not found or piece.day > found[-1][0]:
                found.append((piece.day, piece.start_s))
        return found

    def _lane(self, at_s: int) -> int:
        for change, shift_s in self._doubled:
            if change - shift_s <= at_s < change + shift_s:
                return 1 if at_s < change else 2
        return 0


def day_text(day: int, year: bool = False, weekday: bool = False) -> str:
    """ "3 Mar", "3 Mar 2024", "Sun 3 Mar"."""
    when = _EPOCH + timedelta(days=day)
    text = f"{when.day} {when:%b}"
    if weekday:
        text = f"{when:%a} {text}"
    return f"{text} {when.year}" if year else text


def clock_text(clock_s: int) -> str:
    """ "07:30"; with seconds only when they are not zero."""
    minutes, seconds = divmod(clock_s, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


def offset_text(offset_s: int) -> str:
    """ "UTC", "UTC+01:00", "UTC-03:30" (with a true minus)."""
    if not offset_s:
        return "UTC"
    minutes = abs(offset_s) // 60
    return f"UTC{MINUS if offset_s < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def length_text(length_s: int) -> str:
    """ "30 min", "2 h", "14 h 05 min", "1 min 20 s"."""
    hours, rest = divmod(length_s, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = []
    if hours:
        parts.append(f"{hours:,} h")
    if minutes:
        parts.append(f"{minutes:02d} min" if hours else f"{minutes} min")
    if seconds:
        parts.append(f"{seconds} s")
    return " ".join(parts)


def interval_name(length_s: int) -> str:
    """What people call a slot of this length: "half-hour", "hour", "5-minute slot"."""
    names = {86400: "day", 3600: "hour", 1800: "half-hour", 900: "quarter-hour"}
    if length_s in names:
        return names[length_s]
    if length_s % 60:
        return f"{length_s}-second slot"
    return f"{length_s // 60}-minute slot"
