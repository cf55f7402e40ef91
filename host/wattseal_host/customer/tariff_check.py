"""A tariff on receipt: examined before it applies, in every period it will be billed in."""

from __future__ import annotations

from collections.abc import Iterator

from wattseal.errors import Misuse

from wattseal_host.customer.rows import told_rows
from wattseal_host.customer.spy import Finding, Limit, Row, Slot, examine_tariff
from wattseal_host.documents import Enrolment
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.scene import READING_BITS
from wattseal_host.tariff.weights import prices_over


def check_tariff(
    tariff: Tariff, channels: tuple[str, ...], interval_s: int, period_s: int, limit: Limit
) -> list[Finding]:
    """What bills by this tariff could give away, billed every period_s from its beginning.

    The rest at the end belongs to the last period; records are taken as regular intervals. Local
    time is checked against IANA first: Refused `zone-differs`.
    """
    tariff.zone.check_iana(tariff.to_s)
    findings: list[Finding] = []
    for from_s, to_s in _periods(tariff.from_s, tariff.to_s, period_s):
        starts = range(from_s + -from_s % interval_s, to_s - interval_s + 1, interval_s)
        if not starts:
            raise Misuse("period", "shorter than a record")
        columns = prices_over(tariff, channels, [(at_s, at_s + interval_s) for at_s in starts])
        slots = zip(starts, columns, strict=True)
        row = Row(tuple(Slot(at_s, interval_s, weights) for at_s, weights in slots), None)
        scene = tariff.scene(
            Enrolment(bytes(16), bytes(33), tariff.per, interval_s, channels),
            [(at_s, at_s + interval_s) for at_s in starts],
            READING_BITS[-1],
        )
        for told in told_rows(tariff, scene, row):
            findings += examine_tariff(told, limit)
    return findings


def _periods(from_s: int, to_s: int, period_s: int) -> Iterator[tuple[int, int]]:
    if period_s < 1:
        raise Misuse("period", "a second at least")
    count = max(1, (to_s - from_s) // period_s)
    for number in range(count):
        end_s = to_s if number + 1 == count else from_s + (number + 1) * period_s
        yield from_s + number * period_s, end_s
