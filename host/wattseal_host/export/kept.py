"""How far a standing export has come: `wattseal-collect/1`, beside the days it gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattseal.errors import Malformed
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES, Record

from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.files import read_secret, write_secret
from wattseal_host.strict_json import dumps, loads

FORMAT = "wattseal-collect/1"
MAX_BYTES = 4096
_NAMES = {
    "format", "meter", "applet", "approved", "next_s", "asked_s", "seq", "previous", "withdrawn",
}  # fmt: skip


@dataclass
class Kept:
    """meter, applet: ids; approved: the meter has taken a request of this applet. next_s: the day
    (its midnight) that is collected next, 0 before the first; asked_s: when the meter last
    exported. seq, previous: the record that comes next, and the digest of the one before it, b""
    where that was not seen. withdrawn: (UTC seconds, record) of the event by which the customer
    ended it."""

    meter: bytes
    applet: bytes
    approved: bool = False
    next_s: int = 0
    asked_s: int = 0
    seq: int = 0
    previous: bytes = b""
    withdrawn: tuple[int, int] | None = None

    @classmethod
    def load(cls, path: Path, meter: bytes, applet: bytes) -> Kept:
        """From a file; a fresh one where there is none. Raises Unusable `collect-state` for a file
        that is none, or another meter's or applet's; Misuse `secret-exposed`."""
        if not path.exists():
            return cls(meter, applet)
        try:
            found = cls._read(Fields(loads(read_secret(path, MAX_BYTES)), "collect", _NAMES))
        except Malformed as error:
            raise Unusable("collect-state", f"{path}: {error}") from error
        if (found.meter, found.applet) != (meter, applet):
            raise Unusable("collect-state", f"{path} is of another meter or applet")
        return found

    @classmethod
    def _read(cls, fields: Fields) -> Kept:
        fields.choice("format", (FORMAT,))
        gone = fields.raw("withdrawn")
        if gone is not None:
            place = Fields(gone, fields.where("withdrawn"), {"at_s", "seq"})
            gone = place.time_s("at_s"), place.integer("seq", 0, 2**32 - 1)
        if type(approved := fields.raw("approved")) is not bool:
            raise Malformed("field-malformed", fields.where("approved"))
        return cls(
            fields.hexadecimal("meter", METER_ID_BYTES),
            fields.hexadecimal("applet", DIGEST_BYTES),
            approved,
            fields.time_s("next_s"),
            fields.time_s("asked_s"),
            fields.integer("seq", 0, 2**32),
            b"" if fields.raw("previous") == "" else fields.hexadecimal("previous", DIGEST_BYTES),
            gone,
        )

    def save(self, path: Path) -> None:
        write_secret(path, dumps(self.written()) + b"\n")

    def written(self) -> dict[str, Any]:
        gone = self.withdrawn
        return {
            "format": FORMAT,
            "meter": self.meter.hex(),
            "applet": self.applet.hex(),
            "approved": self.approved,
            "next_s": self.next_s,
            "asked_s": self.asked_s,
            "seq": self.seq,
            "previous": self.previous.hex(),
            "withdrawn": None if gone is None else {"at_s": gone[0], "seq": gone[1]},
        }

    def follow(self, last: Record) -> None:
        """The records up to this one were verified."""
        self.seq, self.previous = last.seq + 1, last.digest
