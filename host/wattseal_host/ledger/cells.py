"""The ledger's cells as they are read: of the right type and within their range, or the ledger
is damaged. A file is only bytes; what a row holds is believed after this and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.orm import mapped_column
from wattseal.errors import Malformed
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES, Record, decode_sealed

from wattseal_host.engine import HINT_BYTES
from wattseal_host.errors import Unusable
from wattseal_host.keys import PUBLIC_KEY_BYTES

MAX_U32 = 2**32 - 1
MAX_MOMENT_S = 253402300799  # the last second of year 9999
SUM_BYTES = 64
CHANNELS_MOST = 2
_Check = Callable[[Any], Any]


def damaged(detail: str) -> Unusable:
    return Unusable("ledger-damaged", detail)


class Whole(Integer):
    """An integer in low..high, both included."""

    def __init__(self, low: int = 0, high: int = MAX_U32) -> None:
        super().__init__()
        self.low, self.high = low, high

    def result_processor(self, dialect: Any, coltype: Any) -> _Check:
        low, high = self.low, self.high

        def check(value: Any) -> Any:
            if type(value) is not int or not low <= value <= high:
                raise damaged("a number that cannot be")
            return value

        return check


class Blob(LargeBinary):
    """least to most bytes, a multiple of `step`."""

    def __init__(self, least: int = 0, most: int = 1 << 16, step: int = 1) -> None:
        super().__init__()
        self.least, self.most, self.step = least, most, step

    def result_processor(self, dialect: Any, coltype: Any) -> _Check:
        least, most, step = self.least, self.most, self.step

        def check(value: Any) -> Any:
            if type(value) is not bytes or not least <= len(value) <= most or len(value) % step:
                raise damaged("bytes that cannot be")
            return value

        return check


class Words(String):
    """Text; null: or none."""

    def __init__(self, null: bool = False) -> None:
        super().__init__()
        self.null = null

    def result_processor(self, dialect: Any, coltype: Any) -> _Check:
        null = self.null

        def check(value: Any) -> Any:
            if type(value) is not str and not (null and value is None):
                raise damaged("text that cannot be")
            return value

        return check


RowId = Annotated[int, mapped_column(Whole(1, 2**63 - 1))]
Moment = Annotated[int, mapped_column(Whole(0, MAX_MOMENT_S))]
Exponent = Annotated[int, mapped_column(Whole(-128, 127))]
MaybeWords = Annotated[str | None, mapped_column(Words(null=True))]
MeterId = Annotated[bytes, mapped_column(Blob(METER_ID_BYTES, METER_ID_BYTES))]
Key = Annotated[bytes, mapped_column(Blob(PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES))]
Digest = Annotated[bytes, mapped_column(Blob(DIGEST_BYTES, DIGEST_BYTES))]
Hints = Annotated[bytes, mapped_column(Blob(0, CHANNELS_MOST * HINT_BYTES, HINT_BYTES))]
Sums = Annotated[bytes, mapped_column(Blob(SUM_BYTES, CHANNELS_MOST * SUM_BYTES, SUM_BYTES))]


def record_of(sealed: bytes) -> Record:
    """A record the ledger holds: it was decoded once already."""
    try:
        return decode_sealed(sealed)
    except Malformed as error:
        raise damaged(f"a record that is none any more: {error}") from error
