"""The customer's secret file: `wattseal-customer/1`, mode 0600. Who has it reads everything.

It pins the meter's key as it was at the first pairing, and keeps the secret of every epoch, so
that old bills can still be made and checked after a new pairing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from wattseal.errors import Malformed, Refused
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
MAX_EPOCHS = 10_000


@dataclass(frozen=True)
class Secrets:
    """meter: 16 bytes; key: the pinned 33 bytes; epochs: epoch number -> 32-byte secret."""

    meter: bytes
    key: bytes
    epochs: dict[int, bytes]

    def __repr__(self) -> str:
        return f"Secrets(meter={self.meter.hex()}, epochs={sorted(self.epochs)})"

    @classmethod
    def paired(cls, pairing: Pairing, before: Secrets | None = None) -> Secrets:
        """After a pairing. Raises Refused `meter-id` (id and key do not belong together) or
        `meter-pinned` (another meter or key than the one paired before)."""
        if meter_id(pairing.key) != pairing.meter:
            raise Refused("meter-id", pairing.meter.hex())
        if before is None:
            return cls(pairing.meter, pairing.key, {pairing.epoch: pairing.secret})
        if before.key != pairing.key:
            raise Refused("meter-pinned", f"paired with {before.meter.hex()} before")
        return replace(before, epochs={**before.epochs, pairing.epoch: pairing.secret})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Secrets:
        """Raises Unusable `secrets-malformed`, Misuse `secret-exposed`."""
        try:
            names = {"format", "meter", "key", "epochs"}
            fields = Fields(loads(read_secret(path)), "secrets", names)
            fields.choice("format", (FORMAT,))
            epochs = fields.each("epochs", MAX_EPOCHS, _read_epoch, least=1)
            if len(dict(epochs)) != len(epochs):
                raise malformed("secrets.epochs")
            meter = fields.hexadecimal("meter", METER_ID_BYTES)
            return cls(meter, fields.hexadecimal("key", PUBLIC_KEY_BYTES), dict(epochs))
        except Unusable:
            raise
        except Malformed as error:
            raise Unusable("secrets-malformed", str(error)) from error

    def save(self, path: str | os.PathLike[str]) -> None:
        value: dict[str, Any] = {
            "format": FORMAT,
            "meter": self.meter.hex(),
            "key": self.key.hex(),
            "epochs": [
                {"epoch": epoch, "secret": secret.hex()}
                for epoch, secret in sorted(self.epochs.items())
            ],
        }
        write_secret(path, dumps(value) + b"\n")

    def pinned(self, trust: Trust) -> Trust:
        """`trust` with this meter's key alone; Refused `untrusted-keys` if it is not in there."""
        if self.key not in trust.meters:
            raise Refused("untrusted-keys", f"meter {fingerprint(self.key)} is the one paired")
        return replace(trust, meters=(self.key,))

    def opener(self) -> Opener:
        return Opener(self.meter, self.epochs)


def _read_epoch(value: Any, where: str) -> tuple[int, bytes]:
    fields = Fields(value, where, {"epoch", "secret"})
    return fields.integer("epoch", 0, 2**32 - 1), fields.hexadecimal("secret", SECRET_BYTES)
