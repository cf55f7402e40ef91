"""The price list of a meter's display, made from a signed tariff and loaded at the customer port.

It holds what a unit costs when, taxes included, the standing charges of the period spread evenly
over its days, and the offsets of local time. It goes to the customer's own meter and nobody else;
the bill is made from the tariff, and owes nothing to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from fractions import Fraction

from wattseal.errors import Misuse, Refused
from wattseal.labels import PRICE_LIST
from wattseal.orders import prices_proof

from wattseal_host.collect.customer import CustomerPort
from wattseal_host.customer.store import Secrets
from wattseal_host.keys import fingerprint
from wattseal_host.tariff import Tariff
from wattseal_host.units import Unit

MAX_BYTES = 16_384
CHUNK_BYTES = 40
_MAX_SCALE = 18
_MAX_PRICE = 2**31 - 1
_MAX_STANDING = 2**47 - 1


def encode(
    tariff: Tariff, unit: Unit, channels: Sequence[str], from_s: int, to_s: int
) -> bytes:
    """The list for a bill's period, as firmware/meter/price_list.py reads it.

    Raises Misuse `prices-period` unless the tariff is valid over it, Refused `prices-shaped` where
    readings have more than prices, `prices-range` and `prices-size` where the list cannot hold
    them, `tariff-unit`.
    """
    if not tariff.from_s <= from_s < to_s <= tariff.to_s:
        raise Misuse("prices-period", "outside the tariff's validity")
    if tariff.shaped:
        raise Refused("prices-shaped", f"{tariff.shaped[0].name} is no price of a unit")
    if tariff.minimum:
        raise Refused("prices-shaped", f"{tariff.minimum.name} raises what is used up to it")
    exponent = tariff.fee_exponent(unit) - tariff.currency.minor_digits
    columns = [tariff.steps(channel) for channel in channels]
    starts = sorted({from_s}.union(*(steps.changes(from_s, to_s) for steps in columns)))
    rows = [[Fraction(steps.at(at_s)) for steps in columns] for at_s in starts]
    days = max(1, len(tariff.zone.days(from_s, to_s)))
    standing = tariff.constant_minor(from_s, to_s) / 10**tariff.currency.minor_digits / days
    scale = _scale([price for row in rows for price in row], exponent, standing)
    entries = b"".join(
        _unsigned(at_s, 4) + b"".join(_signed(_scaled(price, exponent, scale), 4) for price in row)
        for at_s, row in zip(starts, rows, strict=True)
    )
    offsets = [
        (max(since_s, from_s), offset_s // 60)
        for since_s, end_s, offset_s in tariff.zone.spans(tariff.to_s)
        if end_s > from_s and since_s < to_s
    ]
    if len(offsets) > 255 or len(starts) > 65_535:
        raise Refused("prices-size", f"{len(starts):,} changes of price")
    data = (
        bytes([1, len(channels)])
        + tariff.currency.code.encode("ascii")
        + bytes([scale])
        + _unsigned(from_s, 4)
        + _unsigned(to_s, 4)
        + _signed(_scaled(standing, 0, scale), 6)
        + bytes([len(offsets)])
        + _unsigned(len(starts), 2)
        + b"".join(_unsigned(s, 4) + _signed(minutes, 2) for s, minutes in offsets)
        + entries
    )
    if len(data) > MAX_BYTES:
        raise Refused("prices-size", f"{len(starts):,} changes of price: choose a shorter period")
    return data


def load(
    port: CustomerPort, secrets: Secrets, data: bytes, progress: Callable[[int], None] | None = None
) -> int:
    """Load a list, and put it to work; the epoch it holds for.

    Raises Refused `meter-pinned` for another meter than the one paired, `epoch-unknown` if the
    current epoch is not among the secrets; PortError `port-refused` with the meter's own code.
    """
    status = port.status()
    if port.itself().meter != secrets.meter:
        raise Refused("meter-pinned", f"paired with key {fingerprint(secrets.key)}")
    epoch = status.get("epoch")
    if type(epoch) is not int or epoch not in secrets.epochs:
        raise Refused("epoch-unknown", f"epoch {epoch}")
    for at in range(0, len(data), CHUNK_BYTES):
        port.send_prices(at, data[at : at + CHUNK_BYTES])
        if progress:
            progress(at)
    challenge = port.prices().challenge
    digest = hashlib.sha256(PRICE_LIST + data).digest()
    proof = prices_proof(secrets.epochs[epoch], secrets.meter, epoch, challenge, digest)
    port.use_prices(proof)
    return epoch


def _scale(prices: list[Fraction], exponent: int, standing: Fraction) -> int:
    """The finest scale all amounts fit in."""
    for scale in range(_MAX_SCALE, -1, -1):
        if (
            all(abs(_scaled(price, exponent, scale)) <= _MAX_PRICE for price in prices)
            and abs(_scaled(standing, 0, scale)) <= _MAX_STANDING
        ):
            return scale
    raise Refused("prices-range")


def _scaled(amount: Fraction, exponent: int, scale: int) -> int:
    return round(amount * Fraction(10) ** (exponent + scale))


def _unsigned(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def _signed(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)
