"""What of a period is billed by which tariff, and of which meter: the contracts say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wattseal_host.documents import Contract


class Piece(NamedTuple):
    """A part of one meter's stretch. meter: its place among the bill's meters."""

    meter: int
    from_s: int
    to_s: int


class Billed(NamedTuple):
    """What one tariff (by its digest) bills at a stretch; the time between two meters is within."""

    digest: bytes
    pieces: tuple[Piece, ...]

    @property
    def from_s(self) -> int:
        return self.pieces[0].from_s

    @property
    def to_s(self) -> int:
        return self.pieces[-1].to_s


def billed_by(stretches: Sequence[tuple[Contract, int, int]]) -> list[Billed]:
    """The tariffs of a bill in order of time, each with what it bills.

    stretches: of each meter its contract, and its part of the period. A tariff that holds before
    and after a replacement is one. Refused `contract-period`.
    """
    found: list[Billed] = []
    for meter, (contract, from_s, to_s) in enumerate(stretches):
        for agreed in contract.tariffs_for(from_s, to_s):
            piece = Piece(meter, agreed.from_s, agreed.to_s)
            if found and found[-1].digest == agreed.digest:
                found[-1] = Billed(agreed.digest, (*found[-1].pieces, piece))
            else:
                found.append(Billed(agreed.digest, (piece,)))
    return found
