"""What the household draws: the true power and energy, which no meter ever sees exactly.

A load answers `power_w(t_s)` (active power in W at a UTC time in seconds since 1970) and
`energy_wh(from_s, to_s)` (its own total over [from_s, to_s), in Wh). Power is constant over slots.
Errors are LoadError with the codes load-missing, load-malformed, load-gap and load-range.
"""

import csv
import hashlib
import io
import math
import warnings
from bisect import bisect_right
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from wattseal_hil.errors import LoadError

MAX_CSV_BYTES = 64 * 1024 * 1024
MAX_POWER_W = 17_000.0  # 74 A at 230 V: the current input of the board reaches its rail there


class Load(Protocol):
    """Anything that draws power."""

    def power_w(self, t_s: float) -> float: ...

    def energy_wh(self, from_s: float, to_s: float) -> float: ...


def described(load: Load) -> dict[str, Any]:
    """What tells a load apart: `kind`, its numbers by name, `sha256` of a course it may have."""
    numbers = {
        name: value
        for name, value in getattr(load, "__dict__", {}).items()
        if not name.startswith("_") and type(value) in (int, float) and math.isfinite(value)
    }
    digest = getattr(load, "sha256", None)
    return {"kind": type(load).__name__, **numbers, **({"sha256": digest} if digest else {})}


class ConstantLoad:
    """A resistor that draws `watts` for ever; a negative number (-17 to 17 kW) flows out."""

    def __init__(self, watts: float) -> None:
        if not -MAX_POWER_W <= watts <= MAX_POWER_W:
            raise LoadError("load-range", f"{watts} W is beyond {MAX_POWER_W:.0f} W")
        self.watts = float(watts)

    def power_w(self, t_s: float) -> float:
        return self.watts

    def energy_wh(self, from_s: float, to_s: float) -> float:
        return self.watts * (to_s - from_s) / 3600


