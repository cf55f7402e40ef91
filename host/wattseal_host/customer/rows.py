"""What a bill is held to tell, as rows of weights over readings."""

from __future__ import annotations

from wattseal_host.customer.spy import Row, Slot
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.scene import Scene


def told_rows(tariff: Tariff, scene: Scene, linear_row: Row) -> list[Row]:
    """The rows a bill is held to tell: the weighted sum of the prices, if there is one, and for
    each part that looks at readings otherwise the sum of those it looks at (a table: of each band
    by itself). That the amount mixes
    them, and is rounded, counts for nothing: each is taken as told exactly."""
    rows = [linear_row] if any(any(slot.weights) for slot in linear_row.slots) else []
    for part in tariff.shaped:
        column = scene.channels.index(part.channel)
        for places in map(set, part.told(scene)):
            slots = tuple(
                Slot(
                    slot.start_s,
                    slot.length_s,
                    tuple(int(i == column and at in places) for i in range(len(slot.weights))),
                )
                for at, slot in enumerate(linear_row.slots)
            )
            values = scene.values[part.channel] if scene.values else []
            row = Row(slots, sum(values[place] for place in places) if values else None)
            if places and row not in rows:
                rows.append(row)
    return rows or [linear_row]
