"""Chosen hours: a calendar with two bands, "in" and "out"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.calendar import MAX_SEASONS, Calendar, read_season
from wattseal_host.tariff.scene import Scene

_BANDS = {"in": 1, "out": 0}


@dataclass(frozen=True)
class When:
    """calendar: its price is 1 in the chosen hours. A record belongs to the hour it begins in."""

    calendar: Calendar

    @classmethod
    def read(cls, value: Any, where: str) -> When:
        fields = Fields(value, where, {"seasons"})
        seasons = tuple(fields.each("seasons", MAX_SEASONS, read_season, least=1))
        begins = [season.begins for season in seasons]
        used = {band for s in seasons for switches in s.days.values() for _, band in switches}
        if sorted(set(begins)) != begins or not {"in"} <= used <= set(_BANDS):
            raise malformed(fields.where("seasons"))
        return cls(Calendar("when", "import", _BANDS, seasons))


def read_when(fields: Fields) -> When | None:
    """A part's optional `when`."""
    return When.read(fields.raw("when"), fields.where("when")) if fields.has("when") else None


def places_in(scene: Scene, when: When | None) -> tuple[int, ...]:
    """The places of the records in the chosen hours; of all without a choice."""
    if when is None:
        return tuple(range(len(scene.spans)))
    steps = scene.steps(when.calendar)
    return tuple(i for i, (start_s, _) in enumerate(scene.spans) if steps.at(start_s))
