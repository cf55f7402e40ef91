"""Invented households for report tests: seeded, so that a run gives the same page every time."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wattseal_host.report import Charge, Check, Digest, ReportData, Slot, Verdict

DAY_S = 86400
JANUARY_S = 1704067200  # 2024-01-01T00:00:00Z
MARCH_31_S = 1711843200
OCTOBER_27_S = 1729987200
LONDON = ((JANUARY_S, 0), (1711846800, 3600), (1729990800, 0))
COMMANDS = (
    "# the bundle holds the sealed records, the tariff, the contract and the proof",
    "wattseal verify bill-2024-01.bundle --trust provider-key.json",
    "# or from the provider's ledger, without the customer's bundle",
    "wattseal verify bill-2024-01.json --ledger sqlite:///ledger.db --trust provider-key.json",
)


def digest_hex(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def household_w(clock_s: int, day: int, dice: random.Random) -> float:
    """An evening peak, a morning one, a fridge; laundry on some days, a later start at weekends."""
    hour = clock_s / 3600
    weekend = day % 7 in (5, 6)
    morning = 620 * math.exp(-(((hour - (9.2 if weekend else 7.2)) / 1.1) ** 2))
    evening = 980 * math.exp(-(((hour - 18.9) / 2.0) ** 2))
    noon = (420 if weekend else 120) * math.exp(-(((hour - 13) / 1.8) ** 2))
    laundry = 1500 if day % 3 == 1 and 10 <= hour < 11.5 else 0
    power = 110 + (morning + evening + noon) * dice.lognormvariate(0, 0.35) + laundry
    if dice.random() < 0.012:
        power += dice.choice((1800, 2400))
    return power * dice.uniform(0.85, 1.2)


def three_rate(clock_s: int, _: int) -> int:
    """Pence-like prices in 10^-5 of the currency per kWh."""
    if clock_s < 7 * 3600:
        return 14210
    return 38450 if 16 * 3600 <= clock_s < 19 * 3600 else 26330


def half_hourly(clock_s: int, day: int) -> int:
    """A price of its own for every half-hour, below zero on some windy nights."""
    dice = random.Random(f"{clock_s} {day}")
    swing = 9000 * math.sin((clock_s / DAY_S) * 2 * math.pi - 2.2)
    wind = -21000 if day % 9 == 4 and clock_s < 6 * 3600 else 0
    return round(19000 + swing + wind + dice.gauss(0, 2500))


def make_slots(
    start_s: int = JANUARY_S,
    days: float = 30,
    interval_s: int = 1800,
    price: Callable[[int, int], int] = three_rate,
    load: Callable[[int, int, random.Random], float] = household_w,
    seed: int = 7,
    outage: tuple[int, int] | None = None,
    with_export: bool = False,
) -> tuple[Slot, ...]:
    """Records one after the other; outage: (start, length) of one long record in seconds."""
    dice = random.Random(seed)
    slots: list[Slot] = []
    at_s, end_s = start_s, start_s + int(days * DAY_S)
    while at_s < end_s:
        length_s = interval_s
        if outage and at_s <= outage[0] < at_s + interval_s:
            length_s = outage[1]
        day, clock_s = divmod(at_s, DAY_S)
        watts = load(clock_s, day, dice)
        sun = max(0.0, 2600 * math.sin((clock_s / 3600 - 6) / 12 * math.pi)) * dice.random()
        value = int(watts * length_s / 3600)
        export = int(sun * length_s / 3600) if with_export else None
        cost = price(clock_s, day)
        slots.append(
            Slot(
                at_s,
                length_s,
                value,
                cost,
                value * cost - 8000 * (export or 0),
                f"{2 + dice.randrange(2):02x}{digest_hex(seed, at_s)}",
                digest_hex("pad", seed, at_s)[:10],
                export,
                f"02{digest_hex('export', at_s)}" if with_export else "",
            )
        )
        at_s += length_s
    return tuple(slots)


def make_report(slots: tuple[Slot, ...] | None = None, **changes: Any) -> ReportData:
    """A report over the slots (default a January of half-hours), with any field replaced."""
    slots = make_slots() if slots is None else slots
    standing = Charge("standing charge, 30 days at 0.5312", 1593600000)
    fee = sum(slot.fee for slot in slots) + standing.fee
    data = ReportData(
        meter=digest_hex("meter")[:32],
        from_s=slots[0].start_s if slots else JANUARY_S,
        to_s=slots[-1].end_s if slots else JANUARY_S + DAY_S,
        offsets=LONDON,
        zone_name="Europe/London",
        currency="GBP",
        minor_digits=2,
        unit_exponent=0,
        slots=slots,
        price_exponent=-5,
        fee_exponent=-6,
        amount_minor=round(fee / 10**6),
        tariff_name="Three-rate 2024",
        provider_name="Northern Light Energy",
        contract_digest=digest_hex("contract"),
        tariff_digest=digest_hex("tariff"),
        keys=(
            Digest("Provider key", digest_hex("provider")),
            Digest("Meter key", digest_hex("meter key")),
        ),
        digests=(
            Digest("Before the first record", digest_hex("first")),
            Digest("Last record", digest_hex("last")),
        ),
        checks=(
            Check("keys are trusted", True, 0.31),
            Check("tariff and contract signed by the provider", True, 0.62),
            Check("every record well-formed", True, 2.04),
            Check("no record missing, repeated or reordered", True, 1.87),
            Check("last record signed by the meter", True, 0.21),
            Check("prices follow from the tariff", True, 1.15),
            Check("amount opens the weighted sum of commitments", True, 9.48),
        ),
        verdict=Verdict(True, "accepted"),
        commands=COMMANDS,
        charges=(standing,),
    )
    return replace(data, **changes)