class SlotLoad:
    """Energies of consecutive slots of one length; nothing is drawn before and after them."""

    def __init__(self, start_s: int, slot_s: int, energies_wh: list[float]) -> None:
        self.start_s = start_s
        self.slot_s = slot_s
        self.end_s = start_s + slot_s * len(energies_wh)
        self._wh = energies_wh
        for number, wh in enumerate(energies_wh):
            if not 0 <= wh * 3600 / slot_s <= MAX_POWER_W:
                raise LoadError("load-range", f"slot {number}: {wh} Wh in {slot_s} s")
        self._total_wh = [0.0]
        for wh in energies_wh:
            self._total_wh.append(self._total_wh[-1] + wh)

    @property
    def sha256(self) -> str:
        """Of the energies in Wh, as Python writes them, with spaces between."""
        return hashlib.sha256(" ".join(map(repr, self._wh)).encode()).hexdigest()

    def power_w(self, t_s: float) -> float:
        if not self.start_s <= t_s < self.end_s:
            return 0.0
        return self._wh[int((t_s - self.start_s) // self.slot_s)] * 3600 / self.slot_s

    def _until_wh(self, t_s: float) -> float:
        slots = (min(max(t_s, self.start_s), self.end_s) - self.start_s) / self.slot_s
        whole = int(slots)
        part = (slots - whole) * self._wh[whole] if slots > whole else 0.0
        return self._total_wh[whole] + part

    def energy_wh(self, from_s: float, to_s: float) -> float:
        return self._until_wh(to_s) - self._until_wh(from_s)


class CsvLoad(SlotLoad):
    """A CSV file with the header `start,kwh`: starts without a zone are UTC, equally spaced."""

    def __init__(self, path: str | Path) -> None:
        starts: list[int] = []
        energies_wh: list[float] = []
        try:
            rows = csv.reader(io.StringIO(_read(Path(path)).decode("utf-8-sig")))
            if next(rows, None) != ["start", "kwh"]:
                raise LoadError("load-malformed", f"{path}: the header must be 'start,kwh'")
            for row in filter(None, rows):
                starts.append(_seconds(row[0]))
                energies_wh.append(float(row[1]) * 1000)
        except OSError as error:
            raise LoadError("load-missing", f"{path}: {error.strerror}") from None
        except (ValueError, IndexError, csv.Error):
            raise LoadError("load-malformed", f"{path}: line {len(starts) + 1} or near") from None
        if len(starts) < 2:
            raise LoadError("load-malformed", f"{path}: two rows at least are needed")
        slot_s = starts[1] - starts[0]
        for number, start in enumerate(starts):
            if slot_s <= 0 or start != starts[0] + number * slot_s:
                raise LoadError("load-gap", f"{path}: line {number + 2} breaks the slots' grid")
        super().__init__(starts[0], slot_s, energies_wh)


def _read(path: Path) -> bytes:
    """The bytes of a regular file, bounded: a device or a pipe might never end."""
    if path.exists() and not path.is_file():
        raise LoadError("load-malformed", f"{path} is no regular file")
    with path.open("rb") as file:
        data = file.read(MAX_CSV_BYTES + 1)
    if len(data) > MAX_CSV_BYTES:
        raise LoadError("load-malformed", f"{path} is over {MAX_CSV_BYTES} bytes")
    return data


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


class ProfileLoad:
    """An average household: BDEW standard load profile H25 (2025), quarter-hours, by demandlib.

    `annual_kwh` (default 3500) scales the profile, which is made a calendar year at a time, in
    UTC, without holidays.
    """

    def __init__(self, annual_kwh: float = 3500.0) -> None:
        if not 0 <= annual_kwh <= 40_000:
            raise LoadError("load-range", f"{annual_kwh} kWh a year is outside 0 to 40000")
        self.annual_kwh = annual_kwh
        self._years: dict[int, SlotLoad] = {}

    def _year(self, year: int) -> SlotLoad:
        if year not in self._years:
            import pandas  # takes a second to import: only for whoever uses the profile
            from demandlib.bdew import H25

            index = pandas.date_range(
                datetime(year, 1, 1), datetime(year + 1, 1, 1), freq="15min", inclusive="left"
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # demandlib's use of pandas is not ours to mend
                quarters = [float(kw) for kw in H25(index)]
            scale = self.annual_kwh * 1000 / sum(quarters)
            start_s = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
            self._years[year] = SlotLoad(start_s, 900, [kw * scale for kw in quarters])
        return self._years[year]

    def power_w(self, t_s: float) -> float:
        return self._year(datetime.fromtimestamp(t_s, UTC).year).power_w(t_s)

    def energy_wh(self, from_s: float, to_s: float) -> float:
        first = datetime.fromtimestamp(from_s, UTC).year
        last = datetime.fromtimestamp(to_s, UTC).year
        return sum(self._year(year).energy_wh(from_s, to_s) for year in range(first, last + 1))


class SwitchedLoad:
    """One load after another, as they were plugged in: what the board's own total is taken of."""

    def __init__(self, first: Load) -> None:
        self._since_s = [float("-inf")]
        self._loads = [first]

    def switch(self, t_s: float, load: Load) -> None:
        """From `t_s` on (not before the last switch) `load` is plugged in."""
        self._since_s.append(max(t_s, self._since_s[-1]))
        self._loads.append(load)

    def at(self, t_s: float) -> Load:
        """What is plugged in at `t_s`."""
        return self._loads[bisect_right(self._since_s, t_s) - 1]

    def power_w(self, t_s: float) -> float:
        return self.at(t_s).power_w(t_s)

    def energy_wh(self, from_s: float, to_s: float) -> float:
        total = 0.0
        ends = [*self._since_s[1:], float("inf")]
        for load, since, end in zip(self._loads, self._since_s, ends, strict=True):
            a, b = max(from_s, since), min(to_s, end)
            if a < b:
                total += load.energy_wh(a, b)
        return total
