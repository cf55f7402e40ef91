"""What an export opened, as the portal keeps it: in the same place as what was handed over."""

from __future__ import annotations

from wattseal.errors import Refused

from wattseal_host.documents import Enrolment
from wattseal_host.export.items import Checked
from wattseal_host.portal.handed import Handed, pack


def of(enrolment: Enrolment, checked: Checked) -> Handed:
    """Raises Refused `export-channels` unless every channel was opened over the same records, and
    as `Checked.agrees`."""
    checked.agrees(enrolment)
    names = enrolment.channels
    values: dict[str, list[int]] = {name: [] for name in names}
    runs: list[tuple[int, int, int, int, int]] = []
    by_first: dict[int, list[int]] = {}
    for one in checked.opened:
        found = by_first.setdefault(one.first, [])
        if one.channel != len(found) or (found and runs[-1][:2] != (one.first, one.records)):
            raise Refused("export-channels")
        if not found:
            runs.append((one.first, one.records, one.readings, one.start_s, one.end_s))
        found.append(one.value)
    first = checked.records[0].seq
    records = []
    for at, length, *_ in runs:
        told = by_first[at]
        if len(told) != len(names):
            raise Refused("export-channels")
        for name, value in zip(names, told, strict=True):
            values[name].append(value)
        part = checked.records[at - first : at - first + length]
        records += [record for record in part if record.channels]
    spans = tuple((start_s, end_s) for *_, start_s, end_s in runs)
    return Handed(
        enrolment, tuple(records), spans, {name: pack(values[name]) for name in names},
        spans[0][0], spans[-1][1],
        tuple(readings for _, _, readings, _, _ in runs),
    )  # fmt: skip
