"""The disclosure test on a tariff when it is received, and on a bill before it is released.

A release is refused by default when (a) a combination of it and earlier ones tells of at most 8
consecutive slots alone, outright or by its remainders, or hides a second row that does so, or
speaks of a few readings anywhere; (b) the fees confine a reading to under a tenth of its range;
(c) it tells a value of more than 48 bits; or when its period overlaps that of an earlier release.
What it tells is counted at full resolution, as the fee is opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattseal_host.customer.spy.bounds import (
    NOTHING_KNOWN,
    Known,
    confined_readings,
    dominant_slots,
)
from wattseal_host.customer.spy.hidden import telling_hidden_rows
from wattseal_host.customer.spy.rank import telling_windows
from wattseal_host.customer.spy.residues import telling_remainders
from wattseal_host.customer.spy.rows import Finding, Limit, Row

MOST_BITS = 48


def examine_tariff(row: Row, limit: Limit) -> list[Finding]:
    """What some bill over these slots could give away; the fee is not known yet."""
    findings = _alone([row], row, limit, None)
    dominant = dominant_slots(row, limit)
    if dominant:
        about = "the price {when} outweighs the others so far that a bill would confine the reading"
        findings.append(Finding("disclosure-confined", tuple(dominant), about))
    if row.divisor:
        most = sum(
            abs(weight) * limit.most(slot.length_s) for slot in row.slots for weight in slot.weights
        )
        findings += _length(most // row.divisor)
    return findings


def examine_bill(
    proposed: Row,
    before: Sequence[Row],
    limit: Limit,
    readings: Sequence[int] | None = None,
    beside: Sequence[Row] = (),
    known: Known = NOTHING_KNOWN,
) -> list[Finding]:
    """What a bill with its fee would give away beside what was released before.

    An earlier release of the very same row tells nothing new and counts once. readings: in the
    order of the weights; without them hidden rows are judged as on receipt of a tariff. beside:
    further rows the same release is held to tell. known: limits of readings told before.
    """
    others = [row for row in before if row != proposed and row not in beside]
    overlapping = [row for row in others if row.overlaps(proposed)]
    findings = []
    if overlapping:
        spans = tuple((row.from_s, row.to_s) for row in overlapping)
        about = "the period overlaps that of an earlier release, {when}"
        findings.append(Finding("disclosure-overlap", spans, about))
    rows = _connected(proposed, [*others, *(row for row in beside if row != proposed)])
    findings += _alone(rows, proposed, limit, readings)
    confined = confined_readings(rows, limit)
    if known and not confined:
        confined = confined_readings(rows, limit, known)
    if confined:
        spans = tuple((reading.from_s, reading.to_s) for reading in confined)
        about = "the amount leaves fewer than a tenth of its values to the reading {when}"
        findings.append(Finding("disclosure-confined", spans, about))
    if proposed.divisor and proposed.fee is not None:
        findings += _length(abs(proposed.fee) // proposed.divisor)
    return findings


def _alone(
    rows: Sequence[Row], proposed: Row, limit: Limit, readings: Sequence[int] | None
) -> list[Finding]:
    findings = []
    windows = telling_windows(rows)
    if windows:
        about = "the fee tells of the readings {when} alone, of no others"
        findings.append(Finding("disclosure-window", tuple(windows), about))
    remainders = telling_remainders(proposed, limit)
    if remainders:
        spans = tuple((from_s, to_s) for from_s, to_s, _ in remainders)
        most = max(told for _, _, told in remainders)
        about = f"the fee's remainder tells which of {most} cases holds of the readings {{when}}"
        findings.append(Finding("disclosure-remainder", spans, about))
    told = {span for finding in findings for span in finding.spans}
    hidden = telling_hidden_rows(proposed, limit, readings)
    if not told.issuperset(hidden):
        about = "the fee's remainder is a second sum, which tells of the readings {when}"
        findings.append(Finding("disclosure-hidden-row", tuple(hidden), about))
    return findings


def _length(value: int) -> list[Finding]:
    bits = value.bit_length()
    if bits <= MOST_BITS:
        return []
    return [Finding("disclosure-length", (), f"the fee may tell {bits} bits, over {MOST_BITS}")]


def _connected(proposed: Row, others: Sequence[Row]) -> list[Row]:
    """proposed and the rows that share slots with it, or with those that do, and so on."""
    rows, rest = [proposed], list(others)
    for row in rows:
        rows += [other for other in rest if other.overlaps(row)]
        rest = [other for other in rest if not other.overlaps(row)]
    return rows
