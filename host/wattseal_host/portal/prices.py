"""What a unit of each record costs: public, and enough to reckon what a period does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattseal.errors import Refused

from wattseal_host.documents import Enrolment
from wattseal_host.tariff import Tariff
from wattseal_host.tariff.weights import prices_over
from wattseal_host.units import SEALED_UNIT


def told(
    tariff: Tariff, enrolment: Enrolment, spans: Mapping[int, tuple[int, int]]
) -> dict[str, Any]:
    """spans: (start_s, end_s) of the records that have readings, by sequence number.

    The enrolment is what a relay says: exponent and channels go along, for the browser to compare
    with the sealed records. Raises Refused `export-unit` for another unit's name, which no record
    could bear out, `tariff-browser` for a tariff that is no weighted sum, `tariff-period`,
    `tariff-unit`, `export-over` without any record.
    """
    if enrolment.unit.name != SEALED_UNIT:
        raise Refused("export-unit")
    if not tariff.is_linear:
        raise Refused("tariff-browser")
    if not spans:
        raise Refused("export-over")
    order = sorted(spans)
    times = [spans[seq] for seq in order]
    if times[0][0] < tariff.from_s or times[-1][1] > tariff.to_s:
        raise Refused("tariff-period")
    weights = prices_over(tariff, enrolment.channels, times)
    constant = tariff.constant_minor(times[0][0], times[-1][1])
    return {
        "weights": [[seq, *map(str, row)] for seq, row in zip(order, weights, strict=True)],
        "constant": [str(constant.numerator), str(constant.denominator)],
        "exponent": tariff.fee_exponent(enrolment.unit),
        "unit_exponent": enrolment.unit.exponent,
        "channels": len(enrolment.channels),
        "rounding": tariff.rounding.write(),
        "digits": tariff.currency.minor_digits,
        "currency": tariff.currency.code,
    }
