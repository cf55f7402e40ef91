"""The parts a tariff may have, by `type`. A part prices one channel as a step function.

Another linear part is another class here with `channel`, `read` and `steps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from wattseal.errors import Malformed

from wattseal_host.encoding import malformed
from wattseal_host.fields import Fields
from wattseal_host.tariff.calendar import MAX_PRICE, Calendar
from wattseal_host.tariff.steps import Steps
from wattseal_host.tariff.zone import Zone


class Part(Protocol):
    """channel: "import" or "export"; steps: the part's price over the tariff's validity."""

    @property
    def channel(self) -> str: ...

    def steps(self, zone: Zone, holidays: frozenset[date], to_s: int) -> Steps: ...


@dataclass(frozen=True)
class Flat:
    """A part of type "flat": one price at all times."""

    channel: str
    price: int

    @classmethod
    def read(cls, fields: Fields) -> Flat:
        return cls(
            fields.choice("channel", ("import", "export")),
            fields.integer("price", -MAX_PRICE, MAX_PRICE),
        )

    def steps(self, zone: Zone, holidays: frozenset[date], to_s: int) -> Steps:
        return Steps.make([(zone.offsets[0][0], self.price)])


def read_part(value: Any, where: str) -> Part:
    """Dispatch on the part's `type`. Raises Malformed `tariff-part` for an unknown one."""
    if type(value) is not dict:
        raise malformed(where)
    match value.get("type"):
        case "flat":
            return Flat.read(Fields(value, where, {"type", "channel", "price"}))
        case "time-of-use":
            return Calendar.read(Fields(value, where, {"type", "channel", "bands", "seasons"}))
        case _:
            raise Malformed("tariff-part", where)
