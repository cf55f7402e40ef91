"""The list of what was released: `wattseal-releases/1`, beside the secret file, mode 0600.

Each bill is a row of weights over readings with the fee that was opened. The spy test weighs every
new release against it, so a customer who loses the file had better refuse overlapping periods.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattseal.commitment import VALUE_LIMIT
from wattseal.errors import Malformed
from wattseal.record import DIGEST_BYTES, METER_ID_BYTES

from wattseal_host.customer.spy import Row, Slot
from wattseal_host.encoding import from_decimal, malformed
from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.files import MAX_FILE_BYTES, OWNER_ONLY, read_secret, write_secret
from wattseal_host.strict_json import dumps, loads
from wattseal_host.units import Currency

FORMAT = "wattseal-releases/1"
FORMAT_LIMITS = "wattseal-releases/2"  # where an answer set limits to single readings
MAX_RELEASES = 10_000
MAX_RUNS = 200_000


@dataclass(frozen=True)
class Release:
    """One bill. recipient: fingerprint of the provider's key; tariff: digest; amount: payable, in
    minor units; row: what the fee F tells; consent: codes of what the test found and the customer
    released all the same."""

    recipient: str
    tariff: bytes
    currency: Currency
    amount: int
    row: Row
    consent: tuple[str, ...]


@dataclass(frozen=True)
class Disclosed:
    """An answer to a question, with one row it is held to tell. recipient: whom it names; query,
    answer: as told; row, consent: as of a bill; least, most: of every reading with a weight in the
    row, where the answer tells so much."""

    recipient: str
    query: str
    answer: int
    row: Row
    consent: tuple[str, ...]
    least: int | None = None
    most: int | None = None

    @property
    def limits(self) -> bool:
        return (self.least, self.most) != (None, None)


@dataclass(frozen=True)
class Releases:
    """meter: 16 bytes; made: in the order they were released."""

    meter: bytes
    made: tuple[Release | Disclosed, ...] = ()

    @staticmethod
    def path_for(secrets: str | os.PathLike[str]) -> Path:
        """customer.releases.json beside customer.json."""
        return Path(secrets).with_suffix(".releases.json")

    @staticmethod
    @contextmanager
    def locked(path: str | os.PathLike[str]) -> Iterator[None]:
        """Hold the list in a file for this process alone: from before `load` until after `save`,
        or a release made meanwhile is neither weighed nor kept. Waits for its turn.

        The lock is on a file beside it (customer.releases.lock) which stays, for `save` replaces
        the list; a process that dies lets go of it.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(Path(path).with_suffix(".lock"), flags, OWNER_ONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], meter: bytes, replaced: Sequence[bytes] = ()
    ) -> Releases:
        """The list in a file; an empty one where there is no file yet. The list of a meter that
        was replaced goes on as this one's.

        Raises Unusable `releases-malformed` (another meter's is one), Misuse `secret-exposed`.
        """
        if not Path(path).exists():
            return cls(meter)
        try:
            value = loads(read_secret(path, MAX_FILE_BYTES))
            fields = Fields(value, "releases", {"format", "meter", "made"})
            fields.choice("format", (FORMAT, FORMAT_LIMITS))
            if fields.hexadecimal("meter", METER_ID_BYTES) not in (meter, *replaced):
                raise malformed(fields.where("meter"))
            return cls(meter, tuple(fields.each("made", MAX_RELEASES, _read_release)))
        except Unusable:
            raise
        except Malformed as error:
            raise Unusable("releases-malformed", str(error)) from error

    def save(self, path: str | os.PathLike[str]) -> None:
        made = [_write_release(release) for release in self.made]
        limits = any(isinstance(one, Disclosed) and one.limits for one in self.made)
        name = FORMAT_LIMITS if limits else FORMAT
        write_secret(path, dumps({"format": name, "meter": self.meter.hex(), "made": made}))

    def rows(self) -> list[Row]:
        """Of everything that was told."""
        return [release.row for release in self.made]

    def billed(self) -> list[Row]:
        """Of the bills: their periods may not overlap."""
        return [release.row for release in self.made if isinstance(release, Release)]

    def disclosed(self) -> list[Row]:
        """Of the answers to questions."""
        return [release.row for release in self.made if isinstance(release, Disclosed)]

    def known(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(start_s, channel) -> (least, most), for every reading whose limits were told."""
        found: dict[tuple[int, int], tuple[int, int]] = {}
        for one in self.made:
            if isinstance(one, Disclosed) and one.limits:
                for slot in one.row.slots:
                    for channel, weight in enumerate(slot.weights):
                        if weight:
                            at = (slot.start_s, channel)
                            low, high = found.get(at, (0, VALUE_LIMIT - 1))
                            most = high if one.most is None else min(high, one.most)
                            found[at] = (max(low, one.least or 0), most)
        return found

    def with_release(self, release: Release | Disclosed) -> Releases:
        """The list with one more; the very same thing to the same recipient adds nothing."""
        if any(replace(made, consent=release.consent) == release for made in self.made):
            return self
        return replace(self, made=(*self.made, release))


def described(release: Release | Disclosed) -> dict[str, Any]:
    """A release for people and for JSON: times as seconds UTC, amounts as text."""
    common = {
        "from_s": release.row.from_s,
        "to_s": release.row.to_s,
        "readings": sum(len(slot.weights) for slot in release.row.slots),
        "fee": str(release.row.fee),
        "recipient": release.recipient,
        "consent": list(release.consent),
    }
    if isinstance(release, Disclosed):
        answer = str(release.answer)
        return {"kind": "disclosure", "query": release.query, "answer": answer, **common}
    return {
        "kind": "bill",
        "amount": release.currency.major(release.amount),
        "currency": release.currency.code,
        "tariff": release.tariff.hex(),
        **common,
    }


def _write_release(release: Release | Disclosed) -> dict[str, Any]:
    row = {
        "fee": str(release.row.fee),
        "slots": _write_slots(release.row),
        "consent": list(release.consent),
        "recipient": release.recipient,
    }
    if isinstance(release, Disclosed):
        answer = str(release.answer)
        told = {"least": release.least, "most": release.most}
        limits = {name: str(value) for name, value in told.items() if value is not None}
        return {"kind": "disclosure", "query": release.query, "answer": answer, **limits, **row}
    return {
        "kind": "bill",
        "tariff": release.tariff.hex(),
        "currency": release.currency.write(),
        "amount": str(release.amount),
        **row,
    }


def _write_slots(row: Row) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = []
    end_s = None
    for slot in row.slots:
        same = {"length_s": slot.length_s, "weights": [str(weight) for weight in slot.weights]}
        if runs and slot.start_s == end_s and runs[-1].items() >= same.items():
            runs[-1]["count"] += 1
        else:
            runs.append({"start_s": slot.start_s, "count": 1, **same})
        end_s = slot.end_s
    return runs


def _read_release(value: Any, where: str) -> Release | Disclosed:
    kind = value.get("kind") if type(value) is dict else None
    own = {"query", "answer"} if kind == "disclosure" else {"tariff", "currency", "amount"}
    limits = {"least", "most"} if kind == "disclosure" else None
    fields = Fields(value, where, {"kind", "recipient", "fee", "slots", "consent", *own}, limits)
    fields.choice("kind", ("bill", "disclosure"))
    consent = fields.items("consent", 100)
    if any(type(code) is not str for code in consent):
        raise malformed(fields.where("consent"))
    runs = fields.each("slots", MAX_RUNS, _read_run, least=1)
    row = Row(tuple(slot for run in runs for slot in run), fields.decimal("fee"))
    if kind == "disclosure":
        return Disclosed(
            fields.text("recipient", 200),
            fields.text("query", 1000),
            fields.decimal("answer"),
            row,
            tuple(consent),
            fields.decimal("least") if fields.has("least") else None,
            fields.decimal("most") if fields.has("most") else None,
        )
    return Release(
        fields.text("recipient", 80),
        fields.hexadecimal("tariff", DIGEST_BYTES),
        Currency.read(fields.raw("currency"), fields.where("currency")),
        fields.decimal("amount"),
        row,
        tuple(consent),
    )


def _read_run(value: Any, where: str) -> list[Slot]:
    fields = Fields(value, where, {"start_s", "length_s", "count", "weights"})
    start_s, length_s = fields.time_s("start_s"), fields.integer("length_s", 1, 2**32)
    count = fields.integer("count", 1, MAX_RUNS)
    weights = tuple(fields.each("weights", 2, _read_weight, least=1))
    return [Slot(start_s + i * length_s, length_s, weights) for i in range(count)]


def _read_weight(value: Any, where: str) -> int:
    if type(value) is not str:
        raise malformed(where)
    return from_decimal(value, where)
