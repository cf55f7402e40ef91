"""The customer's secret file: `wattseal-customer/…`, mode 0600. Who has it reads everything.

It pins the meter's key as it was at the first pairing, and keeps the secret of every epoch, so
that old bills can still be made and checked after a new pairing. Of meters that were replaced it
keeps the same (version 2).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from wattseal.errors import Malformed, Misuse, Refused
from wattseal.keytree import SECRET_BYTES
from wattseal.record import METER_ID_BYTES, meter_id

from wattseal_host.collect.replies import Pairing
from wattseal_host.customer.openings import Opener
from wattseal_host.encoding import malformed
from wattseal_host.errors import Unusable
from wattseal_host.fields import Fields
from wattseal_host.files import read_secret, write_secret
from wattseal_host.keys import PUBLIC_KEY_BYTES, fingerprint
from wattseal_host.strict_json import dumps, loads
from wattseal_host.trust import Trust

FORMAT = "wattseal-customer/1"
FORMAT_REPLACED = "wattseal-customer/2"
MAX_EPOCHS = 10_000
MAX_METERS = 100


@dataclass(frozen=True)
class Secrets:
    """meter: 16 bytes; key: the pinned 33 bytes; epochs: epoch number -> 32-byte secret; replaced:
    the meters that this one came after, in order of time."""

    meter: bytes
    key: bytes
    epochs: dict[int, bytes]
    replaced: tuple[Secrets, ...] = ()

    def __repr__(self) -> str:
        return f"Secrets(meter={self.meter.hex()}, epochs={sorted(self.epochs)})"

    @classmethod
    def paired(
        cls, pairing: Pairing, before: Secrets | None = None, replace_meter: bool = False
    ) -> Secrets:
        """After a pairing. replace_meter: another meter than before is one in its place.

        Raises Refused `meter-id` (id and key do not belong together) or `meter-pinned` (another
        meter or key than the one paired before, or one that was replaced already).
        """
        if meter_id(pairing.key) != pairing.meter:
            raise Refused("meter-id", pairing.meter.hex())
        if before is None:
            return cls(pairing.meter, pairing.key, {pairing.epoch: pairing.secret})
        if before.key != pairing.key:
            if not replace_meter or pairing.meter in {one.meter for one in before.replaced}:
                raise Refused("meter-pinned", f"paired with {before.meter.hex()} before")
            replaced = (*before.replaced, replace(before, replaced=()))
            return cls(pairing.meter, pairing.key, {pairing.epoch: pairing.secret}, replaced)
        return replace(before, epochs={**before.epochs, pairing.epoch: pairing.secret})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Secrets:
        """Raises Unusable `secrets-malformed`, Misuse `secret-exposed`."""
        try:
            value = loads(read_secret(path))
            fields = Fields(value, "secrets", {"format", *_NAMES}, {"replaced"})
            fields.choice("format", (FORMAT, FORMAT_REPLACED))
            if fields.has("replaced") != (fields.raw("format") == FORMAT_REPLACED):
                raise malformed(fields.where("replaced"))
            replaced: list[Secrets] = []
            if fields.has("replaced"):
                replaced = fields.each("replaced", MAX_METERS, _read_replaced, least=1)
            own = _read_meter(fields)
            if len({one.meter for one in (*replaced, own)}) != len(replaced) + 1:
                raise malformed(fields.where("replaced"))
            return replace(own, replaced=tuple(replaced))
        except Unusable:
            raise
        except Malformed as error:
            raise Unusable("secrets-malformed", str(error)) from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """As version 1, but where there are replaced meters."""
        value: dict[str, Any] = {"format": FORMAT, **_write_meter(self)}
        if self.replaced:
            value["format"] = FORMAT_REPLACED
            value["replaced"] = [_write_meter(one) for one in self.replaced]
        write_secret(path, dumps(value) + b"\n")

    @property
    def meters(self) -> tuple[Secrets, ...]:
        """Every meter of this customer, in order of time."""
        return (*self.replaced, replace(self, replaced=()))

    def of(self, meter: str | None) -> Secrets:
        """Those of one meter, by its id in hexadecimal; None: of the newest. Misuse
        `meter-unknown` for one that is not among them."""
        if meter is None:
            return self
        for one in self.meters:
            if one.meter.hex() == meter:
                return one
        raise Misuse("meter-unknown", f"{meter} was never paired")

    @property
    def earlier(self) -> list[bytes]:
        """Ids of the meters before this one."""
        return [one.meter for one in self.replaced]

    def pinned(self, trust: Trust) -> Trust:
        """`trust` with this meter's key alone; Refused `untrusted-keys` if it is not in there."""
        return pinned_all([self], trust)

    def opener(self) -> Opener:
        return Opener(self.meter, self.epochs)


_NAMES = {"meter", "key", "epochs"}


def _read_replaced(value: Any, where: str) -> Secrets:
    return _read_meter(Fields(value, where, _NAMES))


def _read_meter(fields: Fields) -> Secrets:
    epochs = fields.each("epochs", MAX_EPOCHS, _read_epoch, least=1)
    if len(dict(epochs)) != len(epochs):
        raise malformed(fields.where("epochs"))
    meter = fields.hexadecimal("meter", METER_ID_BYTES)
    return Secrets(meter, fields.hexadecimal("key", PUBLIC_KEY_BYTES), dict(epochs))


def _write_meter(one: Secrets) -> dict[str, Any]:
    return {
        "meter": one.meter.hex(),
        "key": one.key.hex(),
        "epochs": [
            {"epoch": epoch, "secret": secret.hex()} for epoch, secret in sorted(one.epochs.items())
        ],
    }


def _read_epoch(value: Any, where: str) -> tuple[int, bytes]:
    fields = Fields(value, where, {"epoch", "secret"})
    return fields.integer("epoch", 0, 2**32 - 1), fields.hexadecimal("secret", SECRET_BYTES)


def pinned_all(meters: Sequence[Secrets], trust: Trust) -> Trust:
    """`trust` with these meters' keys alone; Refused `untrusted-keys` if one is not in there."""
    for one in meters:
        if one.key not in trust.meters:
            raise Refused("untrusted-keys", f"meter {fingerprint(one.key)} is the one paired")
    return replace(trust, meters=tuple(one.key for one in meters))
