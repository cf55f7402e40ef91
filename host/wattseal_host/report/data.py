"""What a report is made from: plain values, no type of any other part of the host.

Money is counted in integers as on the bill: a fee is an integer number of 10^fee_exponent minor
units, a price an integer number of 10^price_exponent major units per 10^per_exponent Wh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from wattseal.errors import Misuse

_COMMITMENT = re.compile("0[23][0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Slot:
    """One interval or outage record of the billed period, opened.

    start_s: UTC seconds; length_s > 0; value: imported energy in units of 10^e Wh; price: of
    the import, see the module; fee: of the whole record, export included; commitment: 33 bytes
    and ciphertext: 5 bytes as hexadecimal; export: exported energy, None when the meter has no
    such channel, and then export_commitment is empty.
    """

    start_s: int
    length_s: int
    value: int
    price: int
    fee: int
    commitment: str
    ciphertext: str
    export: int | None = None
    export_commitment: str = ""

    @property
    def end_s(self) -> int:
        return self.start_s + self.length_s


@dataclass(frozen=True, slots=True)
class Charge:
    """A part of the bill that belongs to no slot: standing charge, tax, minimum bill."""

    label: str
    fee: int


@dataclass(frozen=True, slots=True)
class Check:
    """One step of the verification; ok is None when it was never reached."""

    name: str
    ok: bool | None
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """code: the stable refusal code, or "accepted"; detail: for people, may be empty."""

    accepted: bool
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """A labelled digest or key fingerprint, as text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportData:
    """A verified (or refused) bill with its openings.

    meter: id, hexadecimal; from_s, to_s: the billed period, UTC seconds, to_s excluded;
    offsets: (from_s, offset_s) ascending, the local time to display (none: UTC); slots: in
    order of time, without overlap, within the period; unit_exponent: the e of 10^e Wh;
    amount_minor: payable, in minor units, negative for a credit; commands: shell lines by
    which anybody verifies the bill, "# ..." being a remark; fee_released: the provider also
    got the unrounded fee; disclosed: what the bill tells of readings, in plain words.
    Raises Misuse `report-slots`, `report-offsets`, `report-period`.
    """

    meter: str
    from_s: int
    to_s: int
    offsets: tuple[tuple[int, int], ...]
    zone_name: str
    currency: str
    minor_digits: int
    unit_exponent: int
    slots: tuple[Slot, ...]
    price_exponent: int
    fee_exponent: int
    amount_minor: int
    tariff_name: str
    provider_name: str
    contract_digest: str
    tariff_digest: str
    keys: tuple[Digest, ...]
    checks: tuple[Check, ...]
    verdict: Verdict
    commands: tuple[str, ...]
    charges: tuple[Charge, ...] = ()
    digests: tuple[Digest, ...] = ()
    per_exponent: int = 3
    fee_released: bool = True
    disclosed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.to_s <= self.from_s:
            raise Misuse("report-period")
        if any(later[0] <= sooner[0] for sooner, later in pairwise(self.offsets)):
            raise Misuse("report-offsets")
        for slot in self.slots:
            if slot.length_s <= 0 or slot.value < 0 or (slot.export or 0) < 0:
                raise Misuse("report-slots", f"slot at {slot.start_s}")
            if not _COMMITMENT.fullmatch(slot.commitment):
                raise Misuse("report-slots", f"commitment at {slot.start_s}")
        if any(later.start_s < sooner.end_s for sooner, later in pairwise(self.slots)):
            raise Misuse("report-slots", "overlap")
        if self.slots and (self.slots[0].start_s < self.from_s or self.slots[-1].end_s > self.to_s):
            raise Misuse("report-slots", "outside the period")
