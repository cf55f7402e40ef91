"""From a tariff to one integer weight per reading: the public weight vector of a linear bill."""

from __future__ import annotations

from collections.abc import Sequence

from wattseal.errors import Misuse, Refused
from wattseal.record import Record

from wattseal_host.tariff.model import Tariff
from wattseal_host.tariff.steps import Steps


def weigh(tariff: Tariff, records: Sequence[Record], channels: Sequence[str]) -> list[int]:
    """The weight of every reading: what a unit costs with taxes, in the tariff's scale.

    In the order record by record, channel by channel; events have no readings and no weights.
    Raises Refused `tariff-period` for a record outside the tariff's validity.
    """
    spans = []
    for record in records:
        if not record.channels:
            continue
        if len(record.channels) != len(channels):
            raise Misuse("channel-count")
        if record.start_s < tariff.from_s or record.end_s > tariff.to_s:
            raise Refused("tariff-period", f"record {record.seq}")
        spans.append((record.start_s, record.end_s))
    return [weight for slot in prices_over(tariff, channels, spans) for weight in slot]


def prices_over(
    tariff: Tariff, channels: Sequence[str], spans: Sequence[tuple[int, int]]
) -> list[tuple[int, ...]]:
    """The weight on each channel of each span from_s..to_s within the tariff's validity."""
    columns = [_prices(tariff, tariff.steps(channel), spans) for channel in channels]
    return list(zip(*columns, strict=True))


def _prices(tariff: Tariff, steps: Steps, spans: Sequence[tuple[int, int]]) -> list[int]:
    prices = []
    for (from_s, to_s), price in zip(spans, steps.throughout(spans), strict=True):
        if price is None:
            if tariff.long_records is None:
                raise Misuse("long-records")  # `Tariff.read` lets no such tariff pass
            price = tariff.long_records.price(steps.over(from_s, to_s))
        prices.append(price)
    return prices
